package consume

import (
	"slices"
	"testing"
	"time"
)

// clock is a time that a test sets.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func TestAQueueIsLockedByOneClientOfAGroup(t *testing.T) {
	c := &clock{time.Now()}
	l := NewLocks(c.now)
	q0, q1 := QueueName{"orders", "a", 0}, QueueName{"orders", "a", 1}
	lock := func(group, client string, want ...QueueName) {
		t.Helper()
		if got := l.Lock(group, client, []QueueName{q0, q1}); !slices.Equal(got, want) {
			t.Errorf("%s of %s got %v, expected %v", client, group, got, want)
		}
	}
	lock("shop", "a", q0, q1)
	lock("shop", "b")
	lock("shop", "a", q0, q1) // again
	lock("audit", "b", q0, q1)

	l.Unlock("shop", "b", []QueueName{q0}) // not its own
	lock("shop", "b")
	l.Unlock("shop", "a", []QueueName{q0})
	lock("shop", "b", q0)
	lock("shop", "a", q1)
}

func TestWhoLeavesAGroupGivesBackWhatItHoldsThere(t *testing.T) {
	c := &clock{time.Now()}
	l := NewLocks(c.now)
	queues := []QueueName{{"orders", "a", 0}, {"orders", "a", 1}}
	l.Lock("shop", "a", queues)
	l.Lock("audit", "a", queues)
	l.Leave("shop", "c") // holds nothing
	if got := l.Lock("shop", "b", queues); len(got) != 0 {
		t.Errorf("b got %v, which a holds", got)
	}
	l.Leave("shop", "a")
	if got := l.Lock("shop", "b", queues); !slices.Equal(got, queues) {
		t.Errorf("b got %v, expected %v", got, queues)
	}
	if got := l.Lock("audit", "b", queues); len(got) != 0 {
		t.Errorf("b got %v of the group in which a still is", got)
	}

	l.Leave("shop", "b")
	if got := l.Lock("shop", "b", queues); len(got) != 0 {
		t.Errorf("b has left and got %v", got)
	}
	l.Return("shop", "b")
	if got := l.Lock("shop", "b", queues); !slices.Equal(got, queues) {
		t.Errorf("b is back and got %v, expected %v", got, queues)
	}
	l.Leave("shop", "b")
	c.t = c.t.Add(LockExpiry)
	l.Expire()
	if len(l.left) != 0 {
		t.Errorf("%v is remembered for ever", l.left)
	}
}

func TestALockThatIsNotRenewedExpires(t *testing.T) {
	c := &clock{time.Now()}
	l := NewLocks(c.now)
	q := []QueueName{{"orders", "a", 0}}
	l.Lock("shop", "a", q)
	c.t = c.t.Add(LockExpiry - 1)
	if got := l.Lock("shop", "b", q); got != nil || !l.Held("shop") {
		t.Error("the lock was lost too early")
	}
	l.Lock("shop", "a", q)
	c.t = c.t.Add(LockExpiry - 1)
	if l.Expire(); !l.Held("shop") {
		t.Error("a renewed lock expired")
	}
	c.t = c.t.Add(1)
	if l.Held("shop") || l.Held("nobody") {
		t.Error("a group without locks holds one")
	}
	if got := l.Lock("shop", "b", q); len(got) != 1 {
		t.Error("an expired lock wasn't given away")
	}
	c.t = c.t.Add(LockExpiry)
	if l.Expire(); len(l.held) != 0 {
		t.Errorf("expired locks are kept: %v", l.held)
	}
}
