package consume

import (
	"container/heap"
	"runtime"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/broker/store"
)

// Held is a request that waits for a message, or for the end of its patience. It is held once: whoever waits again makes another one.
type Held struct {
	Queue    *store.Queue
	From     int64 // queue offset that it waits for
	Deadline time.Time
	// Ready is called once: with timedOut when the deadline came first, or the broker stops. It runs on a goroutine of the Holder, or
	// within Hold when the Holder is closed.
	Ready func(h *Held, timedOut bool)

	arrival  store.Arrival
	timedOut bool
	at       int // position in the heap of deadlines; -1 when it isn't in it
}

// Holder keeps requests until a message comes for them. Arrivals are events: nothing is polled.
type Holder struct {
	quit chan struct{}
	wg   sync.WaitGroup // the workers and the timer

	mu     sync.Mutex // guards heap, queue, closed
	heap   deadlines
	queue  []*Held // ready, in order
	closed bool
	wake   chan struct{} // the earliest deadline changed
	work   *sync.Cond    // queue has something, or closed
}

// NewHolder starts a Holder; Close ends it.
func NewHolder() *Holder {
	h := &Holder{quit: make(chan struct{}), wake: make(chan struct{}, 1)}
	h.work = sync.NewCond(&h.mu)
	h.wg.Go(h.timer)
	for range runtime.GOMAXPROCS(0) {
		h.wg.Go(h.worker)
	}
	return h
}

// Hold keeps a request. If its message is there already, it is ready at once.
func (h *Holder) Hold(r *Held) {
	r.at, r.timedOut = -1, false
	r.arrival.From = r.From
	r.arrival.Wake = func(*store.Arrival) { h.arrived(r) }
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		r.Ready(r, true)
		return
	}
	heap.Push(&h.heap, r)
	first := r.at == 0
	h.mu.Unlock()
	if !r.Queue.Await(&r.arrival) {
		h.arrived(r)
		return
	}
	if first {
		h.signal()
	}
	h.mu.Lock()
	over := r.at < 0
	h.mu.Unlock()
	if over {
		r.Queue.Cancel(&r.arrival) // its time came before the queue knew of it
	}
}

func (h *Holder) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// arrived takes a request out of the heap and gives it to a worker. It is called at most once for each hold: by the queue, or
// by Hold when the queue would not have it.
func (h *Holder) arrived(r *Held) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.at >= 0 {
		heap.Remove(&h.heap, r.at)
		h.enqueue(r)
	}
}

func (h *Holder) enqueue(r *Held) {
	h.queue = append(h.queue, r)
	h.work.Signal()
}

// worker calls those that are ready. Several run, so that one that is slow to answer doesn't hold up the others.
func (h *Holder) worker() {
	for {
		h.mu.Lock()
		for len(h.queue) == 0 && !h.closed {
			h.work.Wait()
		}
		if len(h.queue) == 0 {
			h.mu.Unlock()
			return
		}
		r := h.queue[0]
		h.queue[0] = nil
		if h.queue = h.queue[1:]; len(h.queue) == 0 {
			h.queue = nil
		}
		h.mu.Unlock()
		r.Ready(r, r.timedOut)
	}
}

// timer ends the patience of requests whose time has come.
func (h *Holder) timer() {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	for {
		select {
		case <-h.quit:
			return
		case <-h.wake:
		case <-t.C:
		}
		t.Reset(h.expire(time.Now()))
	}
}

// expire hands over what is due and tells how long it is until the next deadline.
func (h *Holder) expire(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.heap) > 0 {
		r := h.heap[0]
		if wait := r.Deadline.Sub(now); wait > 0 {
			return wait
		}
		heap.Pop(&h.heap)
		// If the message came just now, arrived finds it gone from the heap and leaves it to this one.
		r.Queue.Cancel(&r.arrival)
		r.timedOut = true
		h.enqueue(r)
	}
	return time.Hour
}

// Len is the number of requests that wait.
func (h *Holder) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.heap)
}

// Close ends all waits as if their time had come, and returns when everybody was called.
func (h *Holder) Close() {
	close(h.quit)
	h.mu.Lock()
	h.closed = true
	for len(h.heap) > 0 {
		r := heap.Pop(&h.heap).(*Held)
		r.Queue.Cancel(&r.arrival)
		r.timedOut = true
		h.queue = append(h.queue, r)
	}
	h.work.Broadcast()
	h.mu.Unlock()
	h.wg.Wait()
}

// deadlines is a heap of requests, the earliest deadline first.
type deadlines []*Held

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].Deadline.Before(d[j].Deadline) }
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].at, d[j].at = i, j
}
func (d *deadlines) Push(x any) {
	r := x.(*Held)
	r.at = len(*d)
	*d = append(*d, r)
}
func (d *deadlines) Pop() any {
	old := *d
	r := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	r.at = -1
	return r
}
