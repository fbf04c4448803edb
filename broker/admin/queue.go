package admin

import (
	"cmp"
	"context"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// Queue is one queue of a topic.
type Queue struct {
	Topic  string `json:"topic"`
	Broker string `json:"brokerName"`
	ID     int32  `json:"queueId"`
}

// queueKey is a queue as the key of the peer's tables.
type queueKey = fastjson.Key[Queue]

func compareQueues(a, b Queue) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.ID, b.ID))
}

// queueRequest is a request about one queue.
func queueRequest(code int32, q Queue) *remoting.Request {
	r := remoting.Request{Code: code}
	r.Fields.Add("topic", q.Topic)
	r.Fields.AddInt("queueId", int64(q.ID))
	return &r
}

// offset asks for one of a queue's offsets.
func (c *Client) offset(ctx context.Context, addr string, r *remoting.Request) (int64, error) {
	answer, err := c.ask(ctx, addr, r)
	if err != nil {
		return 0, err
	}
	return answer.Fields.Int64("offset", 0)
}

func (c *Client) minOffset(ctx context.Context, addr string, q Queue) (int64, error) {
	return c.offset(ctx, addr, queueRequest(remoting.CodeGetMinOffset, q))
}

func (c *Client) maxOffset(ctx context.Context, addr string, q Queue) (int64, error) {
	return c.offset(ctx, addr, queueRequest(remoting.CodeGetMaxOffset, q))
}

// offsetAt is the offset of the first message that was stored at a time, in ms, or later.
func (c *Client) offsetAt(ctx context.Context, addr string, q Queue, ms int64) (int64, error) {
	r := queueRequest(remoting.CodeSearchOffsetByTimestamp, q)
	r.Fields.AddInt("timestamp", ms)
	return c.offset(ctx, addr, r)
}
