package store

import (
	"sync"
	"sync/atomic"
)

// Arrival waits for a message in a queue. It belongs to the queue from Await until Wake is called or Cancel succeeds.
type Arrival struct {
	// From is the queue offset that must exist.
	From int64
	// Wake is called once, on the dispatcher's goroutine: it must not block.
	Wake func(*Arrival)

	prev, next *Arrival
	listed     bool
}

// arrivals are those who wait for a queue's next message.
type arrivals struct {
	count atomic.Int32
	mu    sync.Mutex // guards the list
	head  *Arrival
}

// Await registers a, unless there is nothing to wait for, since the message is there already or the queue is gone: then it returns
// false and a.Wake is not called.
func (q *Queue) Await(a *Arrival) bool {
	l := &q.arrivals
	l.mu.Lock()
	defer l.mu.Unlock()
	// Whoever wakes publishes the unit, or the queue's end, first and looks at count then; here it is the other way round,
	// so one of the two sees the other.
	l.count.Add(1)
	if _, next := q.Bounds(); next > a.From || q.gone.Load() {
		l.count.Add(-1)
		return false
	}
	a.listed, a.prev, a.next = true, nil, l.head
	if l.head != nil {
		l.head.prev = a
	}
	l.head = a
	return true
}

// Cancel takes a back. It returns false if Wake was called or is about to be.
func (q *Queue) Cancel(a *Arrival) bool {
	l := &q.arrivals
	l.mu.Lock()
	defer l.mu.Unlock()
	if !a.listed {
		return false
	}
	l.remove(a)
	return true
}

func (l *arrivals) remove(a *Arrival) {
	if a.prev == nil {
		l.head = a.next
	} else {
		a.prev.next = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	}
	a.listed, a.prev, a.next = false, nil, nil
	l.count.Add(-1)
}

// wake calls those whose message is there; all of them if the queue is gone.
func (q *Queue) wake() {
	l := &q.arrivals
	if l.count.Load() == 0 {
		return
	}
	_, next := q.Bounds()
	all := q.gone.Load()
	var woken *Arrival
	l.mu.Lock()
	for a := l.head; a != nil; {
		following := a.next
		if all || next > a.From {
			l.remove(a)
			a.next, woken = woken, a
		}
		a = following
	}
	l.mu.Unlock()
	for a := woken; a != nil; {
		following := a.next
		a.next = nil
		a.Wake(a)
		a = following
	}
}
