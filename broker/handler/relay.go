package handler

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// How long a consumer may take to answer what is relayed to it: it may consume a message, or look at all its threads.
const (
	relayWait  = 10 * time.Second
	statusWait = 5 * time.Second
)

// later calls f, which answers the request, on a goroutine of its own: who waits for a disk or asks a consumer mustn't hold up the
// connection that the request came by, which may be the consumer's. What f needs of the request is copied before. Close waits for it.
func (c *call) later(f func(c *call) error) error {
	own := *c
	own.cmd = &remoting.Command{Code: c.cmd.Code}
	c.h.waiting.Go(func() {
		if err := f(&own); err != nil {
			own.fail(err)
		}
		own.c.FlushHere()
	})
	return nil
}

// Close waits for what is under way. Nobody uses the Handler any more, and the connections of its clients have ended.
func (h *Handler) Close() { h.waiting.Wait() }

// relayRunningInfo asks a consumer how it is.
func (c *call) relayRunningInfo() error {
	return c.relay(remoting.CodeGetConsumerRunningInfo, copyFields(c.cmd.Fields), nil)
}

// relayMessage gives a message to a consumer and answers with what became of it.
func (c *call) relayMessage() error {
	f := copyFields(c.cmd.Fields)
	_, off, err := record.ParseMessageID(f.Str("msgId"))
	if err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	body, err := c.h.Store.Record(off, nil)
	if err != nil {
		return err
	}
	f.Add("brokerName", c.h.Config.Load().BrokerName)
	if t := c.h.Topics.Get(f.Str("topic")); t != nil {
		f.AddInt("topicSysFlag", int64(t.SysFlag))
	}
	if g := c.h.Groups.Get(f.Str("consumerGroup")); g != nil {
		f.AddInt("groupSysFlag", int64(g.SysFlag))
	}
	return c.relay(remoting.CodeConsumeMessageDirectly, f, body)
}

func copyFields(f remoting.Fields) (own remoting.Fields) {
	for _, x := range f {
		own.Add(string(x.Key), string(x.Value))
	}
	return own
}

// relay passes a request on to the consumer that it names, and the consumer's answer back.
func (c *call) relay(code int32, f remoting.Fields, body []byte) error {
	group, id := f.Str("consumerGroup"), f.Str("clientId")
	m, online := c.h.Clients.Member(group, id)
	if !online {
		return refusal(remoting.RespSystemError, "The Consumer <%s> <%s> not online", group, id)
	}
	return c.later(func(c *call) error {
		ctx, cancel := context.WithTimeout(context.Background(), relayWait)
		defer cancel()
		r, err := m.Conn.conn.Call(ctx, code, f, body)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return refusal(remoting.RespConsumeMsgTimeout, "consumer <%s> <%s> Timeout: %v", group, id, err)
		case err != nil:
			return refusal(remoting.RespSystemError, "invoke consumer <%s> <%s> Exception: %v", group, id, err)
		}
		w := c.c.Reply(c.t, r.Code, r.Remark)
		for _, x := range r.Fields {
			w.Bytes(string(x.Key), x.Value)
		}
		w.Body(r.Body)
		w.End()
		return nil
	})
}

// consumerStatus asks the members of a group, or one of them, how far they are in a topic.
func (c *call) consumerStatus() error {
	f := copyFields(c.cmd.Fields)
	name, id := f.Str("group"), f.Str("clientAddr")
	g, online := c.h.Clients.Group(name)
	if !online {
		return refusal(remoting.RespSystemError, "No Any Consumer online in the consumer group: [%s]", name)
	}
	var ask remoting.Fields
	ask.Add("topic", f.Str("topic"))
	ask.Add("group", name)
	return c.later(func(c *call) error {
		return c.body(struct {
			Consumers map[string]byQueue[int64] `json:"consumerTable"`
		}{c.h.askStatus(g.Members, id, ask)})
	})
}

// askStatus asks all members at once, or the one with that client id, how far they are. Those who don't tell are left out: the others'
// answers are worth having.
func (h *Handler) askStatus(members []consume.Attendee[*session], id string, ask remoting.Fields) map[string]byQueue[int64] {
	ctx, cancel := context.WithTimeout(context.Background(), statusWait)
	defer cancel()
	var asking sync.WaitGroup
	var mu sync.Mutex // guards table
	table := map[string]byQueue[int64]{}
	for _, m := range members {
		if id != "" && m.ID != id {
			continue
		}
		asking.Go(func() {
			offsets, err := askStatus(ctx, m.Conn.conn, ask)
			if err != nil {
				h.Logger.Warn("handler: a consumer doesn't tell its status", "client", m.ID, "error", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			table[m.ID] = offsets
		})
	}
	asking.Wait()
	return table
}

func askStatus(ctx context.Context, conn *remoting.Conn, ask remoting.Fields) (byQueue[int64], error) {
	r, err := conn.Call(ctx, remoting.CodeGetConsumerStatusFromClient, ask, nil)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return nil, err
	}
	return parseStatus(r.Body)
}

// parseStatus reads GetConsumerStatusBody.
func parseStatus(b []byte) (byQueue[int64], error) {
	var body struct {
		Offsets byQueue[int64] `json:"messageQueueTable"`
	}
	if len(b) > 0 {
		if err := fastjson.Unmarshal(b, &body); err != nil {
			return nil, err
		}
	}
	if body.Offsets == nil {
		body.Offsets = byQueue[int64]{}
	}
	return body.Offsets, nil
}
