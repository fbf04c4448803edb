package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// orderNamespace is where name servers keep the configuration of ordered topics.
const orderNamespace = "ORDER_TOPIC_CONFIG"

// PutTopic creates a topic in the brokers of a target, or changes it there, and returns the brokers that have done so. The attributes of
// the topic are changes: "+name" sets one and "-name" removes it. An ordered topic is made known to the name servers too.
func (c *Client) PutTopic(ctx context.Context, t Target, topic meta.TopicConfig) ([]Broker, error) {
	if err := topic.Check(); err != nil {
		return nil, badInput("%w", err)
	}
	brokers, err := c.Brokers(ctx, t)
	if err != nil {
		return nil, err
	}
	r := remoting.Request{Code: remoting.CodeUpdateAndCreateTopic}
	r.Fields.Add("topic", topic.Name)
	r.Fields.Add("defaultTopic", meta.DefaultTopic)
	r.Fields.AddInt("readQueueNums", int64(topic.ReadQueues))
	r.Fields.AddInt("writeQueueNums", int64(topic.WriteQueues))
	r.Fields.AddInt("perm", int64(topic.Perm))
	r.Fields.Add("topicFilterType", topic.FilterType)
	r.Fields.AddInt("topicSysFlag", int64(topic.SysFlag))
	r.Fields.AddBool("order", topic.Order)
	if len(topic.Attributes) > 0 {
		r.Fields.Add("attributes", FormatAttributes(topic.Attributes))
	}
	done, err := c.tell(ctx, brokers, &r)
	if err == nil && topic.Order {
		err = c.putOrder(ctx, t, topic, done)
	}
	return done, err
}

// tell sends a request to all brokers and returns those that have agreed.
func (c *Client) tell(ctx context.Context, brokers []Broker, r *remoting.Request) ([]Broker, error) {
	agreed := make([]bool, len(brokers))
	err := each(brokers, func(i int, b Broker) error {
		_, err := c.ask(ctx, b.Addr, r)
		agreed[i] = err == nil
		return err
	})
	var done []Broker
	for i, b := range brokers {
		if agreed[i] {
			done = append(done, b)
		}
	}
	return done, err
}

// putOrder tells the name servers how many queues an ordered topic has in each broker: what they have said so far of other brokers stays, unless a whole cluster was changed.
func (c *Client) putOrder(ctx context.Context, t Target, topic meta.TopicConfig, brokers []Broker) error {
	queues := map[string]string{}
	if t.Broker != "" {
		before, err := c.orderConf(ctx, topic.Name)
		if err != nil {
			return err
		}
		queues = before
	}
	for _, b := range brokers {
		name := b.Name
		if name == "" {
			info, err := c.clusterInfo(ctx)
			if err != nil {
				return err
			}
			if name = info.nameOf(b.Addr); name == "" {
				return notFound("the name server doesn't know the broker at %s, so it can't be told of the order of topic %s", b.Addr, topic.Name)
			}
		}
		queues[name] = fmt.Sprint(topic.WriteQueues)
	}
	items := make([]string, 0, len(queues))
	for _, name := range slices.Sorted(maps.Keys(queues)) {
		items = append(items, name+":"+queues[name])
	}
	r := remoting.Request{Code: remoting.CodePutKVConfig}
	r.Fields.Add("namespace", orderNamespace)
	r.Fields.Add("key", topic.Name)
	r.Fields.Add("value", strings.Join(items, ";"))
	return c.tellNames(ctx, &r)
}

// orderConf is the number of queues by broker that the name servers know of an ordered topic.
func (c *Client) orderConf(ctx context.Context, topic string) (map[string]string, error) {
	r := remoting.Request{Code: remoting.CodeGetKVConfig}
	r.Fields.Add("namespace", orderNamespace)
	r.Fields.Add("key", topic)
	_, answer, err := c.name(ctx, &r)
	if err != nil {
		return nil, err
	}
	queues := map[string]string{}
	if answer.Code == remoting.RespQueryNotFound {
		return queues, nil
	}
	if err := answer.Err(); err != nil {
		return nil, refusal(err)
	}
	for item := range strings.SplitSeq(answer.Fields.Str("value"), ";") {
		if name, n, ok := strings.Cut(item, ":"); ok {
			queues[name] = n
		}
	}
	return queues, nil
}

// DeleteTopic deletes a topic from the masters of a cluster and from the name servers, and returns the brokers that have done so. It is no error if there is no such topic.
func (c *Client) DeleteTopic(ctx context.Context, cluster, topic string) ([]Broker, error) {
	brokers, err := c.Brokers(ctx, Target{Cluster: cluster})
	if err != nil {
		return nil, err
	}
	r := remoting.Request{Code: remoting.CodeDeleteTopicInBroker}
	r.Fields.Add("topic", topic)
	done, err := c.tell(ctx, brokers, &r)
	if err != nil {
		return done, err // the name servers go on showing where the rest of it is
	}
	r = remoting.Request{Code: remoting.CodeDeleteTopicInNamesrv}
	r.Fields.Add("topic", topic)
	r.Fields.Add("clusterName", brokers[0].Cluster)
	return done, c.tellNames(ctx, &r)
}

// ParseAttributes reads changes of attributes, "+a=b,-c", into a map from the signed names to values.
func ParseAttributes(text string) (map[string]string, error) {
	changes := map[string]string{}
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		name, value, hasValue := strings.Cut(item, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case len(name) < 2 || name[0] != '+' && name[0] != '-':
			return nil, badInput(`attribute change %q: write "+name=value" to set an attribute and "-name" to remove it`, item)
		case name[0] == '+' && !hasValue:
			return nil, badInput(`attribute change %q has no value: write "%s=value"`, item, name)
		}
		if _, twice := changes[name]; twice {
			return nil, badInput("attribute change %q comes twice", name)
		}
		changes[name] = value
	}
	return changes, nil
}

// FormatAttributes writes what ParseAttributes reads, sorted.
func FormatAttributes(changes map[string]string) string {
	var items []string
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		if name[0] == '-' {
			items = append(items, name)
		} else {
			items = append(items, name+"="+changes[name])
		}
	}
	return strings.Join(items, ",")
}
