package delay

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// errNowhere: a message doesn't say where it is to go, or must not go there. errDeleted: its topic has been deleted since.
var (
	errNowhere = errors.New("delay: no destination")
	errDeleted = errors.New("delay: the topic was deleted")
)

// destination is the queue that a message is for.
func (s *Service) destination(r *record.Record) (*store.Queue, error) {
	name, _ := record.Property(r.Properties, record.PropRealTopic)
	number, _ := record.Property(r.Properties, record.PropRealQueueID)
	id, err := strconv.ParseInt(string(number), 10, 32)
	if err != nil || id < 0 || !meta.MaySend(string(name)) {
		return nil, fmt.Errorf("%w: %s=%q, %s=%q", errNowhere, record.PropRealTopic, name, record.PropRealQueueID, number)
	}
	t := s.opts.Topics.Table.GetBytes(name)
	if t == nil {
		if t, err = s.adopt(string(name), int32(id), r.LogOffset); err != nil {
			return nil, err
		}
	}
	if id >= int64(max(t.ReadQueues, t.WriteQueues)) {
		id %= int64(max(1, t.WriteQueues)) // the topic has shrunk
	}
	q := s.opts.Store.Lookup(t.Name, int32(id))
	if q == nil {
		q = s.opts.Store.Queue(t.Name, int32(id))
	}
	// After the queue was found: if the topic is deleted from here on, the queue takes no messages.
	if birth := s.opts.Topics.Table.Birth(t.Name); r.LogOffset < birth {
		return nil, fmt.Errorf("%w: %s, born at %d", errDeleted, t.Name, birth)
	}
	return q, nil
}

// adopt makes the topic that a message is for. A process that died may have stored the message, and acknowledged it, before the table
// of topics was written; and another broker may have deleted it without a trace.
func (s *Service) adopt(name string, id int32, logOffset int64) (*meta.TopicConfig, error) {
	if birth := s.opts.Topics.Table.Birth(name); logOffset < birth {
		return nil, fmt.Errorf("%w: %s, at %d", errDeleted, name, birth)
	}
	c := meta.NewTopic(name, id+1)
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", errNowhere, err)
	}
	s.opts.Logger.Warn("delay: topic of a delayed message without configuration", "topic", name, "queues", c.WriteQueues)
	return s.opts.Topics.Adopt(c)
}
