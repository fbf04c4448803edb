package handler

import (
	"strings"

	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/consumequeue"
)

// offset answers with a queue offset.
func (c *call) offset(n int64) error {
	w := c.c.Reply(c.t, remoting.RespSuccess, "")
	w.Int("offset", n)
	w.End()
	return nil
}

func (c *call) queryOffset() error {
	f := c.cmd.Fields
	group, topic := f.Str("consumerGroup"), f.Str("topic")
	id, err := f.Int32("queueId", -1)
	if err != nil {
		return err
	}
	// What is committed of a queue that isn't there any more is known all the same: the topic may have shrunk under a consumer.
	if n := c.h.Offsets.Query(group, topic, id); n >= 0 {
		return c.offset(n)
	}
	zero, err := f.Bool("setZeroIfNotFound", true)
	if err != nil {
		return err
	}
	if !zero {
		return refusal(remoting.RespQueryNotFound, "Not found, do not set to zero, maybe this group boot first")
	}
	if young, err := c.young(); err != nil {
		return err
	} else if young {
		return c.offset(0)
	}
	return refusal(remoting.RespQueryNotFound, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first")
}

// young tells whether a group that is new to the queue starts at its beginning; with an old one it starts where its consumers say.
func (c *call) young() (bool, error) {
	q, err := c.queueOf()
	if _, no := err.(*refused); no {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	lowest, next, err := consume.Bounds(q)
	return err == nil && lowest <= 0 && (next == 0 || c.inMemory(q, lowest)), err
}

// inMemory tells whether the message of a queue offset is likely to be in memory.
func (c *call) inMemory(q *store.Queue, queueOffset int64) bool {
	var off int64
	if q.Batch() {
		var us [1]consumequeue.BatchUnit
		if n, err := q.ReadBatch(us[:], queueOffset); err != nil || n == 0 {
			return false
		}
		off = us[0].LogOffset
	} else {
		var us [1]consumequeue.Unit
		if n, err := q.Read(us[:], queueOffset); err != nil || n == 0 {
			return false
		}
		off = us[0].LogOffset
	}
	return c.h.Store.Log.Max()-off <= c.h.hotBytes
}

func (c *call) updateOffset() error {
	f := c.cmd.Fields
	group, _ := f.Get("consumerGroup")
	if !c.h.hasGroup(group) {
		return refusal(remoting.RespSubscriptionGroupNotExist, "Group %s not exist!", group)
	}
	q, err := c.queueOf()
	if err != nil {
		return err
	}
	n, err := f.Int64("commitOffset", -1)
	if err != nil {
		return err
	}
	if n < 0 {
		return refusal(remoting.RespInvalidParameter, "Offset %d is missing or negative, topic is %s, queue %d", n, q.Topic, q.ID)
	}
	if !c.h.Offsets.CommitUnlessReset(string(group), q.Topic, q.ID, n) {
		c.answer(remoting.RespSuccess, "Offset has been previously reset")
		return nil
	}
	return c.ok()
}

func (c *call) maxOffset() error {
	q, err := c.queueOf()
	if err != nil {
		return err
	}
	_, next, err := consume.Bounds(q)
	if err != nil {
		return err
	}
	return c.offset(next)
}

func (c *call) minOffset() error {
	q, err := c.queueOf()
	if err != nil {
		return err
	}
	lowest, _, err := consume.Bounds(q)
	if err != nil {
		return err
	}
	return c.offset(lowest)
}

func (c *call) searchOffset() error {
	q, err := c.queueOf()
	if err != nil {
		return err
	}
	ms, err := c.cmd.Fields.Int64("timestamp", 0)
	if err != nil {
		return err
	}
	boundary := consumequeue.Lower
	if strings.EqualFold(c.cmd.Fields.Str("boundaryType"), "UPPER") {
		boundary = consumequeue.Upper
	}
	n, err := c.h.Store.SeekTime(q, ms, boundary)
	if err != nil {
		return err
	}
	return c.offset(n)
}

func (c *call) earliest() error {
	q, err := c.queueOf()
	if err != nil {
		return err
	}
	lowest, next, err := consume.Bounds(q)
	if err != nil {
		return err
	}
	ms := int64(-1)
	if lowest < next {
		if ms, err = c.h.Store.StoreTime(q, lowest); err != nil {
			return err
		}
	}
	w := c.c.Reply(c.t, remoting.RespSuccess, "")
	w.Int("timestamp", ms)
	w.End()
	return nil
}
