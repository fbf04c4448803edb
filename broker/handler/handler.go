package handler

import (
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/produce"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/stats"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/broker/topics"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// Options are the parts of a broker that requests are about.
type Options struct {
	Config  *config.Live
	Store   *store.Store
	Topics  *meta.Topics
	Life    *topics.Life // of the topics
	Groups  *meta.Groups
	Offsets *meta.Offsets
	Produce *produce.Service
	Holder  *consume.Holder
	Locks   *consume.Locks
	// Reconfigured is called when keys of Config have changed, to apply them to the rest of the broker and to keep them.
	Reconfigured func(c *config.Config, changed []string) error
	// Delays tells how far the delivery of delayed messages is; nil if there are none. The version is that of delayOffset.json.
	Delays func() ([]DelayLevel, meta.DataVersion)
	Now    func() time.Time
	Logger *slog.Logger
}

// DelayLevel is how far the delivery of the messages of a delay level is.
type DelayLevel struct {
	Level  int32
	Offset int64 // of the next message to be delivered, in the level's queue
	Next   int64 // of the next message that comes
}

// Handler serves a broker's Remoting port. It implements remoting.Handler.
type Handler struct {
	Options
	Clients  *consume.Clients[*session]
	hotBytes int64                // how far back from its end the log is taken to be in memory
	sent     remoting.FixedFields // what every answer to a send says
	light    light
	sends    sync.Pool // *sends
	pulls    sync.Pool // *pull
	stats    Stats
	waiting  sync.WaitGroup // requests that wait for a disk or for consumers
	announce func()         // Store.Announce of nothing of one's own, bound once
}

// New makes a Handler.
func New(o Options) *Handler {
	c := o.Config.Load()
	h := &Handler{
		Options:  o,
		light:    newLight(),
		Clients:  consume.NewClients[*session](c.ClientExpiry, o.Now),
		hotBytes: hotBytes(),
	}
	h.sent = remoting.FixFields(record.PropMsgRegion, c.RegionID, record.PropTraceOn, strconv.FormatBool(c.TraceOn))
	h.stats.Broker, h.stats.began = stats.New(c.ClusterName, o.Topics.IsSystem, o.Now), o.Now()
	h.announce = func() { o.Store.Announce(nil) }
	h.sends.New = func() any { return newSends(h) }
	h.pulls.New = func() any { return newPull(h) }
	return h
}

// Serve implements remoting.Handler: sends that came together are stored together, everything else is done one by one, in order.
func (h *Handler) Serve(c *remoting.Conn, cmds []remoting.Command) {
	var batch, last *sends // last is answered, and still there
	stored, alone := false, len(cmds) == 1 && !c.More()
	arrived := h.Now()
	for i := range cmds {
		cmd := &cmds[i]
		switch cmd.Code {
		case remoting.CodeSendMessageV2, remoting.CodeSendBatchMessage, remoting.CodeSendMessage:
			if batch == nil {
				batch = h.sends.Get().(*sends)
				batch.batch.Arrived, batch.batch.Alone = arrived, alone
			}
			batch.add(c, cmd)
			continue
		}
		if batch != nil {
			last = batch.submit(last)
			batch, stored = nil, true
		}
		switch cmd.Code {
		case remoting.CodePullMessage, remoting.CodeLitePullMessage:
			if i == 0 || h.inTime(c, cmd, arrived) {
				h.pull(c, cmd)
			}
		case remoting.CodeConsumerSendMsgBack:
			h.one(c, cmd)
			stored = true
		default:
			h.one(c, cmd)
		}
	}
	if batch != nil {
		last = batch.submit(last)
		stored = true
	}
	if !stored {
		return
	}
	c.FlushHere() // producers first
	if alone && batch != nil {
		h.Store.FlushHere()
	}
	if last == nil {
		h.Holder.Help(h.announce)
		return
	}
	h.Holder.Help(last.announce)
	last.free()
}

// inTime turns a pull away that has waited for too long for those before it.
func (h *Handler) inTime(c *remoting.Conn, cmd *remoting.Command, arrived time.Time) bool {
	most := h.Config.Load().PullWait
	if cmd.Code == remoting.CodeLitePullMessage {
		most = h.Config.Load().LitePullWait
	}
	waited := h.Now().Sub(arrived)
	if !h.Config.Load().FastFail || waited <= most {
		return true
	}
	h.fail(c, cmd.Ticket(), cmd.Code, refusal(remoting.RespSystemBusy, "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: %dms", waited.Milliseconds()))
	return false
}

// Closed implements remoting.Handler.
func (h *Handler) Closed(c *remoting.Conn) {
	if s, ok := c.Attached().(*session); ok {
		s.end(h.Holder)
		h.Clients.Gone(s, h.notify)
	}
}

// notify tells whether the members of a group hear of changes among them.
func (h *Handler) notify(group string) bool {
	g := h.Groups.Get(group)
	return h.Config.Load().NotifyIDsChanged && (g == nil || g.NotifyIDsChanged)
}

func (h *Handler) one(c *remoting.Conn, cmd *remoting.Command) {
	call := call{h: h, c: c, cmd: cmd, t: cmd.Ticket()}
	f, ok := calls[cmd.Code]
	if !ok {
		f, ok = queries[cmd.Code]
	}
	if !ok {
		call.answer(remoting.RespRequestCodeNotSupported, fmt.Sprintf(" request type %d (%s) not supported", cmd.Code, remoting.RequestName(cmd.Code)))
		return
	}
	if err := f(&call); err != nil {
		call.fail(err)
	}
}

// calls are what the broker answers beside sends and pulls.
var calls = map[int32]func(*call) error{
	remoting.CodeHeartBeat:               (*call).heartbeat,
	remoting.CodeUnregisterClient:        (*call).unregister,
	remoting.CodeCheckClientConfig:       (*call).checkClient,
	remoting.CodeGetConsumerListByGroup:  (*call).consumerList,
	remoting.CodeLockBatchMQ:             (*call).lockQueues,
	remoting.CodeUnlockBatchMQ:           (*call).unlockQueues,
	remoting.CodeQueryConsumerOffset:     (*call).queryOffset,
	remoting.CodeUpdateConsumerOffset:    (*call).updateOffset,
	remoting.CodeGetMaxOffset:            (*call).maxOffset,
	remoting.CodeGetMinOffset:            (*call).minOffset,
	remoting.CodeSearchOffsetByTimestamp: (*call).searchOffset,
	remoting.CodeGetEarliestMsgStoreTime: (*call).earliest,
	remoting.CodeConsumerSendMsgBack:     (*call).sendBack,
	remoting.CodeViewMessageByID:         (*call).viewMessage,
	remoting.CodeQueryMessage:            (*call).queryMessage,
	remoting.CodeSendReplyMessage:        (*call).sendReply,
	remoting.CodeSendReplyMessageV2:      (*call).sendReply,
}

// call is one request being served. Its methods answer it, at once or later; an error that one of them returns is answered by fail.
type call struct {
	h   *Handler
	c   *remoting.Conn
	cmd *remoting.Command
	t   remoting.Ticket
}

func (c *call) answer(code int32, remark string) {
	c.c.Reply(c.t, code, remark).End()
}

func (c *call) ok() error {
	c.answer(remoting.RespSuccess, "")
	return nil
}

// refused is an error with the response code that it is answered with.
type refused struct {
	code      int32
	remark    string
	forbidden int64 // what has no permission, for clients that pull; 0: the field is left out
}

// What has no permission, as the field forbiddenType of a pull's answer says it.
const (
	brokerForbidden       = 1
	groupForbidden        = 2
	topicForbidden        = 3
	broadcastForbidden    = 4
	subscriptionForbidden = 5
)

func (r *refused) Error() string { return r.remark }

func refusal(code int32, format string, args ...any) error {
	return &refused{code: code, remark: fmt.Sprintf(format, args...)}
}

func forbidden(what int64, format string, args ...any) error {
	return &refused{remoting.RespNoPermission, fmt.Sprintf(format, args...), what}
}

func (c *call) fail(err error) { c.h.fail(c.c, c.t, c.cmd.Code, err) }

// fail answers a request with an error.
func (h *Handler) fail(c *remoting.Conn, t remoting.Ticket, code int32, err error) {
	r, ok := err.(*refused)
	if !ok {
		h.Logger.Warn("handler: request failed", "code", remoting.RequestName(code), "remote", c.RemoteAddr(), "error", err)
		r = &refused{code: remoting.RespSystemError, remark: err.Error()}
	}
	w := c.Reply(t, r.code, r.remark)
	if r.forbidden != 0 {
		w.Int("forbiddenType", r.forbidden)
	}
	w.End()
}

func read64(f remoting.Fields, name string, to *int64) (err error) {
	*to, err = f.Int64(name, *to)
	return err
}

func read32(f remoting.Fields, name string, to *int32) (err error) {
	*to, err = f.Int32(name, *to)
	return err
}
