package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gantry-mq/gantry/broker/admin"
	"github.com/gantry-mq/gantry/broker/meta"
)

func groupVerbs() []verb {
	return []verb{
		{
			mqadmin: "updateSubGroup", friendly: "group create", args: []string{"groupName"},
			short: "Create a consumer group, or change it",
			long:  "What isn't given is set to its default, also for a group that is there already; attributes keep their values.",
			examples: []string{
				"group create billing",
				"group create billing -r 3 -o true -c DefaultCluster",
				`updateSubGroup -b 127.0.0.1:10911 -g billing -p '{"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000,5000,10000]}}'`,
			},
			define: groupCreate,
		},
		{
			mqadmin: "deleteSubGroup", friendly: "group delete", args: []string{"groupName"},
			short:    "Delete a consumer group",
			long:     "In a cluster, its topics for retries and dead letters go as well. It is no error if there is no such group.",
			examples: []string{"group delete billing -r true", "deleteSubGroup -c DefaultCluster -g billing"},
			define: func(f *verbFlags) action {
				group := f.group("groupName", "name of the group")
				target := f.target()
				offsets := f.choice("removeOffset", "r", false, "also forget how far the group is")
				f.need("groupName")
				return func(ctx context.Context, c *admin.Client) (result, error) {
					where, err := target()
					if err != nil {
						return result{}, err
					}
					done, err := c.DeleteGroup(ctx, where, *group, *offsets)
					return changed("deleted", "group "+*group, done), err
				}
			},
		},
	}
}

func groupCreate(f *verbFlags) action {
	group := f.group("groupName", "name of the group")
	target := f.target()
	g := meta.NewGroup("")
	enable := f.choice("consumeEnable", "s", true, "may consume")
	fromMin := f.choice("consumeFromMinEnable", "m", false, "may start at the oldest message")
	broadcast := f.choice("consumeBroadcastEnable", "d", false, "may broadcast: each consumer gets every message")
	orderly := f.choice("consumeMessageOrderly", "o", false, "consumes in order")
	f.Int32VarP(&g.RetryQueues, "retryQueueNums", "q", g.RetryQueues, "queues of the topic for retries")
	f.Int32VarP(&g.RetryMaxTimes, "retryMaxTimes", "r", g.RetryMaxTimes, "retries before a message is a dead letter")
	policy := f.StringP("groupRetryPolicy", "p", "", "waits between retries, in JSON: see the examples")
	f.Int64VarP(&g.BrokerID, "brokerId", "i", g.BrokerID, "id of the broker to consume from; 0 is the master")
	f.Int64VarP(&g.SlowBrokerID, "whichBrokerWhenConsumeSlowly", "w", g.SlowBrokerID, "the same for consumers that are far behind")
	notify := f.choice("notifyConsumerIdsChanged", "a", true, "tell consumers when others come and go")
	attributes := f.String("attributes", "", "changes of attributes: +name=value sets, -name removes; separated by commas")
	f.need("groupName")
	return func(ctx context.Context, c *admin.Client) (result, error) {
		where, err := target()
		if err != nil {
			return result{}, err
		}
		g.Name, g.ConsumeEnable, g.ConsumeFromMin, g.ConsumeBroadcast, g.ConsumeOrderly, g.NotifyIDsChanged = *group, *enable, *fromMin, *broadcast, *orderly, *notify
		if *policy != "" {
			if err := json.Unmarshal([]byte(*policy), &g.Retry); err != nil {
				return result{}, usage(fmt.Errorf("-p: %w", err))
			}
			if g.Retry.Type != meta.RetryCustomized && g.Retry.Type != meta.RetryExponential {
				return result{}, usage(fmt.Errorf("-p: the type %q is neither %s nor %s", g.Retry.Type, meta.RetryCustomized, meta.RetryExponential))
			}
		}
		if *attributes != "" {
			if g.Attributes, err = admin.ParseAttributes(*attributes); err != nil {
				return result{}, err
			}
		}
		done, err := c.PutGroup(ctx, where, g)
		return changed("created", "group "+g.Name, done), err
	}
}
