package store

import (
	"errors"

	"github.com/gantry-mq/gantry/consumequeue"
)

// dropEarlier drops the queues of topics that were deleted: their birth was written down, and the process died before the queues
// were gone. A topic that is created under the name would go on where they end.
func (s *Store) dropEarlier() error {
	topics := make(map[string]bool)
	note := func(topic string, newest func() (int64, error)) bool {
		if birth := s.opts.Topics.Birth(topic); birth > 0 && !topics[topic] {
			last, err := newest()
			topics[topic] = err == nil && last >= 0 && last < birth
		}
		return true
	}
	s.queues.Queues(func(q *consumequeue.Queue) bool { return note(q.Topic(), q.Newest) })
	s.batches.Queues(func(q *consumequeue.BatchQueue) bool { return note(q.Topic(), q.Newest) })
	var errs []error
	for topic, old := range topics {
		if !old {
			continue
		}
		s.log.Warn("store: queues of a deleted topic are dropped", "topic", topic, "born", s.opts.Topics.Birth(topic))
		errs = append(errs, s.dropQueues(topic))
	}
	return errors.Join(errs...)
}
