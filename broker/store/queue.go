package store

import (
	"fmt"
	"sync/atomic"

	"github.com/gantry-mq/gantry/consumequeue"
)

// Queue is one queue of a topic. It is looked up once and held: all that a message needs on its way hangs on it.
type Queue struct {
	Topic string
	ID    int32

	name     []byte                   // Topic
	simple   *consumequeue.Queue      // nil in a batch queue
	batch    *consumequeue.BatchQueue // nil in a simple one
	ext      *consumequeue.Ext        // what units of a simple queue may point to, or nil
	extended bool                     // new units do
	birth    int64                    // records of the topic below this log offset belong to an earlier one of its name

	// next is the queue offset that the next message gets. It is guarded by the append lock of the log.
	next int64

	arrivals arrivals
	touched  bool  // the dispatcher's own: the queue is in its list of queues to wake
	unqueued int64 // the dispatcher's own: messages that could not be queued
	gone     atomic.Bool
}

// Batch tells whether the queue holds inner batches: records that count for several messages.
func (q *Queue) Batch() bool { return q.batch != nil }

// Bounds are the smallest queue offset that can be read and the one behind the largest that may be seen.
func (q *Queue) Bounds() (lowest, next int64) {
	if q.batch != nil {
		return q.batch.Bounds()
	}
	return q.simple.Bounds()
}

// Read fills dst with units from queue offset from on. It returns 0 outside the bounds. A unit's TagCode may be an
// address: see Store.TagCode. ErrQueueType if the queue holds inner batches.
func (q *Queue) Read(dst []consumequeue.Unit, from int64) (int, error) {
	if q.simple == nil {
		return 0, fmt.Errorf("%w: %s/%d holds inner batches", ErrQueueType, q.Topic, q.ID)
	}
	return q.simple.Read(dst, from)
}

// ReadBatch is Read for batch queues: the first unit is the one that contains from.
func (q *Queue) ReadBatch(dst []consumequeue.BatchUnit, from int64) (int, error) {
	if q.batch == nil {
		return 0, fmt.Errorf("%w: %s/%d holds single messages", ErrQueueType, q.Topic, q.ID)
	}
	return q.batch.Read(dst, from)
}
