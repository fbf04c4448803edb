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

	mu   sync.Mutex // guards what follows
	held map[string]map[QueueName]lock
	left map[membership]time.Time // who has left its group, and when; forgotten when a lock of then would have expired
}

type membership struct{ group, client string }

type lock struct {
	client  string
	renewed time.Time
}

func (l lock) expired(now time.Time) bool { return now.Sub(l.renewed) >= LockExpiry }

// NewLocks makes an empty table.
func NewLocks(now func() time.Time) *Locks {
	return &Locks{now: now, held: map[string]map[QueueName]lock{}, left: map[membership]time.Time{}}
}

// Lock takes or renews the locks of those queues that no other client of the group holds, and returns them. A client that has left the group
// gets none until it is back.
func (l *Locks) Lock(group, client string, queues []QueueName) []QueueName {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.left[membership{group, client}]; ok && now.Sub(at) < LockExpiry {
		return nil
	}
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

// Leave gives back all that a client holds in a group which it has left in order. RocketMQ's Java clients unlock their queues when they
// stop, but the round of locking that is under way then takes some again, even after they have left. Under RocketMQ's broker nobody gets
// those before they expire.
func (l *Locks) Leave(group, client string) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for q, h := range l.held[group] {
		if h.client == client {
			l.drop(group, q)
		}
	}
	l.left[membership{group, client}] = now
}

// Return lets a client lock queues again: it is a member of the group.
func (l *Locks) Return(group, client string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.left, membership{group, client})
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
	for m, at := range l.left {
		if now.Sub(at) >= LockExpiry {
			delete(l.left, m)
		}
	}
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
