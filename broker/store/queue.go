package store

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/gantry-mq/gantry/consumequeue"
)

// Queue is one queue of a topic. It is looked up once and held: all that a message needs on its way hangs on it.
type Queue struct {
	Topic string
	ID    int32

	simple *consumequeue.Queue      // nil in a batch queue
	batch  *consumequeue.BatchQueue // nil in a simple one
	birth  int64                    // records of the topic below this log offset belong to an earlier one of its name

	// next is the queue offset that the next message gets. It is guarded by the append lock of the log.
	next int64

	arrivals arrivals
	touched  bool // the dispatcher's own: the queue is in its list of queues to wake
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

// Read fills dst with units from queue offset from on. It returns 0 outside the bounds. A simple queue only.
func (q *Queue) Read(dst []consumequeue.Unit, from int64) (int, error) {
	return q.simple.Read(dst, from)
}

// ReadBatch is Read for batch queues: the first unit is the one that contains from.
func (q *Queue) ReadBatch(dst []consumequeue.BatchUnit, from int64) (int, error) {
	return q.batch.Read(dst, from)
}

// registry finds a Queue by name. Lookups are many and changes few.
type registry struct {
	seed   maphash.Seed
	shards [64]struct {
		mu sync.RWMutex // guards m
		m  map[queueKey]*Queue
	}
}

type queueKey struct {
	topic string
	id    int32
}

func (r *registry) init() {
	r.seed = maphash.MakeSeed()
	for i := range r.shards {
		r.shards[i].m = make(map[queueKey]*Queue)
	}
}

func (r *registry) find(topic []byte, id int32) *Queue {
	s := &r.shards[(maphash.Bytes(r.seed, topic)+uint64(id))%uint64(len(r.shards))]
	s.mu.RLock()
	q := s.m[queueKey{string(topic), id}]
	s.mu.RUnlock()
	return q
}

// open finds a queue or makes it.
func (r *registry) open(topic string, id int32, make func() *Queue) *Queue {
	s := &r.shards[(maphash.String(r.seed, topic)+uint64(id))%uint64(len(r.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	k := queueKey{topic, id}
	q := s.m[k]
	if q == nil {
		q = make()
		s.m[k] = q
	}
	return q
}

// drop takes the queues out that match and returns them.
func (r *registry) drop(match func(*Queue) bool) []*Queue {
	var gone []*Queue
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for k, q := range s.m {
			if match(q) {
				delete(s.m, k)
				gone = append(gone, q)
			}
		}
		s.mu.Unlock()
	}
	return gone
}

// each calls f for every queue.
func (r *registry) each(f func(*Queue)) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.RLock()
		all := make([]*Queue, 0, len(s.m))
		for _, q := range s.m {
			all = append(all, q)
		}
		s.mu.RUnlock()
		for _, q := range all {
			f(q)
		}
	}
}
