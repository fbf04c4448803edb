package handler

import (
	"time"

	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/store"
)

// Bits of a pull request's sysFlag.
const (
	pullCommitOffset = 1 << 0 // commit commitOffset first
	pullSuspend      = 1 << 1 // hold the request when there is nothing
	pullSubscription = 1 << 2 // the request carries the subscription
)

// maxHold bounds how long a pull is held: a client that has gone leaves it here for so long.
const maxHold = 5 * time.Minute

// pull is a pull request, from when it is checked until it is answered.
type pull struct {
	h      *Handler
	conn   *remoting.Conn
	ticket remoting.Ticket
	topic  *meta.TopicConfig
	group  *meta.GroupConfig
	queue  *store.Queue
	filter consume.TagFilter
	from   int64
	max    int
	hold   time.Duration // 0: don't
}

func (c *call) pull() error {
	p := &pull{h: c.h, conn: c.c, ticket: c.t}
	if err := p.check(c); err != nil {
		return err
	}
	p.serve(p.hold > 0)
	return nil
}

func (p *pull) check(c *call) (err error) {
	h, f := c.h, c.cmd.Fields
	if h.Config.BrokerPerm&meta.PermRead == 0 {
		return forbidden(brokerForbidden, "the broker[%s] pulling message is forbidden (brokerPermission)", h.Config.BrokerName)
	}
	group := f.Str("consumerGroup")
	if p.group, err = c.group(group); err != nil {
		return err
	}
	if p.group == nil {
		return refusal(remoting.RespSubscriptionGroupNotExist, "subscription group [%s] does not exist", group)
	}
	if !p.group.ConsumeEnable {
		return forbidden(groupForbidden, "subscription group no permission, %s", group)
	}
	if p.topic, p.queue, err = c.queueOf(); err != nil {
		return err
	}
	if !p.topic.Readable() {
		return forbidden(topicForbidden, "the topic[%s] pulling message is forbidden", p.topic.Name)
	}
	if p.queue.ID >= p.topic.ReadQueues {
		return c.illegalQueue(p.topic, p.queue.ID)
	}
	var most, sysFlag int32
	var commit, suspend, version int64
	for _, e := range []error{
		read64(f, "queueOffset", &p.from), read32(f, "maxMsgNums", &most), read32(f, "sysFlag", &sysFlag),
		read64(f, "commitOffset", &commit), read64(f, "suspendTimeoutMillis", &suspend), read64(f, "subVersion", &version),
	} {
		if e != nil {
			return e
		}
	}
	p.max = int(max(1, most))
	if err := p.subscribe(c, sysFlag, version); err != nil {
		return err
	}
	if sysFlag&pullCommitOffset != 0 && commit >= 0 {
		h.Offsets.Commit(group, p.topic.Name, p.queue.ID, commit)
	}
	if sysFlag&pullSuspend != 0 {
		p.hold = time.Duration(min(max(0, suspend), maxHold.Milliseconds())) * time.Millisecond
		if !h.Config.LongPolling {
			p.hold = h.Config.ShortPolling
		}
	}
	return nil
}

// subscribe finds the filter: in the request, or in what the group's heartbeats say. version is that of the client's subscription.
func (p *pull) subscribe(c *call, sysFlag int32, version int64) (err error) {
	f := c.cmd.Fields
	expression, kind := f.Str("subscription"), f.Str("expressionType")
	if sysFlag&pullSubscription == 0 {
		s, model, found := c.h.Clients.Subscription(p.group.Name, p.topic.Name)
		switch {
		case model == "":
			return refusal(remoting.RespSubscriptionNotExist, "the consumer's group info not exist, %s", p.group.Name)
		case model == consume.Broadcasting && !p.group.ConsumeBroadcast:
			return forbidden(broadcastForbidden, "the consumer group[%s] can not consume by broadcast way", p.group.Name)
		case c.h.Groups.Forbidden(p.group.Name, p.topic.Name)&meta.PermRead != 0:
			return forbidden(subscriptionForbidden, "the consumer group[%s] is forbidden for topic[%s]", p.group.Name, p.topic.Name)
		case !found:
			return refusal(remoting.RespSubscriptionNotExist, "the consumer's subscription not exist, %s of %s", p.topic.Name, p.group.Name)
		case s.Version < version:
			return refusal(remoting.RespSubscriptionNotLatest, "the consumer's subscription not latest, %s of %s", p.topic.Name, p.group.Name)
		}
		expression, kind = s.Expression, s.Type
	}
	if kind != "" && kind != "TAG" {
		return refusal(remoting.RespSystemError, "the broker does not support consumer to filter message by %s", kind)
	}
	if p.filter, err = consume.ParseTags(expression); err != nil {
		return refusal(remoting.RespSubscriptionParseFailed, "parse the consumer's subscription failed: %v", err)
	}
	return nil
}

func read64(f remoting.Fields, name string, to *int64) (err error) {
	*to, err = f.Int64(name, *to)
	return err
}

func read32(f remoting.Fields, name string, to *int32) (err error) {
	*to, err = f.Int32(name, *to)
	return err
}

// serve answers the pull, or holds it if it may and there is nothing.
func (p *pull) serve(mayHold bool) {
	r, err := consume.Read(p.h.Store, p.queue, p.from, p.max, &p.filter, p.h.limits)
	if err != nil {
		p.h.Logger.Error("handler: pull", "topic", p.queue.Topic, "queue", p.queue.ID, "offset", p.from, "error", err)
		p.conn.Reply(p.ticket, remoting.RespSystemError, err.Error()).End()
		return
	}
	if mayHold && (r.Status == consume.AtEnd || r.Status == consume.Empty) {
		r.Release()
		p.wait(time.Now().Add(p.hold))
		return
	}
	p.answer(r)
}

// wait holds the pull until a message comes that its filter lets pass.
func (p *pull) wait(deadline time.Time) {
	p.h.Holder.Hold(&consume.Held{Queue: p.queue, From: p.from, Deadline: deadline, Ready: func(held *consume.Held, timedOut bool) {
		r, err := consume.Read(p.h.Store, p.queue, p.from, p.max, &p.filter, p.h.limits)
		switch {
		case err != nil:
			p.conn.Reply(p.ticket, remoting.RespSystemError, err.Error()).End()
		case !timedOut && r.Status == consume.NoneMatched && r.Next >= r.Max:
			p.from = r.Next
			r.Release()
			p.wait(deadline)
			return
		default:
			p.answer(r)
		}
		p.conn.Flush()
	}})
}

// answer sends the result, whose messages go out from the log's mapping.
func (p *pull) answer(r *consume.Result) {
	code := remoting.RespSuccess
	switch r.Status {
	case consume.Empty, consume.AtEnd:
		code = remoting.RespPullNotFound
	case consume.NoneMatched, consume.Removed:
		code = remoting.RespPullRetryImmediately
	case consume.Moved:
		code = remoting.RespPullOffsetMoved
	}
	w := p.conn.Reply(p.ticket, code, pullRemarks[r.Status])
	w.Int("suggestWhichBrokerId", 0) // the master: nobody else has the messages
	w.Int("nextBeginOffset", r.Next)
	w.Int("minOffset", r.Min)
	w.Int("maxOffset", r.Max)
	w.Int("topicSysFlag", int64(p.topic.SysFlag))
	w.Int("groupSysFlag", int64(p.group.SysFlag))
	if r.Status == consume.Found {
		p.h.stats.pulled(r.Messages, r.Bytes)
		w.Parts(r.Parts, r)
		w.End()
		return
	}
	w.End()
	r.Release()
}

var pullRemarks = [...]string{
	consume.Found: "FOUND", consume.Empty: "NO_MESSAGE_IN_QUEUE", consume.AtEnd: "OFFSET_OVERFLOW_ONE",
	consume.NoneMatched: "NO_MATCHED_MESSAGE", consume.Removed: "MESSAGE_WAS_REMOVING", consume.Moved: "OFFSET_MOVED",
}
