package store

import (
	"errors"
	"fmt"

	"github.com/gantry-mq/gantry/consumequeue"
)

// Queue returns a queue, which is made if it isn't there. It takes no space on disk before its first message.
func (s *Store) Queue(topic string, id int32) *Queue {
	if q := s.Lookup(topic, id); q != nil {
		return q
	}
	return s.reg.open(topic, id, func() *Queue { return s.newQueue(topic, id) })
}

// Lookup returns a queue that is in use since the store was opened, else nil.
func (s *Store) Lookup(topic string, id int32) *Queue { return s.reg.lookup(topic, id) }

// LookupBytes is Lookup for a name that still lies in a buffer.
func (s *Store) LookupBytes(topic []byte, id int32) *Queue { return s.reg.find(topic, id) }

// EachQueue calls f for every queue that has files, or is in use, in no order.
func (s *Store) EachQueue(f func(topic string, id int32)) {
	s.queues.Queues(func(q *consumequeue.Queue) bool {
		f(q.Topic(), q.ID())
		return true
	})
	s.batches.Queues(func(q *consumequeue.BatchQueue) bool {
		f(q.Topic(), q.ID())
		return true
	})
}

// queueOf is Queue for a name that still lies in a buffer.
func (s *Store) queueOf(topic []byte, id int32) *Queue {
	if q := s.reg.find(topic, id); q != nil {
		return q
	}
	return s.Queue(string(topic), id)
}

func (s *Store) newQueue(topic string, id int32) *Queue {
	q := &Queue{Topic: topic, ID: id, name: []byte(topic), birth: s.opts.Topics.Birth(topic)}
	if s.opts.Topics.BatchQueue(topic) {
		q.batch = s.batches.Open(topic, id)
	} else {
		q.simple = s.queues.Open(topic, id)
		s.extend(q)
	}
	_, q.next = q.Bounds()
	return q
}

// place finds the queue of a record and tells whether it belongs to an earlier topic of the same name.
func (s *Store) place(e *Entry) {
	q := s.reg.find(e.Topic, e.QueueID)
	var birth int64
	if q != nil {
		birth = q.birth
	} else {
		birth = s.opts.Topics.Birth(string(e.Topic))
	}
	e.Dead = e.LogOffset < birth
	if e.Dead || !e.queued() {
		return
	}
	if q == nil {
		q = s.Queue(string(e.Topic), e.QueueID)
	}
	e.Queue = q
}

// DeleteTopic removes a topic's queues. The owner has forgotten the topic before, so that nobody asks for its queues any more, and has
// given it a birth at the end of the log: its records, which the log keeps until they are retired, are not queued again. A topic that
// is created under the name later needs a birth of its own, at what is the end of the log then.
func (s *Store) DeleteTopic(topic string) error {
	var gone []*Queue
	s.reg.each(func(q *Queue) {
		if q.Topic == topic {
			q.gone.Store(true)
			gone = append(gone, q)
		}
	})
	// Who was about to append has passed the look at gone, or will be refused: an append of nothing waits for the former. Whether the log
	// takes messages doesn't matter here.
	_ = s.Append(nil)
	// Not in the middle of a batch, whose entries may have the queues in hand.
	err := s.dispatcher.pause(func() error {
		s.reg.drop(func(q *Queue) bool { return q.Topic == topic })
		return s.dropQueues(topic)
	})
	for _, q := range gone {
		q.wake()
	}
	if err != nil {
		return fmt.Errorf("store: delete topic %s: %w", topic, err)
	}
	return nil
}

// dropQueues removes what is on disk of a topic's queues.
func (s *Store) dropQueues(topic string) error {
	errs := []error{s.queues.DeleteTopic(topic), s.batches.DeleteTopic(topic)}
	if s.exts != nil {
		errs = append(errs, s.exts.DeleteTopic(topic))
	}
	return errors.Join(errs...)
}
