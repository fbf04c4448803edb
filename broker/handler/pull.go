package handler

import (
	"time"

	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// maxHeld bounds the pulls that are held, of a few hundred bytes each. One that comes on top is turned away, and its client waits.
const maxHeld = 1 << 20

// pull is a pull request, from when it is checked until it is answered. One goroutine has it at a time; it comes from Handler.pulls.
type pull struct {
	h         *Handler
	conn      *remoting.Conn
	ticket    remoting.Ticket
	topic     *meta.TopicConfig
	group     *meta.GroupConfig
	groupName string // group may be one that all light groups share
	filter    consume.TagFilter
	from      int64
	messages  int
	limits    consume.Limits

	expression []byte       // memory for that of a heartbeat
	held       consume.Held // its Queue is the pull's
	prev, next *pull        // see session
}

func newPull(h *Handler) *pull {
	p := &pull{h: h}
	p.held.Ready = func(_ *consume.Held, timedOut bool) { p.ready(timedOut) }
	return p
}

// free gives the pull back when it is answered, or nobody waits for the answer.
func (p *pull) free() {
	p.conn, p.topic, p.group, p.groupName, p.held.Queue = nil, nil, nil, "", nil
	p.h.pulls.Put(p)
}

func (h *Handler) pull(c *remoting.Conn, cmd *remoting.Command) {
	p := h.pulls.Get().(*pull)
	p.conn, p.ticket = c, cmd.Ticket()
	var r pullRequest
	err := parsePull(&r, cmd.Fields)
	if cmd.Code == remoting.CodeLitePullMessage && !h.Config.Load().LitePull {
		err = forbidden(brokerForbidden, "the broker[%s] for lite pull consumer is forbidden (litePullMessageEnable)", h.Config.Load().BrokerName)
	}
	if err == nil {
		err = p.check(&r)
	}
	if err != nil {
		p.fail(err)
		return
	}
	if p.moved() {
		return
	}
	if r.flags&pullCommitOffset != 0 && r.commit >= 0 {
		h.Offsets.CommitUnlessReset(p.groupName, p.held.Queue.Topic, p.held.Queue.ID, r.commit)
	}
	p.serve(r.hold(h))
}

func (p *pull) check(r *pullRequest) (err error) {
	if err = p.admit(r.group, r.topic, r.queueID); err != nil {
		return err
	}
	if p.groupName = p.group.Name; p.groupName == "" {
		p.groupName = string(r.group)
	}
	p.from, p.messages, p.limits = r.from, int(max(1, r.messages)), p.h.limits()
	if r.bytes > 0 {
		p.limits.Bytes, p.limits.ColdBytes = min(p.limits.Bytes, int(r.bytes)), min(p.limits.ColdBytes, int(r.bytes))
	}
	return p.subscribe(r)
}

// admit finds group, topic and queue, and checks that the group may read there.
func (p *pull) admit(group, topic []byte, id int32) (err error) {
	h := p.h
	if h.Config.Load().BrokerPerm&meta.PermRead == 0 {
		return forbidden(brokerForbidden, "the broker[%s] pulling message is forbidden (brokerPermission)", h.Config.Load().BrokerName)
	}
	if p.group, err = h.group(group); err != nil {
		return err
	}
	if p.group == nil {
		return refusal(remoting.RespSubscriptionGroupNotExist, "subscription group [%s] does not exist", group)
	}
	if !p.group.ConsumeEnable {
		return forbidden(groupForbidden, "subscription group no permission, %s", group)
	}
	if p.topic = h.topic(topic); p.topic == nil {
		return noTopic(topic)
	}
	if !p.topic.Readable() {
		return forbidden(topicForbidden, "the topic[%s] pulling message is forbidden", topic)
	}
	if id < 0 || id >= p.topic.ReadQueues {
		return illegalQueue(p.conn, p.topic, topic, id)
	}
	p.held.Queue = h.queue(topic, id)
	return nil
}

// subscribe finds the filter: in the request, or in what the group's heartbeats say.
func (p *pull) subscribe(r *pullRequest) error {
	if r.flags&pullSubscription != 0 {
		if !isTag(r.kind) {
			return unknownFilter(string(r.kind))
		}
		return p.filterBy(r.subscription)
	}
	group, topic := p.groupName, p.held.Queue.Topic
	s, model, found := p.h.Clients.Subscription(group, topic)
	switch {
	case model == "":
		return refusal(remoting.RespSubscriptionNotExist, "the consumer's group info not exist, %s", group)
	case model == consume.Broadcasting && !p.group.ConsumeBroadcast:
		return forbidden(broadcastForbidden, "the consumer group[%s] can not consume by broadcast way", group)
	case p.h.Groups.Forbidden(group, topic)&meta.PermRead != 0:
		return forbidden(subscriptionForbidden, "the consumer group[%s] is forbidden for topic[%s]", group, topic)
	case !found:
		p.h.Clients.AskAgain(group)
		return refusal(remoting.RespSubscriptionNotExist, "the consumer's subscription not exist, %s of %s", topic, group)
	case s.Version < r.subscriptionVersion:
		p.h.Clients.AskAgain(group)
		return refusal(remoting.RespSubscriptionNotLatest, "the consumer's subscription not latest, %s of %s", topic, group)
	}
	if !isTag(s.Type) {
		return unknownFilter(s.Type)
	}
	p.expression = append(p.expression[:0], s.Expression...)
	return p.filterBy(p.expression)
}

func (p *pull) filterBy(expression []byte) error {
	if err := p.filter.Parse(expression); err != nil {
		return refusal(remoting.RespSubscriptionParseFailed, "parse the consumer's subscription failed: %v", err)
	}
	return nil
}

func isTag[T string | []byte](kind T) bool { return len(kind) == 0 || string(kind) == "TAG" }

func unknownFilter(kind string) error {
	return refusal(remoting.RespSystemError, "The broker does not support consumer to filter message by %s", kind)
}

// moved answers the pull when its group's offset was reset since the one before.
func (p *pull) moved() bool {
	q := p.held.Queue
	to, reset := p.h.Offsets.TakeReset(p.groupName, q.Topic, q.ID)
	if !reset {
		return false
	}
	p.h.Offsets.NotePull(p.groupName, q.Topic, q.ID, to)
	lowest, next, err := consume.Bounds(q)
	if err != nil { // it isn't about them
		p.h.Logger.Error("handler: pull", "topic", q.Topic, "queue", q.ID, "error", err)
	}
	p.reply(remoting.RespPullOffsetMoved, "OFFSET_RESET", to, lowest, next).End()
	p.free()
	return true
}

func (p *pull) read() (*consume.Result, error) {
	q := p.held.Queue
	r, err := consume.Read(p.h.Store, q, p.from, p.messages, &p.filter, p.limits)
	if err != nil {
		p.h.Logger.Error("handler: pull", "topic", q.Topic, "queue", q.ID, "offset", p.from, "error", err)
		return nil, err
	}
	p.h.Offsets.NotePull(p.groupName, q.Topic, q.ID, r.Next)
	return r, nil
}

// serve answers the pull, or holds it for some time if there is nothing.
func (p *pull) serve(patience time.Duration) {
	r, err := p.read()
	switch {
	case err != nil:
		p.fail(err)
	case patience > 0 && (r.Status == consume.AtEnd || r.Status == consume.Empty):
		p.held.Deadline = time.Now().Add(patience)
		p.wait(r)
	default:
		p.answer(r)
	}
}

// wait holds the pull until a message comes, or answers with what it has.
func (p *pull) wait(r *consume.Result) {
	if p.h.Holder.Len() >= maxHeld {
		r.Release()
		p.fail(refusal(remoting.RespSystemBusy, "[POLLING_FULL]broker busy, start flow control for a while: %d pulls are held", maxHeld))
		return
	}
	p.held.From = p.from
	if !p.h.session(p.conn).hold(p.h.Holder, p) {
		p.answer(r)
		return
	}
	r.Release()
}

// ready goes on with a pull that was held. What was allowed then may be forbidden now, and the topic another one.
func (p *pull) ready(timedOut bool) {
	conn := p.conn
	p.h.session(conn).ready(p)
	p.again(timedOut)
	conn.FlushHere() // this goroutine is there to answer
}

func (p *pull) again(timedOut bool) {
	q := p.held.Queue
	if err := p.admit([]byte(p.groupName), []byte(q.Topic), q.ID); err != nil {
		p.fail(err)
		return
	}
	if p.moved() {
		return
	}
	r, err := p.read()
	switch {
	case err != nil:
		p.fail(err)
	case !timedOut && r.Status == consume.NoneMatched && r.Next >= r.Max:
		// None of what came is wanted. Of the offset that is pulled next, the client hears with the answer.
		p.from = r.Next
		p.wait(r)
	default:
		p.answer(r)
	}
}

func (p *pull) fail(err error) {
	p.h.fail(p.conn, p.ticket, remoting.CodePullMessage, err)
	p.free()
}

// answer sends the result, whose messages go out from the log's mapping.
func (p *pull) answer(r *consume.Result) {
	defer p.free()
	p.count(r)
	w := p.reply(pullCodes[r.Status], pullRemarks[r.Status], r.Next, r.Min, r.Max)
	if r.Status != consume.Found {
		w.End()
		r.Release()
		return
	}
	w.Parts(r.Parts, r)
	w.End()
}

func (p *pull) reply(code int32, remark string, next, lowest, end int64) *remoting.Reply {
	w := p.conn.Reply(p.ticket, code, remark)
	w.Int("suggestWhichBrokerId", 0) // the master: nobody else has the messages
	w.Int("nextBeginOffset", next)
	w.Int("minOffset", lowest)
	w.Int("maxOffset", end)
	w.Int("topicSysFlag", int64(p.topic.SysFlag))
	w.Int("groupSysFlag", int64(p.group.SysFlag))
	return w
}

var pullCodes = [...]int32{
	consume.Found: remoting.RespSuccess, consume.Empty: remoting.RespPullNotFound, consume.AtEnd: remoting.RespPullNotFound,
	consume.NoneMatched: remoting.RespPullRetryImmediately, consume.Removed: remoting.RespPullRetryImmediately,
	consume.TooSmall: remoting.RespPullOffsetMoved, consume.TooLarge: remoting.RespPullOffsetMoved,
}

var pullRemarks = [...]string{
	consume.Found: "FOUND", consume.Empty: "NO_MESSAGE_IN_QUEUE", consume.AtEnd: "OFFSET_OVERFLOW_ONE",
	consume.NoneMatched: "NO_MATCHED_MESSAGE", consume.Removed: "MESSAGE_WAS_REMOVING",
	consume.TooSmall: "OFFSET_TOO_SMALL", consume.TooLarge: "OFFSET_OVERFLOW_BADLY",
}
