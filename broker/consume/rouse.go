package consume

import (
	"container/heap"
	"slices"

	"github.com/gantry-mq/gantry/broker/store"
)

// Rouse ends the patience of all requests that wait for messages of a queue, as if their time had come. It looks at every request that
// is held: it is for what operators do, not for messages.
func (h *Holder) Rouse(q *store.Queue) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range slices.Clone(h.heap) {
		// One that a message has just come for is woken by that.
		if r.Queue == q && q.Cancel(&r.arrival) {
			heap.Remove(&h.heap, r.at)
			r.timedOut = true
			h.enqueue(r)
		}
	}
}
