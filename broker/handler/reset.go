package handler

import (
	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/consumequeue"
)

// reset is a request to move a group to another place in a topic.
type reset struct {
	topic, group string
	queue        int32 // -1: all of them
	offset       int64 // -1: by time
	at           int64 // ms; below 0: to the end
	force        bool  // forwards, too
	t            *meta.TopicConfig
}

// resetOffset moves a group to another place in a topic, by time or to an offset. The broker tells its consumers with their next pull,
// or, with useServerSideResetOffset off, asks them to do it themselves.
func (c *call) resetOffset() error {
	f := c.cmd.Fields
	r := reset{topic: f.Str("topic"), group: f.Str("group"), queue: -1, offset: -1}
	var err error
	for _, e := range []error{read32(f, "queueId", &r.queue), read64(f, "offset", &r.offset), read64(f, "timestamp", &r.at)} {
		if e != nil {
			return refusal(remoting.RespInvalidParameter, "%v", e)
		}
	}
	if r.force, err = f.Bool("isForce", false); err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	if r.t = c.h.Topics.Get(r.topic); r.t == nil {
		return refusal(remoting.RespTopicNotExist, "Topic %s does not exist", r.topic)
	}
	c.h.Logger.Info("handler: reset offsets", "topic", r.topic, "group", r.group, "queue", r.queue, "offset", r.offset, "time", r.at, "force", r.force, "remote", c.c.RemoteAddr())
	if c.h.Config.Load().ResetInBroker {
		return c.resetHere(&r)
	}
	return c.resetByClients(&r)
}

func (c *call) resetHere(r *reset) error {
	if c.h.Groups.Get(r.group) == nil {
		return refusal(remoting.RespSubscriptionGroupNotExist, "Group %s does not exist", r.group)
	}
	first, end := int32(0), r.t.ReadQueues
	if r.queue >= 0 {
		if r.queue >= max(r.t.ReadQueues, r.t.WriteQueues) {
			return illegalQueue(c.c, r.t, []byte(r.topic), r.queue)
		}
		first, end = r.queue, r.queue+1
	}
	if first >= end {
		return refusal(remoting.RespSystemError, "No queues to reset.")
	}
	table := byQueue[int64]{}
	for id := first; id < end; id++ {
		to := r.offset
		lowest, next, err := consume.Bounds(c.h.Store.Queue(r.topic, id))
		switch {
		case err != nil:
			return err
		case r.queue < 0 || to == -1:
			if to, err = c.h.offsetAt(r.topic, id, r.at); err != nil {
				return err
			}
		case to < lowest || to > next:
			return refusal(remoting.RespSystemError, "Target offset %d not in consume queue range [%d-%d]", to, lowest, next)
		}
		table[c.h.queueKey(r.topic, id)] = to
	}
	// None of them before it is sure that all can be.
	for q, to := range table {
		c.h.Offsets.Reset(r.group, r.topic, q.Of.ID, to)
		// A consumer whose pull is held shall not wait for a message to hear of it.
		c.h.Holder.Rouse(c.h.Store.Queue(r.topic, q.Of.ID))
	}
	if err := c.h.Offsets.Persist(); err != nil {
		return err
	}
	return c.body(resetBody{table})
}

// resetBody is ResetOffsetBody.
type resetBody struct {
	Offsets byQueue[int64] `json:"offsetTable"`
}

// offsetAt is the queue offset of the first message that was stored at or after a time; below 0, the one behind the last.
func (h *Handler) offsetAt(topic string, id int32, ms int64) (int64, error) {
	q, lowest, next, err := h.bounds(topic, id)
	if err != nil || ms < 0 || lowest == next {
		return next, err
	}
	return h.Store.SeekTime(q, ms, consumequeue.Lower)
}

// resetByClients sends the members of a group where they shall go on. Without force nobody is moved forwards.
func (c *call) resetByClients(r *reset) error {
	table := byQueue[int64]{}
	for id := range r.t.WriteQueues {
		committed := c.h.Offsets.Query(r.group, r.topic, id)
		if committed < 0 {
			return refusal(remoting.RespSystemError, "The consumer group <%s> not exist: it has no offset of %s/%d", r.group, r.topic, id)
		}
		to, err := c.h.offsetAt(r.topic, id, r.at)
		if err != nil {
			return err
		}
		if !r.force {
			to = min(to, committed)
		}
		table[c.h.queueKey(r.topic, id)] = to
	}
	group, online := c.h.Clients.Group(r.group)
	if !online {
		return refusal(remoting.RespConsumerNotOnline, "Consumer not online, so can not reset offset, Group: %s Topic: %s Timestamp: %d", r.group, r.topic, r.at)
	}
	body, err := c.resetNotice(table)
	if err != nil {
		return err
	}
	var f remoting.Fields
	f.Add("topic", r.topic)
	f.Add("group", r.group)
	f.AddInt("timestamp", r.at)
	for _, m := range group.Members {
		if err := m.Conn.conn.Oneway(remoting.CodeResetConsumerClientOffset, f, body); err != nil {
			c.h.Logger.Warn("handler: a consumer isn't told of its new offsets", "group", r.group, "client", m.ID, "error", err)
		}
	}
	return c.body(resetBody{table})
}

// resetNotice is what the members of a group are sent. Where the tool is written in C++, the consumers are taken to be so, too, and they
// read no objects as keys.
func (c *call) resetNotice(table byQueue[int64]) ([]byte, error) {
	if c.cmd.Language != remoting.LanguageCPP {
		return encode(resetBody{table})
	}
	type queueOffset struct {
		queueName
		Offset int64 `json:"offset"`
	}
	list := []queueOffset{}
	for q, to := range table {
		list = append(list, queueOffset{q.Of, to})
	}
	return encode(struct {
		Offsets []queueOffset `json:"offsetTable"`
	}{list})
}
