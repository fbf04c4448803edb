package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/admin"
	"github.com/gantry-mq/gantry/broker/meta"
)

func topicVerbs() []verb {
	return []verb{
		{
			mqadmin: "updateTopic", friendly: "topic create", args: []string{"topic"},
			short: "Create a topic, or change it",
			long:  "What isn't given is set to its default, also for a topic that is there already; attributes keep their values.",
			examples: []string{
				"topic create orders",
				"topic create orders -r 16 -w 16 -a +message.type=FIFO -c DefaultCluster",
				"updateTopic -n 127.0.0.1:9876 -b 127.0.0.1:10911 -t orders -p 4",
			},
			define: topicCreate,
		},
		{
			mqadmin: "deleteTopic", friendly: "topic delete", args: []string{"topic"},
			short:    "Delete a topic from its brokers and the name servers",
			long:     "It is no error if there is no such topic.",
			examples: []string{"topic delete orders", "deleteTopic -c DefaultCluster -t orders"},
			define:   topicDelete,
		},
		{
			mqadmin: "topicList", friendly: "topic list",
			short:    "List all topics",
			examples: []string{"topic list", "topicList -c --output json"},
			define:   topicList,
		},
		{
			mqadmin: "topicRoute", friendly: "topic route", args: []string{"topic"},
			short:    "Show which brokers have a topic",
			examples: []string{"topic route orders", "topicRoute -t orders"},
			define:   topicRoute,
		},
		{
			mqadmin: "topicStatus", friendly: "topic status", args: []string{"topic"},
			short:    "Show the offsets of a topic's queues",
			examples: []string{"topic status orders", "topicStatus -t orders"},
			define:   topicStatus,
		},
		{
			mqadmin: "topicClusterList", friendly: "topic clusters", args: []string{"topic"},
			short:    "List the clusters that have a topic",
			examples: []string{"topic clusters orders", "topicClusterList -t orders"},
			define: func(f *verbFlags) action {
				topic := f.topic("topic", "t", "name of the topic")
				f.need("topic")
				return func(ctx context.Context, c *admin.Client) (result, error) {
					list, err := c.TopicClusters(ctx, *topic)
					if err != nil {
						return result{}, err
					}
					return names("clusters", list), nil
				}
			},
		},
	}
}

// Bits of a topic's sysFlag.
const (
	sysUnit    = 1
	sysUnitSub = 2
)

func topicCreate(f *verbFlags) action {
	topic := f.topic("topic", "t", "name of the topic")
	target := f.target()
	t := meta.NewTopic("", 8)
	f.Int32VarP(&t.ReadQueues, "readQueueNums", "r", t.ReadQueues, "queues that consumers read")
	f.Int32VarP(&t.WriteQueues, "writeQueueNums", "w", t.WriteQueues, "queues that producers write to")
	f.Int32VarP(&t.Perm, "perm", "p", t.Perm, "permission: 2 write, 4 read, 6 both")
	attributes := f.StringP("attributes", "a", "", "changes of attributes: +name=value sets, -name removes; separated by commas")
	order := f.choice("order", "o", false, "messages of one queue stay in order while brokers come and go")
	unit := f.choice("unit", "u", false, "the topic belongs to a unit")
	unitSub := f.choice("hasUnitSub", "s", false, "groups of a unit subscribe to it")
	f.need("topic")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		where, err := target()
		if err != nil {
			return result{}, err
		}
		t.Name, t.Order = *topic, *order
		if *unit {
			t.SysFlag |= sysUnit
		}
		if *unitSub {
			t.SysFlag |= sysUnitSub
		}
		if *attributes != "" {
			if t.Attributes, err = admin.ParseAttributes(*attributes); err != nil {
				return result{}, err
			}
		}
		done, err := c.PutTopic(ctx, where, t)
		return changed("created", "topic "+t.Name, done), err
	}
}

func topicDelete(f *verbFlags) action {
	topic := f.topic("topic", "t", "name of the topic")
	cluster := f.cluster("clusterName", "cluster to delete it from (default: the only one there is)")
	f.need("topic")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		done, err := c.DeleteTopic(ctx, *cluster, *topic)
		return changed("deleted", "topic "+*topic, done), err
	}
}

func topicList(f *verbFlags) action {
	uses := f.BoolP("clusterModel", "c", false, "also the clusters that have them and the groups that consume them; leaves out topics for retries and dead letters")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		if !*uses {
			list, err := c.Topics(ctx)
			if err != nil {
				return result{}, err
			}
			return names("topics", list), nil
		}
		list, err := c.TopicUses(ctx)
		if list == nil {
			return result{}, err
		}
		return result{value: map[string]any{"topics": list}, table: func(t *table) {
			t.row("TOPIC", "CLUSTERS", "GROUPS")
			for _, u := range list {
				t.row(u.Topic, dash(strings.Join(u.Clusters, ",")), dash(strings.Join(u.Groups, ",")))
			}
		}}, err
	}
}

func topicRoute(f *verbFlags) action {
	topic := f.topic("topic", "t", "name of the topic")
	f.BoolP("list", "l", false, "as a table, which is the default here (--output json is the other form)")
	f.need("topic")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		r, err := c.Route(ctx, *topic)
		if err != nil {
			return result{}, err
		}
		return result{value: r, table: func(t *table) { routeTable(t, r) }}, nil
	}
}

func routeTable(t *table, r *admin.Route) {
	t.row("CLUSTER", "BROKER", "ADDRESSES", "READ QUEUES", "WRITE QUEUES", "PERM")
	for _, q := range r.Queues {
		cluster, addrs := "-", "-"
		for _, s := range r.Brokers {
			if s.Name == q.Broker {
				cluster, addrs = s.Cluster, addresses(s.Addrs)
			}
		}
		t.row(cluster, q.Broker, addrs, q.ReadQueues, q.WriteQueues, permission(q.Perm))
	}
	if r.OrderConf != "" {
		t.text("ordered: %s", r.OrderConf)
	}
}

// addresses are those of a master and its replicas, by id.
func addresses(byID map[int64]string) string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		all = append(all, fmt.Sprintf("%d=%s", id, byID[id]))
	}
	return dash(strings.Join(all, ","))
}

// permission shows it as a number, which is what commands take, and in letters.
func permission(perm int32) string {
	letters := ""
	for _, p := range []struct {
		bit    int32
		letter string
	}{{meta.PermRead, "R"}, {meta.PermWrite, "W"}, {meta.PermInherit, "X"}} {
		if perm&p.bit != 0 {
			letters += p.letter
		}
	}
	return fmt.Sprintf("%d (%s)", perm, dash(letters))
}

func topicStatus(f *verbFlags) action {
	topic := f.topic("topic", "t", "name of the topic")
	via := f.via()
	f.need("topic")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		s, err := c.TopicStatus(ctx, admin.Where{Topic: *topic, Cluster: *via})
		if s == nil {
			return result{}, err
		}
		return result{value: s, table: func(t *table) {
			t.row("BROKER", "QUEUE", "MIN OFFSET", "MAX OFFSET", "LAST UPDATED")
			for _, q := range s.Queues {
				t.row(q.Broker, q.ID, q.Min, q.Max, instant(q.LastUpdated))
			}
			t.text("messages per second that come in: %.1f", s.PutTPS)
		}}, err
	}
}
