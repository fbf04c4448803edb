package store

import (
	"errors"
	"maps"
	"slices"

	"github.com/gantry-mq/gantry/consumequeue"
)

// dropEarlier drops the queues of topics that were deleted: their birth was written down, and the process died before the queues
// were gone. A topic that is created under the name would go on where they end.
//
// A queue of which no message is known is one of them, too, if it has given numbers and the topic was born where the log still is:
// the log knows all its messages, and numbers them from 0. So following begins at from, or where the first of these topics was born.
func (s *Store) dropEarlier(from int64) (int64, error) {
	earlier := make(map[string]bool)
	look := func(topic string, newest func() (int64, error), bounds func() (int64, int64)) bool {
		birth := s.opts.Topics.Birth(topic)
		if birth <= 0 || earlier[topic] {
			return true
		}
		last, err := newest()
		_, next := bounds()
		earlier[topic] = err == nil && next > 0 && last < birth && (last >= 0 || birth > s.Log.Min())
		return true
	}
	s.queues.Queues(func(q *consumequeue.Queue) bool { return look(q.Topic(), q.Newest, q.Bounds) })
	s.batches.Queues(func(q *consumequeue.BatchQueue) bool { return look(q.Topic(), q.Newest, q.Bounds) })
	var errs []error
	for _, topic := range slices.Sorted(maps.Keys(earlier)) {
		if !earlier[topic] {
			continue
		}
		birth := s.opts.Topics.Birth(topic)
		s.log.Warn("store: queues of a deleted topic are dropped", "topic", topic, "born", birth)
		from = min(from, max(birth, s.Log.Min()))
		errs = append(errs, s.dropQueues(topic))
	}
	return from, errors.Join(errs...)
}
