package admin

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// ToolsConsumer is the group that exists in every broker for tools.
const ToolsConsumer = "TOOLS_CONSUMER"

// Consume says which messages of a topic to read. Reading commits nothing.
type Consume struct {
	Topic      string
	Group      string // empty: ToolsConsumer
	Broker     string // name; empty: all
	QueueID    int32  // negative: all
	Offset     int64  // negative: from the start
	Begin, End int64  // ms, of storing; 0: no bound
	Max        int    // messages
}

// Consume reads messages, the oldest of each queue first, and calls f for each until there are no more or f returns an error.
func (c *Client) Consume(ctx context.Context, w Consume, f func(m *Message) error) error {
	queues, err := c.readableQueues(ctx, w)
	if err != nil {
		return err
	}
	left := w.Max
	for _, q := range queues {
		from, to, err := c.rangeOf(ctx, q, w)
		if err != nil {
			return err
		}
		for from < to && left > 0 {
			var all []Message
			if all, from, err = c.pull(ctx, q, w, from, min(left, maxPull)); err != nil {
				return err
			}
			for i := range all {
				if all[i].QueueOffset >= to || left == 0 {
					from = to
					break
				}
				left--
				if err := f(&all[i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// maxPull is how many messages brokers give at most, unless they are configured otherwise.
const maxPull = 32

// readQueue is a queue and who is asked for its messages.
type readQueue struct {
	Queue
	addr string
}

func (c *Client) readableQueues(ctx context.Context, w Consume) ([]readQueue, error) {
	route, err := c.Route(ctx, w.Topic)
	if err != nil {
		return nil, err
	}
	var all []readQueue
	for _, rq := range route.Queues {
		set, _ := route.set(rq.Broker)
		addr := set.reader()
		if addr == "" || rq.Perm&meta.PermRead == 0 || w.Broker != "" && w.Broker != rq.Broker {
			continue
		}
		for id := range rq.ReadQueues {
			if w.QueueID < 0 || w.QueueID == id {
				all = append(all, readQueue{Queue{w.Topic, rq.Broker, id}, addr})
			}
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case w.Broker != "" || w.QueueID >= 0:
		return nil, notFound("topic %s has no queue to read with id %d in broker %q", w.Topic, w.QueueID, w.Broker)
	}
	return nil, notFound("topic %s has no queue to read", w.Topic)
}

// rangeOf is which offsets of a queue are wanted: those from from to before to.
func (c *Client) rangeOf(ctx context.Context, q readQueue, w Consume) (from, to int64, err error) {
	if w.Begin > 0 {
		from, err = c.offsetAt(ctx, q.addr, q.Queue, w.Begin)
	} else {
		from, err = c.minOffset(ctx, q.addr, q.Queue)
	}
	if err != nil {
		return 0, 0, err
	}
	if w.End > 0 {
		to, err = c.offsetAt(ctx, q.addr, q.Queue, w.End)
	} else {
		to, err = c.maxOffset(ctx, q.addr, q.Queue)
	}
	return max(from, w.Offset), to, err
}

// pullHasSubscription is the bit of a pull's sysFlag that says that the request carries its own subscription.
const pullHasSubscription = 0x4

// pull reads at most n messages and says where to go on.
func (c *Client) pull(ctx context.Context, q readQueue, w Consume, from int64, n int) (all []Message, next int64, err error) {
	r := queueRequest(remoting.CodePullMessage, q.Queue)
	group := w.Group
	if group == "" {
		group = ToolsConsumer
	}
	f := &r.Fields
	f.Add("consumerGroup", group)
	f.AddInt("queueOffset", from)
	f.AddInt("maxMsgNums", int64(n))
	f.AddInt("sysFlag", pullHasSubscription)
	f.AddInt("commitOffset", 0)
	f.AddInt("suspendTimeoutMillis", 0)
	f.Add("subscription", "*")
	f.AddInt("subVersion", time.Now().UnixMilli())
	f.Add("expressionType", "TAG")
	answer, err := c.call(ctx, q.addr, r)
	if err != nil {
		return nil, 0, err
	}
	next, err = answer.Fields.Int64("nextBeginOffset", from)
	if err != nil {
		return nil, 0, err
	}
	switch answer.Code {
	case remoting.RespSuccess:
		if all, err = decodeMessages(answer.Body); err == nil && (len(all) == 0 || next <= from) {
			err = errors.New("admin: a pull that found messages goes on nowhere")
		}
		return all, next, err
	case remoting.RespPullOffsetMoved, remoting.RespPullRetryImmediately, remoting.RespPullNotFound:
		if next <= from {
			next = math.MaxInt64 // there is nothing more
		}
		return nil, next, nil
	}
	return nil, 0, refusal(answer.Err())
}
