package admin

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// Consumed says what a consumer made of a message that it was given outside of its queue.
type Consumed struct {
	Order  bool          `json:"order"`
	Result ConsumeResult `json:"consumeResult"`
	Remark string        `json:"remark,omitempty"`
	Millis int64         `json:"spentTimeMills"`
}

// ConsumeResult is a word of consumeResults. Java's clients answer with the word, others with its number.
type ConsumeResult string

var consumeResults = [...]ConsumeResult{"CR_SUCCESS", "CR_LATER", "CR_ROLLBACK", "CR_COMMIT", "CR_THROW_EXCEPTION", "CR_RETURN_NULL"}

// UnmarshalJSON is for encoding/json.
func (r *ConsumeResult) UnmarshalJSON(b []byte) error {
	if n, err := strconv.Atoi(string(b)); err == nil && 0 <= n && n < len(consumeResults) {
		*r = consumeResults[n]
		return nil
	}
	return json.Unmarshal(b, (*string)(r))
}

// ConsumeDirectly has a push consumer consume a message, whatever its offsets say. The broker that has the message reads and relays it.
func (c *Client) ConsumeDirectly(ctx context.Context, m *Message, group, clientID string) (*Consumed, error) {
	r := remoting.Request{Code: remoting.CodeConsumeMessageDirectly}
	r.Fields.Add("consumerGroup", group)
	r.Fields.Add("clientId", clientID)
	r.Fields.Add("msgId", m.OffsetID)
	r.Fields.Add("topic", m.Topic)
	var result Consumed
	if err := c.fetch(ctx, m.StoreHost, &r, &result); err != nil {
		return nil, err
	}
	return &result, nil
}

// Resend sends a copy of a message to its topic, as a new message.
func (c *Client) Resend(ctx context.Context, m *Message) (*Sent, error) {
	out := Outgoing{Topic: m.Topic, Body: m.body(), Tags: m.Tags(), Keys: m.Keys(), Properties: maps.Clone(m.Properties), QueueID: -1}
	for _, own := range ownProperties {
		delete(out.Properties, own)
	}
	return c.Send(ctx, out)
}

// ownProperties are those that a copy has values of its own for.
var ownProperties = [...]string{
	record.PropTags, record.PropKeys, record.PropUniqKey, record.PropWait, record.PropCluster, record.PropMsgRegion, record.PropTraceOn,
	record.PropMinOffset, record.PropMaxOffset, record.PropReconsumeTime, record.PropOriginMessageID, record.PropRealTopic, record.PropRealQueueID,
}
