package store

import (
	"fmt"
	"strings"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// Append stores messages whose Queue is a *Queue of this store, in order. See commitlog.Log.Append for what comes back,
// and Log.OnAcked for when a message may be acknowledged.
func (s *Store) Append(ds []record.Draft) error {
	return s.Log.Append(ds, numbering{s})
}

// AppendRaw is a replica's append: see commitlog.Log.AppendRaw. Queue offsets come with the records.
func (s *Store) AppendRaw(at int64, b []byte) error { return s.Log.AppendRaw(at, b) }

// Truncate cuts the log back to a record border and takes everything with it that was derived from what lay behind.
// Nobody may append meanwhile.
func (s *Store) Truncate(to int64) error {
	if err := s.dispatcher.truncate(to); err != nil {
		return fmt.Errorf("store: truncate to %d: %w", to, err)
	}
	if err := s.Log.Truncate(to); err != nil {
		return fmt.Errorf("store: truncate: %w", err)
	}
	if err := s.dispatcher.catchUp(); err != nil {
		return fmt.Errorf("store: truncate to %d: %w", to, err)
	}
	s.Renumber()
	return nil
}

// Renumber makes every queue go on behind its last unit. A replica that becomes a master calls it when its
// followers have caught up with the log; nobody may append meanwhile.
func (s *Store) Renumber() {
	s.reg.each(func(q *Queue) { _, q.next = q.Bounds() })
}

// Queue returns a queue, which is made if it isn't there. It takes no space on disk before its first message.
func (s *Store) Queue(topic string, id int32) *Queue {
	if q := s.Lookup(topic, id); q != nil {
		return q
	}
	return s.reg.open(topic, id, func() *Queue { return s.newQueue(topic, id) })
}

// Lookup returns a queue that is in use since the store was opened, else nil.
func (s *Store) Lookup(topic string, id int32) *Queue { return s.reg.find([]byte(topic), id) }

// LookupBytes is Lookup for a name that still lies in a buffer.
func (s *Store) LookupBytes(topic []byte, id int32) *Queue { return s.reg.find(topic, id) }

// queueOf is Queue for a name that still lies in a buffer.
func (s *Store) queueOf(topic []byte, id int32) *Queue {
	if q := s.reg.find(topic, id); q != nil {
		return q
	}
	return s.Queue(string(topic), id)
}

func (s *Store) newQueue(topic string, id int32) *Queue {
	q := &Queue{Topic: topic, ID: id, birth: s.opts.Topics.Birth(topic)}
	if s.opts.Topics.BatchQueue(topic) {
		q.batch = s.batches.Open(topic, id)
	} else {
		q.simple = s.queues.Open(topic, id)
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

// DeleteTopic removes a topic's queues. The owner has given the topic a birth at the end of the log, so that its records are
// not queued again after a restart; the log itself keeps them until they are retired.
func (s *Store) DeleteTopic(topic string) error {
	gone := s.reg.drop(func(q *Queue) bool { return q.Topic == topic })
	for _, q := range gone {
		q.gone.Store(true)
	}
	err := s.queues.DeleteTopic(topic)
	if e := s.batches.DeleteTopic(topic); err == nil {
		err = e
	}
	for _, q := range gone {
		q.wake()
	}
	if err != nil {
		return fmt.Errorf("store: delete topic %s: %w", topic, err)
	}
	return nil
}

// wakeAll ends all waits for messages.
func (s *Store) wakeAll() {
	s.reg.each(func(q *Queue) {
		q.gone.Store(true)
		q.wake()
	})
}

// systemTopic tells whether multi-dispatch passes over a topic.
func systemTopic(topic string) bool {
	return strings.HasPrefix(topic, record.RetryPrefix) || strings.HasPrefix(topic, record.DLQPrefix) ||
		strings.HasPrefix(topic, record.SystemTopicPrefix) || topic == record.TopicSchedule
}

// OnAcked calls w.Done when what it waits for has come: see commitlog.Log.OnAcked.
func (s *Store) OnAcked(w *commitlog.Waiter) { s.Log.OnAcked(w) }
