package admin

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// Topics are the names of all topics, sorted, system topics included.
func (c *Client) Topics(ctx context.Context) ([]string, error) {
	var list struct {
		Topics []string `json:"topicList"`
	}
	err := c.fetchName(ctx, &remoting.Request{Code: remoting.CodeGetAllTopicListFromNameServer}, &list)
	slices.Sort(list.Topics)
	return list.Topics, err
}

// TopicUse is a topic with the clusters that have it and the groups that consume it, both sorted.
type TopicUse struct {
	Topic    string   `json:"topic"`
	Clusters []string `json:"clusters"`
	Groups   []string `json:"groups"`
}

// TopicUses are all topics but those for retries and dead letters.
func (c *Client) TopicUses(ctx context.Context) ([]TopicUse, error) {
	names, err := c.Topics(ctx)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return strings.HasPrefix(name, meta.RetryPrefix) || strings.HasPrefix(name, meta.DLQPrefix)
	})
	uses := make([]TopicUse, len(names))
	err = each(names, func(i int, topic string) (err error) {
		uses[i], err = c.topicUse(ctx, topic)
		return err
	})
	return uses, err
}

func (c *Client) topicUse(ctx context.Context, topic string) (TopicUse, error) {
	use := TopicUse{Topic: topic, Clusters: []string{}, Groups: []string{}}
	route, err := c.Route(ctx, topic)
	if errors.Is(err, ErrNotFound) {
		return use, nil // it has gone since, or is the name of a cluster that lets nobody use it as a topic
	} else if err != nil {
		return use, err
	}
	use.Clusters = route.clusters()
	use.Groups, err = c.topicGroups(ctx, topic, route.Brokers)
	return use, err
}

// clusters are the names of the clusters of a route's brokers, sorted.
func (r *Route) clusters() []string {
	names := map[string]bool{}
	for _, s := range r.Brokers {
		names[s.Cluster] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// topicGroups are the groups that consume a topic, sorted.
func (c *Client) topicGroups(ctx context.Context, topic string, sets []BrokerSet) ([]string, error) {
	r := remoting.Request{Code: remoting.CodeQueryTopicConsumeByWho}
	r.Fields.Add("topic", topic)
	lists := make([]struct {
		Groups []string `json:"groupList"`
	}, len(sets))
	err := eachReader(sets, func(i int, addr string) error { return c.fetch(ctx, addr, &r, &lists[i]) })
	groups := []string{}
	for _, l := range lists {
		groups = append(groups, l.Groups...)
	}
	slices.Sort(groups)
	return slices.Compact(groups), err
}

// TopicClusters are the names of the clusters that have a topic, sorted.
func (c *Client) TopicClusters(ctx context.Context, topic string) ([]string, error) {
	route, err := c.Route(ctx, topic)
	if err != nil {
		return nil, err
	}
	return route.clusters(), nil
}

// TopicStatus is how much each queue of a topic holds.
type TopicStatus struct {
	Topic  string        `json:"topic"`
	PutTPS float64       `json:"topicPutTps"` // messages per second that come in; 0 also from brokers that don't say
	Queues []QueueBounds `json:"queues"`
}

// QueueBounds are the messages of a queue: those with offsets of Min to Max−1.
type QueueBounds struct {
	Broker      string `json:"brokerName"`
	ID          int32  `json:"queueId"`
	Min         int64  `json:"minOffset"`
	Max         int64  `json:"maxOffset"`
	LastUpdated int64  `json:"lastUpdateTimestamp"` // ms when the last message was stored; 0 where there is none
}

// topicStats is what a broker answers.
type topicStats struct {
	PutTPS  float64                  `json:"topicPutTps"`
	Offsets map[queueKey]QueueBounds `json:"offsetTable"`
}

// TopicStatus asks all brokers that have a topic.
func (c *Client) TopicStatus(ctx context.Context, w Where) (*TopicStatus, error) {
	sets, err := c.sets(ctx, w)
	if err != nil {
		return nil, err
	}
	r := remoting.Request{Code: remoting.CodeGetTopicStatsInfo}
	r.Fields.Add("topic", w.Topic)
	stats := make([]topicStats, len(sets))
	err = eachReader(sets, func(i int, addr string) error { return c.fetch(ctx, addr, &r, &stats[i]) })
	if err != nil && len(sets) == 1 {
		return nil, err
	}
	status := &TopicStatus{Topic: w.Topic, Queues: []QueueBounds{}}
	for _, s := range stats {
		status.PutTPS += s.PutTPS
		for _, key := range slices.SortedFunc(maps.Keys(s.Offsets), func(a, b queueKey) int { return compareQueues(a.Of, b.Of) }) {
			b := s.Offsets[key]
			b.Broker, b.ID = key.Of.Broker, key.Of.ID
			status.Queues = append(status.Queues, b)
		}
	}
	return status, err
}
