package main

import (
	"context"
	"errors"
	"fmt"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// beyond is further than any queue reaches. A pull from there is answered at once, with the queue's bounds; one from a queue's end waits.
const beyond = 1 << 40

// pull reads one queue from an offset on until its end.
func pull(ctx context.Context, args []string) (err error) {
	c := newFlags("pull")
	group := c.String("group", "interop-puller", "consumer group")
	queue := c.Int("queue", 0, "number of the queue")
	from := c.Int64("from", 0, "queue offset of the first message")
	at := c.Int64("time", -1, "begin with the first message stored at this time (ms) instead")
	most := c.Int("max", 32, "messages of one pull")
	broker := c.String("broker-name", "broker-a", "name of the broker")
	if err := c.Parse(args); err != nil {
		return err
	}
	k, err := rocketmq.NewPullConsumer(consumer.WithNameServer(c.servers()), consumer.WithGroupName(*group))
	if err != nil {
		return err
	}
	mq := &primitive.MessageQueue{Topic: c.topic, BrokerName: *broker, QueueId: *queue}
	if err := k.Assign(c.topic, []*primitive.MessageQueue{mq}); err != nil {
		return err
	}
	if err := k.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Shutdown()) }()
	if *at >= 0 {
		if *from, err = k.OffsetForTimestamp(mq, *at); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := k.PullFrom(ctx, mq, beyond, 1)
	if err != nil {
		return err
	}
	out, done := newOutput(), event{Event: "done", Next: *from, Min: r.MinOffset, Max: r.MaxOffset}
	for done.Next < done.Max && ctx.Err() == nil {
		if r, err = k.PullFrom(ctx, mq, done.Next, *most); err != nil {
			return err
		}
		for _, m := range r.GetMessageExts() {
			n, _, err := readBody(m.Body)
			if err != nil {
				return fmt.Errorf("queue offset %d: %w", m.QueueOffset, err)
			}
			out.emit(messageEvent(m, n))
			done.Distinct++
		}
		done.Next = r.NextBeginOffset
	}
	out.emit(done)
	return ctx.Err()
}
