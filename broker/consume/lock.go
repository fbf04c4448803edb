package consume

import (
	"sync"
	"time"
)

// LockExpiry is how long a queue stays locked by a client that doesn't renew the lock.
const LockExpiry = 60 * time.Second

// QueueName names a queue of a topic as clients do. Broker is a part of it: a logical queue goes by another name than the broker's own.
type QueueName struct {
	Topic, Broker string
	ID            int32
}

// Locks are the queues that clients consume in order: one client of a group at a time. They are safe for concurrent use. What now
// returns must carry a monotonic reading, as time.Now's results do: a wall clock that is set would give a queue to two.
type Locks struct {
	now func() time.Time

	mu   sync.Mutex // guards held
	held map[string]map[QueueName]lock
}

type lock struct {
	client  string
	renewed time.Time
}

func (l lock) expired(now time.Time) bool { return now.Sub(l.renewed) >= LockExpiry }

// NewLocks makes an empty table.
func NewLocks(now func() time.Time) *Locks {
	return &Locks{now: now, held: map[string]map[QueueName]lock{}}
}

// Lock takes or renews the locks of those queues that no other client of the group holds, and returns them.
func (l *Locks) Lock(group, client string, queues []QueueName) []QueueName {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	var got []QueueName
	for _, q := range queues {
		if h, ok := l.held[group][q]; ok && h.client != client && !h.expired(now) {
			continue
		}
		if l.held[group] == nil {
			l.held[group] = map[QueueName]lock{}
		}
		l.held[group][q] = lock{client, now}
		got = append(got, q)
	}
	return got
}

// Unlock gives locks back; those of other clients stay.
func (l *Locks) Unlock(group, client string, queues []QueueName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range queues {
		if h, ok := l.held[group][q]; ok && h.client == client {
			l.drop(group, q)
		}
	}
}

// Held tells whether a client of the group holds a lock.
func (l *Locks) Held(group string) bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.held[group] {
		if !h.expired(now) {
			return true
		}
	}
	return false
}

// Expire forgets locks that nobody has renewed.
func (l *Locks) Expire() {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for group, queues := range l.held {
		for q, h := range queues {
			if h.expired(now) {
				l.drop(group, q)
			}
		}
	}
}

// drop needs mu.
func (l *Locks) drop(group string, q QueueName) {
	if delete(l.held[group], q); len(l.held[group]) == 0 {
		delete(l.held, group)
	}
}
