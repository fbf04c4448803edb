package admin

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// Connection is one of a client's.
type Connection struct {
	ClientID string `json:"clientId"`
	Addr     string `json:"clientAddr"`
	Language string `json:"language"`
	Version  int32  `json:"version"` // see VersionName
}

// ConsumerConnection is who consumes in a group, and what.
type ConsumerConnection struct {
	Group         string                  `json:"group"`
	Connections   []Connection            `json:"connectionSet"`     // sorted by client
	Subscriptions map[string]Subscription `json:"subscriptionTable"` // by topic
	Type          string                  `json:"consumeType"`       // CONSUME_PASSIVELY: push, CONSUME_ACTIVELY: pull, CONSUME_POP
	Model         string                  `json:"messageModel"`      // CLUSTERING or BROADCASTING
	From          string                  `json:"consumeFromWhere"`
}

// Subscription is to a topic.
type Subscription struct {
	Topic          string `json:"topic"`
	Expression     string `json:"subString"`
	ExpressionType string `json:"expressionType"` // TAG or SQL92
}

// ConsumerConnection asks the broker at an address, or all brokers that know the group, who consumes in it. A client that has connections to several brokers is
// returned once. Nobody being online is ErrNotFound.
func (c *Client) ConsumerConnection(ctx context.Context, group, addr string) (*ConsumerConnection, error) {
	if addr != "" {
		return c.consumerConnection(ctx, addr, group)
	}
	sets, err := c.groupSets(ctx, ProgressQuery{Group: group})
	if err != nil {
		return nil, err
	}
	found := make([]*ConsumerConnection, len(sets))
	err = eachReader(sets, func(i int, addr string) (err error) {
		found[i], err = c.consumerConnection(ctx, addr, group)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	var all *ConsumerConnection
	for _, one := range found {
		switch {
		case one == nil:
		case all == nil:
			all = one
		default:
			all.Connections = append(all.Connections, one.Connections...)
			maps.Copy(all.Subscriptions, one.Subscriptions)
		}
	}
	if all == nil {
		return nil, errors.Join(err, notFound("no consumer of the group %q is online", group))
	}
	all.Connections = clients(all.Connections)
	return all, err
}

func (c *Client) consumerConnection(ctx context.Context, addr, group string) (*ConsumerConnection, error) {
	r := remoting.Request{Code: remoting.CodeGetConsumerConnectionList}
	r.Fields.Add("consumerGroup", group)
	conn := ConsumerConnection{Group: group}
	if err := c.fetch(ctx, addr, &r, &conn); err != nil {
		return nil, err
	}
	if len(conn.Connections) == 0 {
		return nil, notFound("no consumer of the group %q is online at %s", group, addr)
	}
	if conn.Subscriptions == nil {
		conn.Subscriptions = map[string]Subscription{}
	}
	conn.Connections = clients(conn.Connections)
	return &conn, nil
}

// clients sorts connections and leaves one for each client.
func clients(all []Connection) []Connection {
	slices.SortStableFunc(all, func(a, b Connection) int { return cmp.Compare(a.ClientID, b.ClientID) })
	return slices.CompactFunc(all, func(a, b Connection) bool { return a.ClientID == b.ClientID })
}

// oldest is the name of the oldest version.
func oldest(all []Connection) string {
	return VersionName(slices.MinFunc(all, func(a, b Connection) int { return cmp.Compare(a.Version, b.Version) }).Version)
}

// ProducerConnection is who sends in a group.
type ProducerConnection struct {
	Group       string       `json:"group"`
	Connections []Connection `json:"connectionSet"` // sorted by client
}

// ProducerConnection asks all brokers that have a topic which producers of a group are connected. Nobody being online is ErrNotFound.
func (c *Client) ProducerConnection(ctx context.Context, group, topic string) (*ProducerConnection, error) {
	sets, err := c.sets(ctx, Where{Topic: topic})
	if err != nil {
		return nil, err
	}
	r := remoting.Request{Code: remoting.CodeGetProducerConnectionList}
	r.Fields.Add("producerGroup", group)
	found := make([]ProducerConnection, len(sets))
	err = eachReader(sets, func(i int, addr string) error {
		answer, err := c.call(ctx, addr, &r)
		if err != nil {
			return err
		}
		if answer.Code == remoting.RespSystemError && strings.Contains(answer.Remark, "not exist") {
			return nil // Java has no code of its own for a group that it doesn't know
		}
		if err := refusal(answer.Err()); err != nil {
			return err
		}
		return decode(addr, &r, answer.Body, &found[i])
	})
	all := &ProducerConnection{Group: group, Connections: []Connection{}}
	for _, one := range found {
		all.Connections = append(all.Connections, one.Connections...)
	}
	all.Connections = clients(all.Connections)
	switch {
	case len(all.Connections) > 0:
		return all, err
	case err != nil:
		return nil, err
	}
	return nil, notFound("no producer of the group %q is connected to a broker of topic %q", group, topic)
}

// retryTopic is where a group's messages wait for another try; which brokers have it says which know the group.
func retryTopic(group string) string { return meta.RetryPrefix + group }
