package handler

import (
	"github.com/gantry-mq/gantry/broker/produce"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// sendBack stores a message again that a consumer could not deal with.
func (c *call) sendBack() error {
	f := c.cmd.Fields
	r := produce.SendBack{Group: f.Str("group"), LogOffset: -1, MaxReconsume: -1}
	for _, e := range []error{
		read64(f, "offset", &r.LogOffset), read32(f, "delayLevel", &r.DelayLevel), read32(f, "maxReconsumeTimes", &r.MaxReconsume),
	} {
		if e != nil {
			return e
		}
	}
	if c.cmd.Version < remoting.Version349 {
		r.MaxReconsume = -1 // older clients have put something else there
	}
	b, conn, ticket := produce.NewBatch(), c.c, c.t
	h, topic := c.h, f.Str("originTopic")
	c.h.Produce.AddBack(b, r)
	answer := func() {
		code, remark := remoting.RespSuccess, ""
		if _, no := b.Stored(0); no != nil {
			code, remark = sendCode(no.Reason), no.Remark
		} else {
			h.stats.CountSentBack(r.Group, topic)
		}
		conn.Reply(ticket, code, remark).End()
	}
	if c.h.Produce.Submit(b, func() { answer(); conn.Flush() }) {
		answer()
	}
	return nil
}
