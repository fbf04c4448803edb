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
	t, q, err := c.queueOf()
	if r, ok := err.(*refused); ok && r.code == remoting.RespTopicNotExist {
		r.code = remoting.RespQueryNotFound // nobody has consumed it; clients go by their own rule then
	}
	if err != nil {
		return err
	}
	group := c.cmd.Fields.Str("consumerGroup")
	if n := c.h.Offsets.Query(group, t.Name, q.ID); n >= 0 {
		return c.offset(n)
	}
	zero, err := c.cmd.Fields.Bool("setZeroIfNotFound", true)
	if err != nil {
		return err
	}
	lowest, next, err := consume.Bounds(q)
	if err != nil {
		return err
	}
	// A group that is new to a young queue starts at its beginning; to an old one, where its consumers say.
	if zero && lowest <= 0 && (next == 0 || c.inMemory(q, lowest)) {
		return c.offset(0)
	}
	return refusal(remoting.RespQueryNotFound, "Not found, maybe this group consumer boot first")
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
	return c.h.Store.Log.Max()-off <= c.h.limits.HotBytes
}

func (c *call) updateOffset() error {
	t, q, err := c.queueOf()
	if err != nil {
		return err
	}
	n, err := c.cmd.Fields.Int64("commitOffset", -1)
	if err != nil {
		return err
	}
	if n < 0 {
		return refusal(remoting.RespInvalidParameter, "commitOffset %d of %s/%d is missing or negative", n, t.Name, q.ID)
	}
	group := c.cmd.Fields.Str("consumerGroup")
	if c.h.Groups.Get(group) == nil {
		return refusal(remoting.RespSubscriptionGroupNotExist, "Group %s not exist!", group)
	}
	c.h.Offsets.Commit(group, t.Name, q.ID, n)
	return c.ok()
}

func (c *call) maxOffset() error {
	_, q, err := c.queueOf()
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
	_, q, err := c.queueOf()
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
	_, q, err := c.queueOf()
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
	_, q, err := c.queueOf()
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
