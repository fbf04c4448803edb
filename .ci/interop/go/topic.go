package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// topic creates a topic, deletes it, lists its queues, or lists all topics.
func topic(ctx context.Context, args []string) (err error) {
	if len(args) == 0 {
		return errors.New("topic: create, delete, list or queues?")
	}
	what, c := args[0], newFlags("topic")
	broker := c.String("broker", "", "address of the broker")
	queues := c.Int("queues", 4, "queues to create")
	if err := c.Parse(args[1:]); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	a, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver(c.servers())))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	out := newOutput()
	switch what {
	case "create":
		for range 3 { // the client gives up after 5 s, which a busy disk may take
			if err = a.CreateTopic(ctx, admin.WithTopicCreate(c.topic), admin.WithBrokerAddrCreate(*broker),
				admin.WithReadQueueNums(*queues), admin.WithWriteQueueNums(*queues)); err == nil {
				break
			}
		}
	case "delete":
		err = a.DeleteTopic(ctx, admin.WithTopicDelete(c.topic), admin.WithBrokerAddrDelete(*broker))
	case "list":
		var all *admin.TopicList
		if all, err = a.FetchAllTopicList(ctx); err == nil {
			slices.Sort(all.TopicList)
			for _, name := range all.TopicList {
				out.emit(event{Event: "topic", Topic: name})
			}
		}
	case "queues":
		var all []*primitive.MessageQueue
		all, err = a.FetchPublishMessageQueues(ctx, c.topic)
		for _, q := range all {
			out.emit(event{Event: "queue", Topic: q.Topic, Queue: q.QueueId})
		}
	default:
		return fmt.Errorf("topic %q: create, delete, list or queues?", what)
	}
	if err != nil {
		return err
	}
	out.emit(event{Event: "done"})
	return nil
}
