package handler

import (
	"errors"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
	"github.com/gantry-mq/gantry/broker/topics"
)

// createTopics creates topics or changes them, all or none as far as their configurations decide that.
func (c *call) createTopics() error {
	var body struct {
		Topics []meta.TopicConfig `json:"topicConfigList"`
	}
	if err := fastjson.Unmarshal(c.cmd.Body, &body); err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	changes := make([]topics.Change, len(body.Topics))
	for i, t := range body.Topics {
		if err := c.mayAlter(t.Name); err != nil {
			return err
		}
		changes[i] = topics.Change{Topic: t, Attributes: t.Attributes}
	}
	if err := c.h.Life.Put(changes...); err != nil {
		return illegal(err)
	}
	c.h.Logger.Info("handler: topics put", "count", len(changes), "remote", c.c.RemoteAddr())
	return c.ok()
}

// mayAlter tells whether users may create, change or delete a topic of that name.
func (c *call) mayAlter(name string) error {
	if strings.TrimSpace(name) == "" {
		return refusal(remoting.RespInvalidParameter, "The specified topic is blank.")
	}
	if c.h.Config.Load().ProtectSystemTopic && c.h.Topics.IsSystem(name) {
		return refusal(remoting.RespInvalidParameter, "The topic[%s] is conflict with system topic.", name)
	}
	return nil
}

// illegal gives the error of a configuration its response code.
func illegal(err error) error {
	if r := (*topics.Refused)(nil); errors.As(err, &r) {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	return err
}

// topicConfig answers with the configuration of a topic. Clients expect the mapping of static topics beside it, which may be absent.
func (c *call) topicConfig() error {
	t, err := c.topicOf()
	if err != nil {
		return refusal(remoting.RespTopicNotExist, "No topic in this broker. topic: %s", c.cmd.Fields.Str("topic"))
	}
	return c.json(t)
}

// topicOffset is TopicOffset.
type topicOffset struct {
	Min     int64 `json:"minOffset"`
	Max     int64 `json:"maxOffset"`
	Updated int64 `json:"lastUpdateTimestamp"` // ms, 0 if there was never a message
}

// topicStats answers with the bounds of a topic's queues and the rate at which it gets messages.
func (c *call) topicStats() error {
	t, err := c.topicOf()
	if err != nil {
		return err
	}
	table := byQueue[topicOffset]{}
	for id := range max(t.ReadQueues, t.WriteQueues) {
		q, lowest, next, err := c.h.bounds(t.Name, id)
		if err != nil {
			return err
		}
		o := topicOffset{Min: lowest, Max: next}
		if next > 0 {
			if o.Updated, err = c.h.storeTime(q, next-1); err != nil {
				return err
			}
		}
		table[c.h.queueKey(t.Name, id)] = o
	}
	return c.body(struct {
		PutTPS  float64              `json:"topicPutTps"`
		Offsets byQueue[topicOffset] `json:"offsetTable"`
	}{c.h.stats.PutPerSecond(t.Name), table})
}

// topicList is TopicList.
type topicList struct {
	Topics []string `json:"topicList"`
	Broker string   `json:"brokerAddr,omitempty"`
}

// systemTopics answers with the topics that users may not touch.
func (c *call) systemTopics() error {
	list := topicList{Topics: []string{}}
	all, _ := c.h.Topics.All()
	for _, t := range all {
		if c.h.Topics.IsSystem(t.Name) {
			list.Topics = append(list.Topics, t.Name)
		}
	}
	return c.json(list)
}

// topicsOfGroup answers with the topics that a group has committed offsets of.
func (c *call) topicsOfGroup() error {
	names := append([]string{}, c.h.Offsets.Topics(c.cmd.Fields.Str("group"))...)
	slices.Sort(names)
	return c.json(topicList{names, c.h.addr()})
}

// groupsOfTopic answers with the groups that consume a topic, or did.
func (c *call) groupsOfTopic() error {
	topic := c.cmd.Fields.Str("topic")
	// Tools take no null for a list.
	names := append(append([]string{}, c.h.Clients.Subscribers(topic)...), c.h.Offsets.Groups(topic)...)
	slices.Sort(names)
	return c.json(struct {
		Groups []string `json:"groupList"`
	}{slices.Compact(names)})
}
