package admin

import (
	"context"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// PutGroup creates a consumer group in the brokers of a target, or changes it there, and returns the brokers that have done so. The
// attributes of the group are changes, as in PutTopic.
func (c *Client) PutGroup(ctx context.Context, t Target, g meta.GroupConfig) ([]Broker, error) {
	if err := g.Check(); err != nil {
		return nil, badInput("%w", err)
	}
	if g.Attributes == nil {
		g.Attributes = map[string]string{} // brokers don't expect null there
	}
	body, err := fastjson.Marshal(&g, fastjson.QuotedIntegers)
	if err != nil {
		return nil, err
	}
	brokers, err := c.Brokers(ctx, t)
	if err != nil {
		return nil, err
	}
	return c.tell(ctx, brokers, &remoting.Request{Code: remoting.CodeUpdateAndCreateSubscriptionGroup, Body: body})
}

// DeleteGroup deletes a consumer group from the brokers of a target, and with them its committed offsets if offsets is set, and returns the brokers
// that have done so. If the target is a cluster, the group's topics for retries and dead letters go, too. It is no error if there is no such group.
func (c *Client) DeleteGroup(ctx context.Context, t Target, group string, offsets bool) ([]Broker, error) {
	brokers, err := c.Brokers(ctx, t)
	if err != nil {
		return nil, err
	}
	r := remoting.Request{Code: remoting.CodeDeleteSubscriptionGroup}
	r.Fields.Add("groupName", group)
	r.Fields.AddBool("cleanOffset", offsets)
	done, err := c.tell(ctx, brokers, &r)
	if err != nil || t.Broker != "" {
		return done, err
	}
	for _, prefix := range []string{meta.RetryPrefix, meta.DLQPrefix} {
		if _, err := c.DeleteTopic(ctx, brokers[0].Cluster, prefix+group); err != nil {
			return done, err
		}
	}
	return done, nil
}
