package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/gantry-mq/gantry/broker/admin"
)

func brokerVerbs() []verb {
	return []verb{
		{
			mqadmin: "brokerStatus", friendly: "broker status", args: []string{"brokerAddr"},
			short:    "Show what a broker does: rates, totals, queues, disk",
			examples: []string{"broker status 127.0.0.1:10911", "brokerStatus -c DefaultCluster --output json"},
			define:   brokerTables(true, (*admin.Client).BrokerStatus),
		},
		{
			mqadmin: "getBrokerConfig", friendly: "broker config get", args: []string{"brokerAddr"},
			short:    "Show the configuration of a running broker",
			examples: []string{"broker config get broker-a", "getBrokerConfig -b 127.0.0.1:10911"},
			define:   brokerTables(true, (*admin.Client).BrokerConfig),
		},
		{
			mqadmin: "updateBrokerConfig", friendly: "broker config set", args: []string{"key", "value"},
			short:    "Change a key of the configuration of a running broker",
			long:     "Brokers refuse keys that need a restart.",
			examples: []string{"broker config set autoCreateTopicEnable false", "updateBrokerConfig -b 127.0.0.1:10911 -k autoCreateTopicEnable -v false"},
			define:   brokerConfigSet,
		},
	}
}

// brokerTables is a verb that shows names and values of each broker of a target.
func brokerTables(replicas bool, ask func(*admin.Client, context.Context, admin.Target) ([]admin.BrokerTable, error)) func(*verbFlags) action {
	return func(f *verbFlags) action {
		target := f.target()
		return func(ctx context.Context, c *admin.Client) (result, error) {
			where, err := target()
			if err != nil {
				return result{}, err
			}
			where.Replicas = replicas
			list, err := ask(c, ctx, where)
			if len(list) == 0 {
				return result{}, err
			}
			return result{value: map[string]any{"brokers": list}, table: func(t *table) {
				for _, b := range list {
					if len(list) > 1 {
						t.text("%s (%s)", dash(b.Name), b.Addr)
					}
					for _, name := range slices.Sorted(maps.Keys(b.Values)) {
						t.row(name, b.Values[name])
					}
				}
			}}, err
		}
	}
}

func brokerConfigSet(f *verbFlags) action {
	target := f.target()
	key := f.StringP("key", "k", "", "name of the key")
	value := f.StringP("value", "v", "", "its new value")
	all := f.choice("updateAllBroker", "a", false, "also replicas, with -c")
	f.need("key")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		where, err := target()
		if err == nil && !f.Changed("value") {
			err = usage(errors.New(`value is missing: give it with -v, also if it is empty (-v "")`))
		}
		if err != nil {
			return result{}, err
		}
		where.Replicas = *all
		done, err := c.SetBrokerConfig(ctx, where, *key, *value)
		return changed("set", *key+"="+*value, done), err
	}
}
