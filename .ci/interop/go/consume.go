package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// consuming is what `interop consume` is told and what it has seen.
type consuming struct {
	*common
	group     string
	tags      string
	from      string
	orderly   bool
	broadcast bool
	want      int64
	refuse    int64
	refusals  int
	most      int
	report    bool

	out *output

	mu         sync.Mutex // guards what follows
	seen       []uint64   // bit n: message n was accepted
	distinct   int64
	duplicates int64
	damaged    int64
	enough     chan struct{} // closed when as many were accepted as are wanted
}

// consume runs a push consumer until it has accepted as many different messages as are wanted.
func consume(ctx context.Context, args []string) error {
	c := &consuming{common: newFlags("consume"), out: newOutput(), enough: make(chan struct{})}
	c.StringVar(&c.group, "group", "interop-consumer", "consumer group")
	c.StringVar(&c.tags, "tags", "*", "expression of tags")
	c.StringVar(&c.from, "from", "first", "where a new group starts: first, last, or a time as yyyymmddhhmmss")
	c.BoolVar(&c.orderly, "orderly", false, "one message of a queue at a time")
	c.BoolVar(&c.broadcast, "broadcast", false, "every consumer of the group gets every message")
	c.Int64Var(&c.want, "want", 0, "end after so many different messages; 0: never")
	c.Int64Var(&c.refuse, "refuse", -1, "number of a message to ask for later again")
	c.IntVar(&c.refusals, "refusals", 0, "how many times to do that")
	c.IntVar(&c.most, "max-reconsume", -1, "how many times a message is tried again before it is given up")
	c.BoolVar(&c.report, "report", false, "print an event for each message")
	if err := c.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	k, err := rocketmq.NewPushConsumer(c.options()...)
	if err != nil {
		return err
	}
	if err := k.Subscribe(c.topic, consumer.MessageSelector{Type: consumer.TAG, Expression: c.tags}, c.take); err != nil {
		return err
	}
	if err := k.Start(); err != nil {
		return err
	}
	began := time.Now()
	c.out.emit(event{Event: "ready"})
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for over := false; !over; {
		select {
		case <-tick.C:
			c.tell("progress", 0)
		case <-ctx.Done():
			over = true
		case <-c.enough:
			over = true
		}
	}
	took := time.Since(began)
	// The client notes what a callback returned some time after that, and only what it has noted is committed by Shutdown.
	time.Sleep(200 * time.Millisecond)
	err = k.Shutdown()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = errors.Join(err, ctx.Err())
	}
	c.tell("done", took)
	return err
}

func (c *consuming) options() []consumer.Option {
	from := consumer.ConsumeFromTimestamp
	switch c.from {
	case "first":
		from = consumer.ConsumeFromFirstOffset
	case "last":
		from = consumer.ConsumeFromLastOffset
	}
	model := consumer.Clustering
	if c.broadcast {
		model = consumer.BroadCasting
	}
	o := []consumer.Option{
		consumer.WithNameServer(c.servers()), consumer.WithGroupName(c.group), consumer.WithConsumeFromWhere(from),
		consumer.WithConsumerModel(model), consumer.WithConsumerOrder(c.orderly), consumer.WithMaxReconsumeTimes(int32(c.most)),
		consumer.WithTls(c.tls),
	}
	if from == consumer.ConsumeFromTimestamp {
		o = append(o, consumer.WithConsumeTimestamp(c.from))
	}
	if c.namespace != "" {
		o = append(o, consumer.WithNamespace(c.namespace))
	}
	return o
}

func (c *consuming) tell(what string, took time.Duration) {
	c.mu.Lock()
	e := event{Event: what, Distinct: c.distinct, Duplicates: c.duplicates, Damaged: c.damaged, Seconds: took.Seconds()}
	c.mu.Unlock()
	c.out.emit(e)
}

// take is the consumer's callback.
func (c *consuming) take(_ context.Context, ms ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	for _, m := range ms {
		if !c.accept(m) {
			if c.orderly {
				return consumer.SuspendCurrentQueueAMoment, nil
			}
			return consumer.ConsumeRetryLater, nil
		}
	}
	return consumer.ConsumeSuccess, nil
}

func (c *consuming) accept(m *primitive.MessageExt) bool {
	n, made, err := readBody(m.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || n < 0 || n >= 1<<32 {
		fmt.Fprintf(os.Stderr, "interop: %s: number %d: %v\n", m.MsgId, n, err)
		c.damaged++
		return true
	}
	if c.report {
		e := messageEvent(m, n)
		e.Group, e.Micros = c.group, time.Since(made).Microseconds()
		c.out.emit(e)
	}
	if n == c.refuse && int(m.ReconsumeTimes) < c.refusals {
		return false
	}
	for int64(len(c.seen)) <= n/64 {
		c.seen = append(c.seen, 0)
	}
	bit := uint64(1) << (n % 64)
	if c.seen[n/64]&bit != 0 {
		c.duplicates++
		return true
	}
	c.seen[n/64] |= bit
	if c.distinct++; c.distinct == c.want {
		close(c.enough)
	}
	return true
}

func messageEvent(m *primitive.MessageExt, n int64) event {
	return event{
		Event: "message", Number: n, Topic: m.Topic, Broker: m.Queue.BrokerName, Queue: m.Queue.QueueId, QueueOffset: m.QueueOffset,
		MsgID: m.MsgId, OffsetMsgID: m.OffsetMsgId, Tag: m.GetTags(), Reconsumed: m.ReconsumeTimes,
	}
}
