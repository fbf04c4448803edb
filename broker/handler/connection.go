package handler

import (
	"strings"

	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// connection is Connection.
type connection struct {
	ID       string `json:"clientId"`
	Addr     string `json:"clientAddr"`
	Language string `json:"language"`
	Version  int32  `json:"version"`
}

func connections(members []consume.Attendee[*session]) []connection {
	all := make([]connection, 0, len(members))
	for _, m := range members {
		all = append(all, connection{m.ID, m.Conn.conn.RemoteAddr().String(), m.Language, m.Version})
	}
	return all
}

// subscriptionData is SubscriptionData.
type subscriptionData struct {
	Topic      string   `json:"topic"`
	Expression string   `json:"subString"`
	Type       string   `json:"expressionType"`
	Tags       []string `json:"tagsSet"`
	Codes      []int32  `json:"codeSet"`
	Version    int64    `json:"subVersion"`
	Class      bool     `json:"classFilterMode"`
}

func subscriptionOf(s consume.Subscription) subscriptionData {
	d := subscriptionData{Topic: s.Topic, Expression: s.Expression, Type: s.Type, Version: s.Version, Tags: []string{}, Codes: []int32{}}
	if d.Type == "" {
		d.Type = "TAG"
	}
	if d.Type != "TAG" || s.Expression == "*" {
		return d
	}
	for tag := range strings.SplitSeq(s.Expression, "||") {
		if tag = strings.TrimSpace(tag); tag != "" {
			d.Tags = append(d.Tags, tag)
			d.Codes = append(d.Codes, record.JavaHash(tag))
		}
	}
	return d
}

// consumerConnections answers with the members of a consumer group and what they subscribe to.
func (c *call) consumerConnections() error {
	name := c.cmd.Fields.Str("consumerGroup")
	g, online := c.h.Clients.Group(name)
	if !online {
		return refusal(remoting.RespConsumerNotOnline, "the consumer group[%s] not online", name)
	}
	subscriptions := make(map[string]subscriptionData, len(g.Subscriptions))
	for _, s := range g.Subscriptions {
		subscriptions[s.Topic] = subscriptionOf(s)
	}
	return c.json(struct {
		Connections   []connection                `json:"connectionSet"`
		Subscriptions map[string]subscriptionData `json:"subscriptionTable"`
		Type          string                      `json:"consumeType,omitempty"`
		Model         string                      `json:"messageModel,omitempty"`
		FromWhere     string                      `json:"consumeFromWhere,omitempty"`
	}{connections(g.Members), subscriptions, g.Type, g.Model, g.FromWhere})
}

// producerConnections answers with the members of a producer group.
func (c *call) producerConnections() error {
	name := c.cmd.Fields.Str("producerGroup")
	members := c.h.Clients.Producers()[name]
	if len(members) == 0 {
		return refusal(remoting.RespSystemError, "the producer group[%s] not exist", name)
	}
	return c.json(struct {
		Connections []connection `json:"connectionSet"`
	}{connections(members)})
}

// allProducers answers with the members of all producer groups.
func (c *call) allProducers() error {
	type producer struct {
		ID       string `json:"clientId"`
		IP       string `json:"remoteIP"`
		Language string `json:"language"`
		Version  int32  `json:"version"`
		Seen     int64  `json:"lastUpdateTimestamp"`
	}
	table := map[string][]producer{}
	for name, members := range c.h.Clients.Producers() {
		for _, m := range members {
			table[name] = append(table[name], producer{m.ID, m.Conn.conn.RemoteAddr().String(), m.Language, m.Version, m.Seen.UnixMilli()})
		}
	}
	return c.json(struct {
		Producers map[string][]producer `json:"data"`
	}{table})
}

// subscriptionOf answers with what a group's members subscribe to of a topic.
func (c *call) subscriptionOf() error {
	f := c.cmd.Fields
	answer := struct {
		Group        string            `json:"group"`
		Topic        string            `json:"topic"`
		Subscription *subscriptionData `json:"subscriptionData,omitempty"` // none if nobody is there
	}{Group: f.Str("group"), Topic: f.Str("topic")}
	if s, _, found := c.h.Clients.Subscription(answer.Group, answer.Topic); found {
		d := subscriptionOf(s)
		answer.Subscription = &d
	}
	return c.json(answer)
}
