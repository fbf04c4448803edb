package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gantry-mq/gantry/broker/admin"
)

func consumerVerbs() []verb {
	return []verb{
		{
			mqadmin: "consumerProgress", friendly: "consumer progress", args: []string{"groupName"},
			short:    "Show how far consumer groups are, all or one queue by queue",
			examples: []string{"consumer progress", "consumer progress billing", "consumerProgress -g billing -t orders -s true"},
			define:   consumerProgress,
		},
		{
			mqadmin: "consumerConnection", friendly: "consumer connection", args: []string{"consumerGroup"},
			short:    "Show who consumes in a group, and what",
			examples: []string{"consumer connection billing", "consumerConnection -g billing -b 127.0.0.1:10911"},
			define:   consumerConnection,
		},
		{
			mqadmin: "resetOffsetByTime", friendly: "consumer reset", args: []string{"group"},
			short: "Have a group go on with the messages of another time, earlier or later",
			long:  "Consumers that are online are told; offline groups start there.",
			examples: []string{
				"consumer reset billing -t orders -s 2026-01-31#08:00:00:000",
				"consumer reset billing -t orders -s now",
				"resetOffsetByTime -g billing -t orders -b 127.0.0.1:10911 -q 3 -o 120 -s now",
			},
			define: consumerReset,
		},
		{
			mqadmin: "producerConnection", friendly: "producer connection", args: []string{"producerGroup"},
			short:    "Show which producers of a group are connected",
			examples: []string{"producer connection shop -t orders", "producerConnection -g shop -t orders"},
			define:   producerConnection,
		},
	}
}

func consumerProgress(f *verbFlags) action {
	group := f.group("groupName", "name of the group (default: all)")
	topic := f.topic("topicName", "t", "only this topic")
	clients := f.choice("showClientIP", "s", false, "also which consumer has which queue")
	via := f.via()
	return func(ctx context.Context, c *admin.Client) (result, error) {
		if *group == "" {
			list, err := c.AllProgress(ctx)
			if list == nil {
				return result{}, err
			}
			return result{value: map[string]any{"groups": list}, table: func(t *table) { allProgressTable(t, list) }}, err
		}
		p, err := c.Progress(ctx, admin.ProgressQuery{Group: *group, Topic: *topic, Cluster: *via, Clients: *clients})
		if p == nil {
			return result{}, err
		}
		return result{value: p, table: func(t *table) { progressTable(t, p, *clients) }}, err
	}
}

func allProgressTable(t *table, list []admin.GroupProgress) {
	t.row("GROUP", "CLIENTS", "OLDEST VERSION", "TYPE", "MODEL", "RATE/s", "BEHIND")
	for _, g := range list {
		t.row(g.Group, g.Clients, dash(g.Version), dash(g.Type), dash(g.Model), fmt.Sprintf("%.1f", g.TPS), g.Diff)
	}
}

func progressTable(t *table, p *admin.Progress, clients bool) {
	head := []any{"TOPIC", "BROKER", "QUEUE", "BROKER OFFSET", "CONSUMER OFFSET", "BEHIND", "IN FLIGHT", "LAST CONSUMED"}
	if clients {
		head = append(head, "CLIENT")
	}
	t.row(head...)
	for _, q := range p.Queues {
		cells := []any{q.Topic, q.Broker, q.ID, q.BrokerOffset, q.ConsumerOffset, q.Diff, q.Inflight, instant(q.LastTimestamp)}
		if clients {
			cells = append(cells, dash(q.ClientIP))
		}
		t.row(cells...)
	}
	t.text("messages per second: %.1f; behind: %d; in flight: %d", p.TPS, p.Diff, p.Inflight)
}

func consumerConnection(f *verbFlags) action {
	group := f.group("consumerGroup", "name of the group")
	addr := f.broker("brokerAddr", "ask this broker only; address or name")
	f.need("consumerGroup")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		at, err := oneAddr(ctx, c, *addr)
		if err != nil {
			return result{}, err
		}
		cc, err := c.ConsumerConnection(ctx, *group, at)
		if cc == nil {
			return result{}, err
		}
		return result{value: cc, table: func(t *table) {
			connectionTable(t, cc.Connections)
			t.text("")
			t.row("TOPIC", "TYPE", "EXPRESSION")
			for _, topic := range slices.Sorted(maps.Keys(cc.Subscriptions)) {
				s := cc.Subscriptions[topic]
				t.row(topic, dash(s.ExpressionType), s.Expression)
			}
			t.text("%s, %s, %s", cc.Type, cc.Model, cc.From)
		}}, err
	}
}

func connectionTable(t *table, list []admin.Connection) {
	t.row("CLIENT", "ADDRESS", "LANGUAGE", "VERSION")
	for _, conn := range list {
		t.row(conn.ClientID, conn.Addr, conn.Language, admin.VersionName(conn.Version))
	}
}

// oneAddr is the address of a broker that is given by address or name, "" if none is given.
func oneAddr(ctx context.Context, c *admin.Client, broker string) (string, error) {
	if broker == "" {
		return "", nil
	}
	list, err := c.Brokers(ctx, admin.Target{Broker: broker})
	if err != nil {
		return "", err
	}
	return list[0].Addr, nil
}

func producerConnection(f *verbFlags) action {
	group := f.StringP("producerGroup", "g", "", "name of the group")
	topic := f.topic("topic", "t", "name of a topic that they send to")
	f.need("producerGroup", "topic")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		pc, err := c.ProducerConnection(ctx, *group, *topic)
		if pc == nil {
			return result{}, err
		}
		return result{value: pc, table: func(t *table) { connectionTable(t, pc.Connections) }}, err
	}
}

func consumerReset(f *verbFlags) action {
	group := f.group("group", "name of the group")
	topic := f.topic("topic", "t", "name of the topic")
	at := f.moment("timestamp", "s", "go on with messages that were stored then or later; -1: behind the last one")
	force := f.choice("force", "f", true, "false: only if that is back, for offline groups")
	broker := f.broker("broker", "with -q: the broker of the queue; address or name")
	queue := f.Int32P("queue", "q", -1, "only the queue with this id")
	offset := f.Int64P("offset", "o", -1, "with -q: go on at this offset instead")
	via := f.via()
	f.need("group", "topic", "timestamp")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		if (*broker == "") != (*queue < 0) || *offset >= 0 && *queue < 0 {
			return result{}, usage(errors.New("one queue is chosen by -b and -q together, and only then -o can be given"))
		}
		addr, err := oneAddr(ctx, c, *broker)
		if err != nil {
			return result{}, err
		}
		list, err := c.ResetOffsets(ctx, admin.Reset{
			Group: *group, Topic: *topic, Cluster: *via, Time: *at, OnlyBack: !*force, Broker: addr, QueueID: *queue, Offset: *offset,
		})
		if list == nil {
			return result{}, err
		}
		return result{value: map[string]any{"group": *group, "offsets": list}, table: func(t *table) {
			t.row("TOPIC", "BROKER", "QUEUE", "OFFSET")
			for _, o := range list {
				t.row(o.Topic, dash(o.Broker), o.ID, o.Offset)
			}
		}}, err
	}
}
