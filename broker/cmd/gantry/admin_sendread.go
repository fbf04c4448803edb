package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gantry-mq/gantry/broker/admin"
)

func messageSend(f *verbFlags) action {
	topic := f.topic("topic", "t", "name of the topic")
	body := f.StringP("body", "p", "", "the message's body")
	keys := f.StringP("key", "k", "", "keys to find it by, separated by spaces")
	tags := f.StringP("tags", "c", "", "its tag")
	broker := f.broker("broker", "name of the broker to send to (default: any)")
	queue := f.Int32P("qid", "i", -1, "with -b: id of the queue (default: any)")
	trace := f.choice("msgTraceEnable", "m", false, "record a trace: not supported")
	f.need("topic", "body")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		switch {
		case *queue >= 0 && *broker == "":
			return result{}, usage(errors.New("a queue is chosen by -b and -i together"))
		case *trace:
			return result{}, usage(errors.New("-m true: traces are recorded by clients, not by this command"))
		}
		sent, err := c.Send(ctx, admin.Outgoing{Topic: *topic, Body: []byte(*body), Keys: *keys, Tags: *tags, Broker: *broker, QueueID: *queue})
		if sent == nil {
			return result{}, err
		}
		return sentResult(sent, []*admin.Sent{sent}), err
	}
}

func messageConsume(f *verbFlags) action {
	topic := f.topic("topic", "t", "name of the topic")
	broker := f.broker("brokerName", "name of a broker (default: all)")
	queue := f.Int32P("queueId", "i", -1, "with -b: id of the queue (default: all)")
	offset := f.Int64P("offset", "o", -1, "with -i: begin at this offset")
	group := f.group("consumerGroup", "group whose permissions count")
	begin := f.moment("beginTimestamp", "s", "stored then or later")
	end := f.moment("endTimestamp", "e", "stored before")
	most := f.IntP("MessageNumber", "c", 128, "at most so many")
	f.need("topic")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		switch {
		case *queue >= 0 && *broker == "":
			return result{}, usage(errors.New("a queue is chosen by -b and -i together"))
		case *offset >= 0 && *queue < 0:
			return result{}, usage(errors.New("an offset is of one queue: choose it by -b and -i"))
		case *most <= 0:
			return result{}, usage(fmt.Errorf("-c %d: more than 0 is expected", *most))
		case *end > 0 && *begin > *end:
			return result{}, usage(errors.New("-s is after -e"))
		}
		list := []admin.Message{}
		err := c.Consume(ctx, admin.Consume{
			Topic: *topic, Group: *group, Broker: *broker, QueueID: *queue, Offset: *offset, Begin: *begin, End: *end, Max: *most,
		}, func(m *admin.Message) error {
			list = append(list, *m)
			return nil
		})
		if len(list) == 0 && err != nil {
			return result{}, err
		}
		return result{value: map[string]any{"messages": list}, table: func(t *table) {
			t.row("BROKER TIME", "QUEUE", "OFFSET", "MESSAGE ID", "TAGS", "KEYS", "BODY")
			for i := range list {
				m := &list[i]
				t.row(instant(m.StoreTimestamp), m.QueueID, m.QueueOffset, m.ID, dash(m.Tags()), dash(m.Keys()), shortened(bodyText(m)))
			}
		}}, err
	}
}

// shortened cuts a text down to what fits into a table.
func shortened(text string) string {
	const most = 80
	n := 0
	for i := range text {
		if n++; n > most {
			return text[:i] + "…"
		}
	}
	return text
}
