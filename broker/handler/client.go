package handler

import (
	"encoding/json"
	"fmt"

	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// heartbeatBody is HeartbeatData.
type heartbeatBody struct {
	ClientID    string `json:"clientID"`
	Fingerprint int32  `json:"heartbeatFingerprint"`
	WithoutSub  bool   `json:"withoutSub"`
	Producers   []struct {
		Group string `json:"groupName"`
	} `json:"producerDataSet"`
	Consumers []struct {
		Group         string             `json:"groupName"`
		Type          string             `json:"consumeType"`
		Model         string             `json:"messageModel"`
		FromWhere     string             `json:"consumeFromWhere"`
		Unit          bool               `json:"unitMode"`
		Subscriptions []subscriptionBody `json:"subscriptionDataSet"`
	} `json:"consumerDataSet"`
}

// subscriptionBody is SubscriptionData. What clients made of the expression is left aside.
type subscriptionBody struct {
	Topic      string `json:"topic"`
	Expression string `json:"subString"`
	Type       string `json:"expressionType"`
	Version    int64  `json:"subVersion"`
}

func (c *call) heartbeat() error {
	var body heartbeatBody
	if err := fastjson.Unmarshal(c.cmd.Body, &body); err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	hb := consume.Heartbeat{
		Client:      consume.Client{ID: body.ClientID, Language: c.cmd.Language.String(), Version: c.cmd.Version},
		Fingerprint: body.Fingerprint, Brief: body.WithoutSub,
	}
	for _, p := range body.Producers {
		hb.Producers = append(hb.Producers, p.Group)
	}
	for _, d := range body.Consumers {
		r := consume.Consumer{Group: d.Group, Type: d.Type, Model: d.Model, FromWhere: d.FromWhere}
		ordered := false
		for _, s := range d.Subscriptions {
			r.Subscriptions = append(r.Subscriptions, consume.Subscription{Topic: s.Topic, Expression: s.Expression, Type: s.Type, Version: s.Version})
			t := c.h.Topics.Get(s.Topic)
			ordered = ordered || t != nil && t.Order
		}
		if known, err := c.prepareGroup(d.Group, d.Unit, ordered); err != nil {
			return err
		} else if !known {
			continue
		}
		hb.Consumers = append(hb.Consumers, r)
		c.h.Locks.Return(d.Group, body.ClientID)
	}
	complete := c.h.Clients.Heartbeat(c.h.session(c.c), &hb, c.h.notify)
	w := c.c.Reply(c.t, remoting.RespSuccess, "")
	w.Bool("IS_SUPPORT_HEART_BEAT_V2", true)
	w.Bool("IS_SUB_CHANGE", !complete)
	w.End()
	return nil
}

// prepareGroup makes sure of a consumer's group and of the topic that its retries go to, which its clients subscribe to. It returns
// false for a group that isn't there and may not be made. unit and ordered are what a retry topic that is made has of its consumer.
func (c *call) prepareGroup(name string, unit, ordered bool) (bool, error) {
	g, err := c.h.group([]byte(name))
	if err != nil || g == nil {
		return false, err
	}
	if g.RetryQueues > 0 {
		retry := meta.NewTopic(meta.RetryPrefix+name, g.RetryQueues)
		if retry.Order = ordered; unit {
			retry.SysFlag = meta.SysFlagUnitSubscription
		}
		_, err = c.h.Life.Ensure(retry)
	}
	return err == nil, err
}

// checkClient tells a client before it starts whether the broker can do what it is going to ask for.
func (c *call) checkClient() error {
	var body struct {
		Subscription *subscriptionBody `json:"subscriptionData"`
	}
	if err := fastjson.Unmarshal(c.cmd.Body, &body); err != nil {
		return fmt.Errorf("check client: %w", err)
	}
	if s := body.Subscription; s != nil && !isTag(s.Type) {
		return unknownFilter(s.Type)
	}
	return c.ok()
}

func (c *call) unregister() error {
	f := c.cmd.Fields
	group := f.Str("consumerGroup")
	if group != "" {
		c.h.Locks.Leave(group, f.Str("clientID")) // before the others hear of it, and ask for what it held
	}
	c.h.Clients.Unregister(c.h.session(c.c), f.Str("producerGroup"), group, c.h.notify)
	return c.ok()
}

func (c *call) consumerList() error {
	group := c.cmd.Fields.Str("consumerGroup")
	ids := c.h.Clients.ConsumerIDs(group)
	if len(ids) == 0 {
		return refusal(remoting.RespSystemError, "no consumer for this group, %s", group)
	}
	return c.json(struct {
		IDs []string `json:"consumerIdList"`
	}{ids})
}

// json answers with a body.
func (c *call) json(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.bytes(b)
}

// queueName is MessageQueue: a consume.QueueName with its JSON names.
type queueName struct {
	Topic  string `json:"topic"`
	Broker string `json:"brokerName"`
	ID     int32  `json:"queueId"`
}

// lockBody is LockBatchRequestBody and UnlockBatchRequestBody.
type lockBody struct {
	Group  string      `json:"consumerGroup"`
	Client string      `json:"clientId"`
	Queues []queueName `json:"mqSet"`
}

func (c *call) lockBody() (b lockBody, queues []consume.QueueName, err error) {
	if err := fastjson.Unmarshal(c.cmd.Body, &b); err != nil {
		return b, nil, fmt.Errorf("lock: %w", err)
	}
	for _, q := range b.Queues {
		queues = append(queues, consume.QueueName(q))
	}
	return b, queues, nil
}

func (c *call) lockQueues() error {
	b, queues, err := c.lockBody()
	if err != nil {
		return err
	}
	got := []queueName{}
	for _, q := range c.h.Locks.Lock(b.Group, b.Client, queues) {
		got = append(got, queueName(q))
	}
	return c.json(struct {
		Locked []queueName `json:"lockOKMQSet"`
	}{got})
}

func (c *call) unlockQueues() error {
	b, queues, err := c.lockBody()
	if err != nil {
		return err
	}
	c.h.Locks.Unlock(b.Group, b.Client, queues)
	return c.ok()
}

// ExpireClients drops the clients that have been silent for too long, and their locks.
func (h *Handler) ExpireClients() {
	h.Locks.Expire()
	if n := h.Clients.Expire(h.notify); n > 0 {
		h.Logger.Info("handler: clients expired", "count", n)
	}
}
