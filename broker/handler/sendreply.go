package handler

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gantry-mq/gantry/broker/produce"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// takeWait is how long the client that has asked may take to take the reply.
const takeWait = 10 * time.Second

// sendReply passes what a consumer replies to a request on to the producer that waits for it, and then stores it as any other message
// (storeReplyMessageEnable). The answer says whether the producer has it.
func (c *call) sendReply() error {
	var r produce.Request
	parseSend(&r, c.cmd)
	r.BornHost = hostOf(c.c)
	for _, b := range []*[]byte{&r.Topic, &r.DefaultTopic, &r.Properties, &r.Body} {
		*b = bytes.Clone(*b)
	}
	group := c.cmd.Fields.Str("a")
	if c.cmd.Code == remoting.CodeSendReplyMessage {
		group = c.cmd.Fields.Str("producerGroup")
	}
	return c.later(func(c *call) error {
		pushed := bytes.Clone(r.Properties) // what is stored may be changed by Add
		b := produce.NewBatch()
		c.h.Produce.Add(b, &r)
		// A reply without a body can't be stored, and is one all the same.
		if _, refused := b.Stored(0); refused != nil && (len(r.Body) > 0 || refused.Reason != produce.IllegalMessage) {
			return refusal(sendCode(refused.Reason), "%s", refused.Remark)
		}
		err := c.h.pushReply(&r, group, b.QueueID(0), pushed)
		id, offset := c.h.storeReply(b)
		if err != nil {
			return err
		}
		w := c.c.Reply(c.t, remoting.RespSuccess, "")
		w.Str("msgId", id)
		w.Int("queueId", int64(b.QueueID(0)))
		w.Int("queueOffset", offset)
		w.Fixed(c.h.sent)
		w.End()
		return nil
	})
}

// pushReply gives a reply to the client that it names.
func (h *Handler) pushReply(r *produce.Request, group string, queueID int32, properties []byte) error {
	asker, ok := record.Property(properties, record.PropReplyToClient)
	if !ok || len(asker) == 0 {
		return refusal(remoting.RespSystemError, "reply message properties[%s] is null", record.PropReplyToClient)
	}
	to, ok := h.Clients.Producer(string(asker))
	if !ok {
		return refusal(remoting.RespSystemError, "push reply message fail, channel of <%s> not found.", asker)
	}
	now := h.Now().UnixMilli()
	properties = record.RemoveProperty(properties, record.PropPushReplyTime)
	properties = record.AppendProperty(properties, record.PropPushReplyTime, strconv.FormatInt(now, 10))
	var f remoting.Fields
	f.Add("producerGroup", group)
	f.Add("topic", string(r.Topic))
	f.Add("defaultTopic", string(r.DefaultTopic))
	f.AddInt("defaultTopicQueueNums", int64(r.DefaultQueues))
	f.AddInt("queueId", int64(queueID))
	f.AddInt("sysFlag", int64(r.SysFlag))
	f.AddInt("bornTimestamp", r.BornTimestamp)
	f.AddInt("flag", int64(r.Flag))
	f.Add("properties", string(properties))
	f.AddInt("reconsumeTimes", int64(r.ReconsumeTimes))
	f.AddBool("unitMode", r.Unit)
	f.Add("bornHost", hostText(r.BornHost))
	f.Add("storeHost", hostText(h.Produce.StoreHost))
	f.AddInt("storeTimestamp", now)
	ctx, cancel := context.WithTimeout(context.Background(), takeWait)
	defer cancel()
	answer, err := to.conn.Call(ctx, remoting.CodePushReplyMessageToClient, f, r.Body)
	if err == nil {
		err = answer.Err()
	}
	if err != nil {
		return refusal(remoting.RespSystemError, "push reply message to %s fail: %v", asker, err)
	}
	return nil
}

func hostText(h record.Host) string { return fmt.Sprintf("%v:%d", h.IP, h.Port) }

// storeReply stores a reply that has been checked, where it is wanted, and returns its id and its queue offset: clients want some, also
// of what isn't stored. That it can't be stored is no concern of the sender's, whose reply has arrived or not.
func (h *Handler) storeReply(b *produce.Batch) (id string, offset int64) {
	if !h.Config.Load().StoreReplies {
		return "0", 0
	}
	done := make(chan struct{})
	if !h.Produce.Submit(b, func() { close(done) }) {
		<-done
	}
	h.Store.Announce(nil)
	stored, refused := b.Stored(0)
	if len(stored) == 0 {
		h.Logger.Warn("handler: a reply isn't stored", "reason", refused.Remark)
		return "0", 0
	}
	return string(record.AppendMessageID(nil, stored[0].StoreHost, stored[0].LogOffset)), stored[0].QueueOffset
}
