package admin

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// Route says where a topic is.
type Route struct {
	OrderConf string        `json:"orderTopicConf,omitempty"` // of an ordered topic: broker:queues;broker:queues
	Queues    []RouteQueues `json:"queueDatas"`               // sorted by broker name
	Brokers   []BrokerSet   `json:"brokerDatas"`              // sorted by broker name
}

// RouteQueues are a topic's queues in one broker.
type RouteQueues struct {
	Broker      string `json:"brokerName"`
	ReadQueues  int32  `json:"readQueueNums"`
	WriteQueues int32  `json:"writeQueueNums"`
	Perm        int32  `json:"perm"` // a sum of 4 (read), 2 (write) and 1 (inherit)
	SysFlag     int32  `json:"topicSysFlag"`
}

func (r *Route) set(broker string) (s BrokerSet, ok bool) {
	for _, s := range r.Brokers {
		if s.Name == broker {
			return s, true
		}
	}
	return s, false
}

// Route asks where a topic is.
func (c *Client) Route(ctx context.Context, topic string) (*Route, error) {
	r := remoting.Request{Code: remoting.CodeGetRouteInfoByTopic}
	r.Fields.Add("topic", topic)
	r.Fields.AddBool("acceptStandardJsonOnly", true)
	var route Route
	if err := c.fetchName(ctx, &r, &route); err != nil {
		if refusedWith(err, remoting.RespTopicNotExist) {
			return nil, notFound("no broker has the topic %q", topic)
		}
		return nil, err
	}
	slices.SortFunc(route.Queues, func(a, b RouteQueues) int { return cmp.Compare(a.Broker, b.Broker) })
	slices.SortFunc(route.Brokers, func(a, b BrokerSet) int { return cmp.Compare(a.Name, b.Name) })
	return &route, nil
}

// Where says where to look for a topic.
type Where struct {
	Topic string
	// Cluster leaves out other clusters' brokers. A lightweight queue has no route of its own: for one, this is the name of the topic or cluster whose route it shares.
	Cluster string
}

// hasNoRoute tells whether a topic is one that brokers don't register.
func hasNoRoute(topic string) bool {
	return strings.HasPrefix(topic, meta.LMQPrefix) || topic == meta.TimerTopic
}

// sets are the brokers that have the topic.
func (c *Client) sets(ctx context.Context, w Where) ([]BrokerSet, error) {
	shared := w.Cluster != "" && hasNoRoute(w.Topic)
	topic := w.Topic
	if shared {
		topic = w.Cluster
	}
	route, err := c.Route(ctx, topic)
	if err != nil {
		return nil, err
	}
	if w.Cluster == "" || shared {
		return route.Brokers, nil
	}
	sets := slices.DeleteFunc(route.Brokers, func(s BrokerSet) bool { return s.Cluster != w.Cluster })
	if len(sets) == 0 {
		return nil, notFound("no broker of cluster %q has the topic %q", w.Cluster, w.Topic)
	}
	return sets, nil
}

// eachReader calls f at once for one member of every set that has any.
func eachReader(sets []BrokerSet, f func(i int, addr string) error) error {
	return each(sets, func(i int, s BrokerSet) error {
		if addr := s.reader(); addr != "" {
			return f(i, addr)
		}
		return notFound("broker %s has no address", s.Name)
	})
}
