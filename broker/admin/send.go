package admin

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// toolsProducer is the group that messages are sent in.
const toolsProducer = "CLIENT_INNER_PRODUCER"

// automaticQueues is how many queues a topic gets that comes into being by a message to it.
const automaticQueues = 4

// Outgoing is a message to be sent.
type Outgoing struct {
	Topic      string
	Body       []byte
	Tags, Keys string
	Properties map[string]string // more of them
	Broker     string            // name; empty: any
	QueueID    int32             // negative: any
}

// Sent says what became of a message.
type Sent struct {
	ID          string `json:"msgId"`
	OffsetID    string `json:"offsetMsgId"`
	Topic       string `json:"topic"`
	Broker      string `json:"brokerName"`
	QueueID     int32  `json:"queueId"`
	QueueOffset int64  `json:"queueOffset"`
	Status      string `json:"sendStatus"` // SEND_OK; FLUSH_DISK_TIMEOUT, FLUSH_SLAVE_TIMEOUT, SLAVE_NOT_AVAILABLE: stored, but less safely than configured
}

// Send sends a message. A topic that isn't there comes into being, where brokers are configured so.
func (c *Client) Send(ctx context.Context, m Outgoing) (*Sent, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	queue, addr, err := c.sendTo(ctx, m)
	if err != nil {
		return nil, err
	}
	id := newUniqueID(time.Now())
	r := sendRequest(m, queue, id, time.Now())
	answer, err := c.call(ctx, addr, r)
	if err != nil {
		return nil, err
	}
	sent := &Sent{ID: id, Topic: m.Topic, Broker: queue.Broker, OffsetID: answer.Fields.Str("msgId")}
	switch answer.Code {
	case remoting.RespSuccess:
		sent.Status = "SEND_OK"
	case remoting.RespFlushDiskTimeout, remoting.RespFlushSlaveTimeout, remoting.RespSlaveNotAvailable:
		sent.Status = remoting.ResponseName(answer.Code)
	default:
		return nil, refusal(answer.Err())
	}
	if sent.QueueID, err = answer.Fields.Int32("queueId", queue.ID); err == nil {
		sent.QueueOffset, err = answer.Fields.Int64("queueOffset", 0)
	}
	return sent, err
}

// sendTo chooses a queue and finds the address of its master.
func (c *Client) sendTo(ctx context.Context, m Outgoing) (q Queue, addr string, err error) {
	route, queues, err := c.sendRoute(ctx, m.Topic)
	if err != nil {
		return q, "", err
	}
	type choice struct {
		queue Queue
		addr  string
	}
	var choices []choice
	for _, rq := range queues {
		set, _ := route.set(rq.Broker)
		addr := set.Addrs[masterID]
		if addr == "" || rq.Perm&meta.PermWrite == 0 || m.Broker != "" && m.Broker != rq.Broker {
			continue
		}
		for id := range rq.WriteQueues {
			if m.QueueID < 0 || m.QueueID == id {
				choices = append(choices, choice{Queue{m.Topic, rq.Broker, id}, addr})
			}
		}
	}
	if len(choices) == 0 && (m.Broker != "" || m.QueueID >= 0) {
		return q, "", notFound("topic %s has no queue to write to with id %d in broker %q", m.Topic, m.QueueID, m.Broker)
	}
	if len(choices) == 0 {
		return q, "", notFound("topic %s has no queue to write to in a broker with a master", m.Topic)
	}
	one := choices[rand.IntN(len(choices))]
	return one.queue, one.addr, nil
}

// sendRoute is the route of a topic or, if there is no such topic, of the one whose brokers create it.
func (c *Client) sendRoute(ctx context.Context, topic string) (*Route, []RouteQueues, error) {
	route, err := c.Route(ctx, topic)
	if err == nil {
		return route, route.Queues, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, nil, err
	}
	automatic, autoErr := c.Route(ctx, meta.DefaultTopic)
	switch {
	case errors.Is(autoErr, ErrNotFound):
		return nil, nil, err // no broker creates topics: the topic asked for is what is missing
	case autoErr != nil:
		return nil, nil, autoErr
	}
	queues := automatic.Queues
	for i := range queues {
		queues[i].WriteQueues = min(queues[i].WriteQueues, automaticQueues)
	}
	return automatic, queues, nil
}

func sendRequest(m Outgoing, q Queue, id string, now time.Time) *remoting.Request {
	var props []byte
	add := func(name, value string) {
		if value != "" {
			props = record.AppendProperty(props, name, value)
		}
	}
	add(record.PropKeys, m.Keys)
	add(record.PropUniqKey, id)
	add(record.PropWait, "true")
	add(record.PropTags, m.Tags)
	for _, name := range slices.Sorted(maps.Keys(m.Properties)) {
		add(name, m.Properties[name])
	}
	r := remoting.Request{Code: remoting.CodeSendMessageV2, Body: m.Body}
	f := &r.Fields
	f.Add("a", toolsProducer)
	f.Add("b", m.Topic)
	f.Add("c", meta.DefaultTopic)
	f.AddInt("d", automaticQueues)
	f.AddInt("e", int64(q.ID))
	f.AddInt("f", 0) // sysFlag
	f.AddInt("g", now.UnixMilli())
	f.AddInt("h", 0) // flag
	f.Add("i", string(props))
	f.AddInt("j", 0)      // reconsumeTimes
	f.AddBool("k", false) // unitMode
	f.AddBool("m", false) // batch
	f.Add("n", q.Broker)
	return &r
}

// reserved are the characters that separate properties.
const reserved = "\x01\x02"

// check refuses what a broker would misunderstand.
func (m *Outgoing) check() error {
	if err := meta.CheckTopic(m.Topic); err != nil {
		return badInput("%w", err)
	}
	if strings.ContainsAny(m.Tags+m.Keys, reserved) {
		return badInput("tags and keys can't contain the characters 1 and 2")
	}
	return nil
}
