package commitlog

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// Need is what a Waiter waits for.
type Need uint8

const (
	// Written: the message is in the log and survives the death of the process.
	Written Need = iota
	// Flushed: it survives a power loss.
	Flushed
	// Confirmed: it may be seen, which includes flush and replication as far as the log is set up for them.
	Confirmed
)

// Waiter is a completion: Done is called once when everything below UpTo has what Need says, or will not get it.
// It belongs to the log from OnAcked until then and can be reused afterwards.
type Waiter struct {
	UpTo     int64
	Need     Need
	Deadline time.Time // ErrFlushTimeout soon after it; the zero time waits for ever
	// Alone leaves it to its owner to get the flush going, who calls FlushHere next.
	Alone bool
	// Done runs on the goroutine that made the progress: it must not block.
	Done func(*Waiter, error)

	next *Waiter
}

// OnAcked calls w.Done when what w waits for has come, maybe before it returns. The error is nil, or ErrFlushTimeout,
// ErrTruncated, ErrClosed or ErrFailed; but for ErrTruncated the message may be in the log all the same.
func (l *Log) OnAcked(w *Waiter) {
	list, reached := &l.confirmWaiters, l.Confirmed
	switch w.Need {
	case Written:
		w.Done(w, nil)
		return
	case Flushed:
		list, reached = &l.flushWaiters, l.Flushed
	}
	if seeded.Is(seeded.AckBeforeFlush) {
		reached = l.Max
	}
	if w.UpTo <= reached() {
		w.Done(w, nil)
		return
	}
	list.add(w)
	if !w.Alone {
		l.FlushSoon()
	}
	// It may have come between the look and the add, and then nobody would look again.
	list.complete(reached())
	if p := l.failed.Load(); p != nil {
		l.completeAll(*p)
	} else if l.drained.Load() {
		l.completeAll(ErrClosed)
	}
}

// advanced tells whom it concerns that written, flushed or replicated moved.
func (l *Log) advanced() {
	l.settle()
	l.signals.raise()
}

// settle ends the waits for what has come.
func (l *Log) settle() {
	l.flushWaiters.complete(l.Flushed())
	l.confirmWaiters.complete(l.Confirmed())
}

// completeAll ends all waits with an error.
func (l *Log) completeAll(err error) {
	all := func(*Waiter) bool { return true }
	l.flushWaiters.take(all, err)
	l.confirmWaiters.take(all, err)
}

// waiting is how many wait.
func (l *Log) waiting() int32 { return l.flushWaiters.count.Load() + l.confirmWaiters.count.Load() }

// waiterScan is how exact deadlines are.
const waiterScan = 500 * time.Millisecond

// watchdog ends waits whose deadline has passed while an fdatasync hangs, or a replica.
func (l *Log) watchdog() {
	tick := time.NewTicker(waiterScan)
	defer tick.Stop()
	for {
		select {
		case <-l.quit:
			return
		case <-tick.C:
			l.expire(l.opts.Now())
		}
	}
}

func (l *Log) expire(now time.Time) {
	if l.waiting() == 0 {
		return
	}
	late := func(w *Waiter) bool { return !w.Deadline.IsZero() && now.After(w.Deadline) }
	l.flushWaiters.take(late, ErrFlushTimeout)
	l.confirmWaiters.take(late, ErrFlushTimeout)
}

// waitList holds those who wait for one log offset or another to be passed, in the order of their coming.
type waitList struct {
	count  atomic.Int32
	lowest atomic.Int64 // the lowest UpTo of all; MaxInt64 if there is none

	mu         sync.Mutex // guards the list
	head, tail *Waiter
}

func (q *waitList) init() { q.lowest.Store(math.MaxInt64) }

func (q *waitList) add(w *Waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.push(w)
	q.lowest.Store(min(q.lowest.Load(), w.UpTo))
	q.count.Add(1)
}

func (q *waitList) push(w *Waiter) {
	w.next = nil
	if q.tail == nil {
		q.head = w
	} else {
		q.tail.next = w
	}
	q.tail = w
}

// complete ends the waits for offsets up to reached. It costs nothing when there is none.
func (q *waitList) complete(reached int64) {
	if q.lowest.Load() <= reached {
		q.take(func(w *Waiter) bool { return w.UpTo <= reached }, nil)
	}
}

// take removes those that which says and calls them, outside the lock, with err.
func (q *waitList) take(which func(*Waiter) bool, err error) {
	q.mu.Lock()
	rest := q.head
	q.head, q.tail = nil, nil
	var first *Waiter
	last, n, lowest := &first, int32(0), int64(math.MaxInt64)
	for rest != nil {
		w := rest
		rest = w.next
		if which(w) {
			w.next = nil
			*last, last = w, &w.next
			n++
		} else {
			q.push(w)
			lowest = min(lowest, w.UpTo)
		}
	}
	// Not before the list is complete again: whoever sees it too high would pass by somebody who is to be completed.
	q.lowest.Store(lowest)
	q.count.Add(-n)
	q.mu.Unlock()
	for w := first; w != nil; {
		next := w.next // Done may reuse w
		w.next = nil
		w.Done(w, err)
		w = next
	}
}
