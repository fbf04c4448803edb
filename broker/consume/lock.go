package consume

import (
	"sync"
	"time"
)

// LockExpiry is how long a queue stays locked by a client that doesn't renew the lock.
const LockExpiry = 60 * time.Second

// QueueName names a queue of a topic.
type QueueName struct {
	Topic string
	ID    int32
}

// Locks are the queues that clients consume in order: one client of a group at a time. It is safe for concurrent use.
type Locks struct {
	now func() time.Time

	mu   sync.Mutex // guards held
	held map[lockKey]lock
}

type lockKey struct {
	group string
	queue QueueName
}

type lock struct {
	client string
	at     time.Time
}

// NewLocks makes an empty table.
func NewLocks(now func() time.Time) *Locks { return &Locks{now: now, held: map[lockKey]lock{}} }

// Lock takes or renews the locks of those queues that no other client holds, and returns them.
func (l *Locks) Lock(group, client string, queues []QueueName) []QueueName {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	var got []QueueName
	for _, q := range queues {
		k := lockKey{group, q}
		h, ok := l.held[k]
		if ok && h.client != client && now.Sub(h.at) < LockExpiry {
			continue
		}
		l.held[k] = lock{client, now}
		got = append(got, q)
	}
	return got
}

// Unlock gives locks back.
func (l *Locks) Unlock(group, client string, queues []QueueName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range queues {
		k := lockKey{group, q}
		if l.held[k].client == client {
			delete(l.held, k)
		}
	}
}
