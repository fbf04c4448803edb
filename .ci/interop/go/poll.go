package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
)

// poll takes messages from a consumer that fetches ahead, until it has as many different ones as are wanted.
func poll(ctx context.Context, args []string) (err error) {
	c := newFlags("poll")
	group := c.String("group", "interop-poller", "consumer group")
	tags := c.String("tags", "*", "expression of tags")
	want := c.Int64("want", 1, "end after so many different messages")
	if err := c.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	k, err := rocketmq.NewPullConsumer(consumer.WithNameServer(c.servers()), consumer.WithGroupName(*group), consumer.WithTls(c.tls),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
	if err != nil {
		return err
	}
	if err := k.Subscribe(c.topic, consumer.MessageSelector{Type: consumer.TAG, Expression: *tags}); err != nil {
		return err
	}
	if err := k.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Shutdown()) }()
	out, seen, done := newOutput(), map[int64]bool{}, event{Event: "done"}
	out.emit(event{Event: "ready"})
	for done.Distinct < *want && ctx.Err() == nil {
		r, err := k.Poll(ctx, 100*time.Millisecond)
		if err != nil {
			if consumer.IsNoNewMsgError(err) {
				continue
			}
			return err
		}
		for _, m := range r.GetMsgList() {
			n, _, err := readBody(m.Body)
			if err != nil {
				return fmt.Errorf("queue offset %d: %w", m.QueueOffset, err)
			}
			out.emit(messageEvent(m, n))
			if seen[n] {
				done.Duplicates++
			} else {
				seen[n] = true
				done.Distinct++
			}
		}
		k.ACK(ctx, r, consumer.ConsumeSuccess)
	}
	out.emit(done)
	return ctx.Err()
}
