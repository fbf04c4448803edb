package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// request sends requests one after the other to a consumer of its own, which replies to each, and checks the replies.
func request(ctx context.Context, args []string) (err error) {
	c, out := newFlags("request"), newOutput()
	count := c.Int("count", 1, "how many requests")
	if err := c.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	replies, err := rocketmq.NewProducer(named(c, "replies")...)
	if err != nil {
		return err
	}
	if err := replies.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, replies.Shutdown()) }()
	replier, err := rocketmq.NewPushConsumer(consumer.WithNameServer(primitive.NamesrvAddr{c.namesrv}), consumer.WithGroupName(c.topic),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
	if err != nil {
		return err
	}
	err = replier.Subscribe(c.topic, consumer.MessageSelector{}, func(ctx context.Context, all ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, m := range all {
			reply, err := consumer.CreateReplyMessage(m, nil)
			if err == nil {
				reply.Body = append([]byte("reply to "), m.Body...) // CreateReplyMessage doesn't set it
				_, err = replies.SendSync(ctx, reply)
			}
			if err != nil {
				return consumer.ConsumeRetryLater, err
			}
		}
		return consumer.ConsumeSuccess, nil
	})
	if err != nil {
		return err
	}
	if err := replier.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, replier.Shutdown()) }()
	asker, err := rocketmq.NewProducer(named(c, "requests")...)
	if err != nil {
		return err
	}
	if err := asker.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, asker.Shutdown()) }()
	for i := range *count {
		body := fmt.Sprint("request ", i)
		reply, err := asker.Request(ctx, 30*time.Second, primitive.NewMessage(c.topic, []byte(body)))
		if err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
		if got := string(reply.Body); got != "reply to "+body {
			return fmt.Errorf("the reply to request %d is %q", i, got)
		}
	}
	out.emit(event{Event: "done", Sent: int64(*count)})
	return nil
}

func named(c *common, name string) []producer.Option {
	return []producer.Option{
		producer.WithNameServer(primitive.NamesrvAddr{c.namesrv}), producer.WithGroupName(name), producer.WithInstanceName(name),
		producer.WithSendMsgTimeout(10 * time.Second),
	}
}
