package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/admin"
)

func messageVerbs() []verb {
	return []verb{
		{
			mqadmin: "queryMsgById", friendly: "message id", args: []string{"msgId"},
			short: "Show a message, by either of its ids",
			long:  "With -g and -d a consumer is made to consume it again; with -s true a copy of it is sent.",
			examples: []string{
				"message id 7F000001000071F5BDD29DC8F6C40000 -t orders",
				"queryMsgById -t orders -i 7F00000100002A9F0000000000000378",
				"message id 7F00000100002A9F0000000000000378 -t orders -g billing -d 10.0.0.7@4711",
			},
			define: messageByID,
		},
		{
			mqadmin: "queryMsgByKey", friendly: "message key", args: []string{"msgKey"},
			short:    "Find messages by key",
			examples: []string{"message key order-4711 -t orders", "queryMsgByKey -t orders -k order-4711 -m 10"},
			define:   messagesByKey,
		},
		{
			mqadmin: "queryMsgByUniqueKey", friendly: "message unique-key", args: []string{"msgId"},
			short:    "Show a message, by the id that its producer gave it",
			examples: []string{"message unique-key 7F000001000071F5BDD29DC8F6C40000 -t orders", "queryMsgByUniqueKey -t orders -i 7F000001000071F5BDD29DC8F6C40000 -a"},
			define:   messageByUniqueKey,
		},
		{
			mqadmin: "sendMessage", friendly: "message send", args: []string{"topic"},
			short:    "Send a message",
			examples: []string{"message send orders -p 'hello' -k order-4711 -c new", "sendMessage -t orders -p hello -b broker-a -i 0"},
			define:   messageSend,
		},
		{
			mqadmin: "consumeMessage", friendly: "message consume", args: []string{"topic"},
			short: "Read messages of a topic, without consuming them for anybody",
			examples: []string{
				"message consume orders -c 10",
				"consumeMessage -t orders -b broker-a -i 0 -o 100",
				"message consume orders -s 2026-01-31#08:00:00:000 --output json | jq .messages[].body",
			},
			define: messageConsume,
		},
	}
}

// messages shows whole messages, one below the other.
func messages(list []admin.Message) result {
	return result{value: map[string]any{"messages": list}, table: func(t *table) {
		for i := range list {
			if i > 0 {
				t.text("")
			}
			messageTable(t, &list[i])
		}
	}}
}

func messageTable(t *table, m *admin.Message) {
	t.row("message id", m.ID)
	t.row("offset message id", m.OffsetID)
	t.row("topic", m.Topic)
	t.row("queue", fmt.Sprintf("%d, offset %d", m.QueueID, m.QueueOffset))
	t.row("log offset", m.LogOffset)
	t.row("tags", dash(m.Tags()))
	t.row("keys", dash(m.Keys()))
	t.row("born", instant(m.BornTimestamp)+" at "+m.BornHost)
	t.row("stored", instant(m.StoreTimestamp)+" at "+m.StoreHost)
	t.row("flag, sysFlag", fmt.Sprintf("%d, %#x", m.Flag, m.SysFlag))
	t.row("reconsumed", m.ReconsumeTimes)
	for _, name := range slices.Sorted(maps.Keys(m.Properties)) {
		t.row("property "+name, m.Properties[name])
	}
	t.text("body:\n%s", bodyText(m))
}

// bodyText shows a body that is text; of another it says how long it is.
func bodyText(m *admin.Message) string {
	switch {
	case m.BodyError != "":
		return fmt.Sprintf("%d bytes, compressed: %s", m.BodySize, m.BodyError)
	case m.BodyBase64 != nil:
		return fmt.Sprintf("%d bytes that aren't text (--output json has them)", m.BodySize)
	}
	return m.Body
}

func messageByID(f *verbFlags) action {
	topic := f.topic("topic", "t", "name of the topic")
	ids := f.StringP("msgId", "i", "", "ids, separated by commas")
	group := f.group("consumerGroup", "with -d: group of a consumer to consume it")
	client := f.StringP("clientId", "d", "", "with -g: id of that consumer")
	resend := f.choice("sendMessage", "s", false, "send a copy")
	f.StringP("unitName", "u", "", "without effect here")
	format := f.StringP("bodyFormat", "f", "UTF-8", "charset of bodies: only UTF-8")
	via := f.via()
	f.need("topic", "msgId")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		if (*group == "") != (*client == "") {
			return result{}, usage(errors.New("a consumer is chosen by -g and -d together"))
		}
		if !strings.EqualFold(*format, "UTF-8") && !strings.EqualFold(*format, "UTF8") {
			return result{}, usage(fmt.Errorf("-f %s: only UTF-8 is supported (--output json has the bytes)", *format))
		}
		var list []admin.Message
		var errs []error
		for id := range strings.SplitSeq(*ids, ",") {
			if id = strings.TrimSpace(id); id == "" {
				continue
			}
			m, err := c.ViewMessage(ctx, admin.Where{Topic: *topic, Cluster: *via}, id)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			list = append(list, *m)
		}
		err := errors.Join(errs...)
		switch {
		case len(list) == 0:
			return result{}, err
		case *group != "":
			return consumeDirectly(ctx, c, list, *group, *client, err)
		case *resend:
			return resendAll(ctx, c, list, err)
		}
		return messages(list), err
	}
}

// consumeDirectly has a consumer consume messages; err is what went wrong before.
func consumeDirectly(ctx context.Context, c *admin.Client, list []admin.Message, group, client string, err error) (result, error) {
	type consumed struct {
		ID string `json:"msgId"`
		*admin.Consumed
	}
	var all []consumed
	for i := range list {
		r, one := c.ConsumeDirectly(ctx, &list[i], group, client)
		if one != nil {
			err = errors.Join(err, one)
			continue
		}
		all = append(all, consumed{list[i].ID, r})
	}
	if all == nil {
		return result{}, err
	}
	return result{value: map[string]any{"consumed": all}, table: func(t *table) {
		t.row("MESSAGE ID", "RESULT", "MS", "REMARK")
		for _, r := range all {
			t.row(r.ID, r.Result, r.Millis, dash(r.Remark))
		}
	}}, err
}

func resendAll(ctx context.Context, c *admin.Client, list []admin.Message, err error) (result, error) {
	var all []*admin.Sent
	for i := range list {
		sent, one := c.Resend(ctx, &list[i])
		if one != nil {
			err = errors.Join(err, one)
			continue
		}
		all = append(all, sent)
	}
	if all == nil {
		return result{}, err
	}
	return sentResult(map[string]any{"sent": all}, all), err
}

func sentResult(value any, all []*admin.Sent) result {
	return result{value: value, table: func(t *table) {
		t.row("BROKER", "QUEUE", "OFFSET", "RESULT", "MESSAGE ID")
		for _, s := range all {
			t.row(s.Broker, s.QueueID, s.QueueOffset, s.Status, s.ID)
		}
	}}
}

func messagesByKey(f *verbFlags) action {
	topic := f.topic("topic", "t", "name of the topic")
	key := f.StringP("msgKey", "k", "", "the key")
	begin := f.moment("beginTimestamp", "b", "stored then or later")
	end := f.moment("endTimestamp", "e", "stored before")
	most := f.IntP("maxNum", "m", 64, "at most so many of each broker")
	via := f.via()
	kind := f.StringP("keyType", "p", admin.ByKey, "K: a key, T: a tag (few brokers index them)")
	last := f.StringP("lastKey", "l", "", "go on behind this one, for brokers that know how")
	f.need("topic", "msgKey")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		if *kind != admin.ByKey && *kind != admin.ByTag {
			return result{}, usage(fmt.Errorf("-p %s: K or T is expected", *kind))
		}
		list, err := c.FindMessages(ctx, admin.MessageQuery{
			Where: admin.Where{Topic: *topic, Cluster: *via}, Key: *key, Kind: *kind, Begin: *begin, End: *end, Max: *most, LastKey: *last,
		})
		if len(list) == 0 {
			return result{}, err
		}
		return result{value: map[string]any{"messages": list}, table: func(t *table) {
			t.row("MESSAGE ID", "QUEUE", "OFFSET", "STORED", "TAGS", "KEYS")
			for _, m := range list {
				t.row(m.ID, m.QueueID, m.QueueOffset, instant(m.StoreTimestamp), dash(m.Tags()), dash(m.Keys()))
			}
		}}, err
	}
}

func messageByUniqueKey(f *verbFlags) action {
	id := f.StringP("msgId", "i", "", "the id")
	group := f.group("consumerGroup", "with -d: group of a consumer to consume it")
	client := f.StringP("clientId", "d", "", "with -g: id of that consumer")
	topic := f.topic("topic", "t", "name of the topic")
	all := f.BoolP("showAll", "a", false, "all messages with that id, such as those of retries; at most 32 of each broker")
	via := f.via()
	begin := f.moment("startTime", "s", "stored then or later (default: the last three days)")
	end := f.moment("endTime", "e", "stored before")
	f.need("topic", "msgId")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		if (*group == "") != (*client == "") {
			return result{}, usage(errors.New("a consumer is chosen by -g and -d together"))
		}
		list, err := c.FindUnique(ctx, admin.Where{Topic: *topic, Cluster: *via}, *id, *begin, *end)
		if len(list) == 0 {
			return result{}, err
		}
		if !*all {
			list = list[:1]
		}
		if *group != "" {
			return consumeDirectly(ctx, c, list, *group, *client, err)
		}
		return messages(list), err
	}
}
