package consume

import (
	"container/heap"
	"runtime"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/broker/store"
)

// Held is a request that waits for a message, or for the end of its patience. From Hold until Ready is called, or Drop has succeeded,
// it belongs to the Holder and must not change; then it may be held again.
type Held struct {
	Queue    *store.Queue
	From     int64 // queue offset that it waits for
	Deadline time.Time
	// Ready is called once for each Hold, on a goroutine of the Holder or of Help's caller: with timedOut when the deadline came first, or the
	// broker stops.
	Ready func(h *Held, timedOut bool)

	holder   *Holder
	arrival  store.Arrival
	timedOut bool
	at       int // position in the heap of deadlines; -1 when it isn't in it
}

// Holder keeps requests until a message comes for them. Arrivals are events: nothing is polled.
//
// A request is taken from its queue by one of three: the queue itself, which wakes it, the timer, and Drop. The latter two do so by
// store.Queue.Cancel, and where that comes too late leave the request to the wake that is under way.
type Holder struct {
	quit chan struct{}
	wg   sync.WaitGroup // the workers, the timer and those who help

	mu     sync.Mutex // guards what follows; taken before the lock of a queue's arrivals
	heap   deadlines
	queue  []*Held // queue[taken:] are ready, in order
	taken  int
	held   int // those that are in neither queue nor a worker's hands yet
	helps  int // how many will call what is ready when they have announced what they bring
	closed bool
	wake   chan struct{} // the earliest deadline changed
	work   *sync.Cond    // queue has something, or closed and held is 0
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

// Hold keeps a request. If its message is there already, it is ready at once. A Holder that is closed keeps nothing and returns false.
func (h *Holder) Hold(r *Held) bool {
	r.holder, r.at, r.timedOut = h, -1, false
	r.arrival.From = r.From
	if r.arrival.Wake == nil {
		r.arrival.Wake = func(*store.Arrival) { r.holder.arrived(r) }
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.held++
	// With mu held, so that a wake waits until the request is in the heap.
	if !r.Queue.Await(&r.arrival) {
		h.enqueue(r)
		return true
	}
	heap.Push(&h.heap, r)
	if r.at == 0 {
		h.signal()
	}
	return true
}

// Drop takes a request back, which then nobody is called for. It returns false if Ready was called or is about to be.
func (h *Holder) Drop(r *Held) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.at < 0 || !r.Queue.Cancel(&r.arrival) {
		return false
	}
	heap.Remove(&h.heap, r.at)
	h.held--
	if h.closed && h.held == 0 {
		h.work.Broadcast()
	}
	return true
}

func (h *Holder) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// arrived gives a request to a worker that its queue has woken.
func (h *Holder) arrived(r *Held) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.at >= 0 {
		heap.Remove(&h.heap, r.at)
	}
	if h.helps > 0 && !h.closed {
		h.held--
		h.queue = append(h.queue, r)
		return
	}
	h.enqueue(r)
}

// enqueue needs mu.
func (h *Holder) enqueue(r *Held) {
	h.held--
	h.queue = append(h.queue, r)
	if h.closed && h.held == 0 {
		h.work.Broadcast() // the last one
		return
	}
	h.work.Signal()
}

// helpMost is how many requests one Help calls: with more it is worth it to wake a worker.
const helpMost = 4

// Help calls announce, which makes messages visible, and then some of the requests that have become ready meanwhile: to wake a worker would
// cost more than to answer a consumer or two. The rest is left to the workers.
func (h *Holder) Help(announce func()) {
	h.mu.Lock()
	h.helps++
	h.mu.Unlock()
	defer h.helped()
	announce()
}

func (h *Holder) helped() {
	h.mu.Lock()
	h.helps--
	if h.closed {
		h.work.Broadcast()
		h.mu.Unlock()
		return
	}
	for range min(h.ready()-helpMost, runtime.GOMAXPROCS(0)) {
		h.work.Signal()
	}
	h.wg.Add(1) // the workers are there, since it isn't closed: nobody has seen the end of all
	r := h.take()
	h.mu.Unlock()
	defer h.wg.Done()
	for i := 1; r != nil; i++ {
		r.Ready(r, r.timedOut)
		h.mu.Lock()
		if r = nil; i < helpMost {
			r = h.take()
		} else if h.ready() > 0 {
			h.work.Signal()
		}
		h.mu.Unlock()
	}
}

// ready is how many requests are ready. It needs mu.
func (h *Holder) ready() int { return len(h.queue) - h.taken }

// keptReady is how many places of the queue are kept when it is empty.
const keptReady = 1024

// take returns the next request that is ready, nil if there is none. It needs mu.
func (h *Holder) take() *Held {
	if h.ready() == 0 {
		return nil
	}
	r := h.queue[h.taken]
	h.queue[h.taken] = nil
	if h.taken++; h.ready() == 0 {
		h.queue, h.taken = h.queue[:0], 0
		if cap(h.queue) > keptReady {
			h.queue = nil
		}
	}
	return r
}

// worker calls those that are ready. Several run, so that one that is slow to answer doesn't hold up the others.
func (h *Holder) worker() {
	for {
		h.mu.Lock()
		for h.ready() == 0 && !(h.closed && h.held == 0) {
			h.work.Wait()
		}
		r := h.take()
		h.mu.Unlock()
		if r == nil {
			return
		}
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
		h.expired(r)
	}
	return time.Hour
}

// expired takes the first request from the heap because its time has come. It needs mu.
func (h *Holder) expired(r *Held) {
	heap.Pop(&h.heap)
	if r.Queue.Cancel(&r.arrival) {
		r.timedOut = true
		h.enqueue(r)
	}
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
		h.expired(h.heap[0])
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
