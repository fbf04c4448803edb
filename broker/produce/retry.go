package produce

import (
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// afterRetries is the topic that a message to a group's retry topic really goes to: the dead-letter topic when it has been tried
// often enough. ReconsumeTimes counts the try that this send asks for.
func (s *Service) afterRetries(t *meta.TopicConfig, group string, r *Request) (*meta.TopicConfig, *Refusal) {
	g, refused := s.group(group)
	if refused != nil {
		return nil, refused
	}
	most := g.RetryMaxTimes
	if r.MaxReconsume >= 0 {
		most = r.MaxReconsume
	}
	if r.ReconsumeTimes <= most && !s.Ordered(group) {
		return t, nil
	}
	dead, refused := s.derived(meta.DLQPrefix+group, 1)
	if refused == nil {
		r.QueueID, r.Properties = 0, withOrigin(r.Properties, t.Name)
	}
	return dead, refused
}

// withOrigin notes in a dead letter where it comes from.
func withOrigin(props []byte, topic string) []byte {
	if v, ok := record.Property(props, record.PropRetryTopic); ok {
		topic = string(v)
	}
	id, ok := record.Property(props, record.PropOriginMessageID)
	if !ok {
		id, _ = record.Property(props, record.PropUniqKey)
	}
	props = record.AppendProperty(append([]byte(nil), props...), record.PropDLQOriginTopic, topic)
	if len(id) > 0 {
		props = record.AppendProperty(props, record.PropDLQOriginMessageID, id)
	}
	return props
}

// SendBack is a consumer's wish to see a message again.
type SendBack struct {
	Group        string
	LogOffset    int64
	DelayLevel   int32 // negative: straight to the dead letters
	MaxReconsume int32 // negative: the group's
}

// AddBack puts a copy of the message into the batch, for the group's retry topic, or for its dead letters when it has been tried often
// enough. The copy can be read at once. A group that wants no retries gets none, and no refusal.
func (s *Service) AddBack(b *Batch, r SendBack) {
	snd := Send{first: len(b.drafts), wait: true}
	snd.refused = s.addBack(b, r)
	b.end(snd)
}

func (s *Service) addBack(b *Batch, r SendBack) *Refusal {
	g, refused := s.group(r.Group)
	if refused != nil {
		return refused
	}
	if s.Config.BrokerPerm&meta.PermWrite == 0 {
		return refuse(NoPermission, "the broker[%s] sending message is forbidden (brokerPermission)", s.Config.BrokerName)
	}
	if g.RetryQueues <= 0 {
		return nil
	}
	buf, err := s.Store.Record(r.LogOffset, nil)
	var m record.Record
	if err == nil {
		err = record.Decode(buf, &m)
	}
	if err != nil {
		return refuse(Failed, "look message by offset failed, %d: %v", r.LogOffset, err)
	}
	name, queues, props := meta.RetryPrefix+r.Group, g.RetryQueues, backProperties(&m)
	most := g.RetryMaxTimes
	if r.MaxReconsume >= 0 {
		most = r.MaxReconsume
	}
	if m.ReconsumeTimes >= most || r.DelayLevel < 0 {
		name, queues, props = meta.DLQPrefix+r.Group, 1, withOrigin(props, string(m.Topic))
	}
	t, refused := s.derived(name, queues)
	if refused != nil {
		return refused
	}
	if !t.Writable() {
		return refuse(NoPermission, "the topic[%s] sending message is forbidden", t.Name)
	}
	q, refused := s.queue(t, -1)
	if refused != nil {
		return refused
	}
	b.drafts = append(b.drafts, record.Draft{
		Topic: t.Name, QueueID: q.ID, Flag: m.Flag, SysFlag: m.SysFlag &^ record.SysTransactionMask,
		BornTimestamp: m.BornTimestamp, BornHost: m.BornHost, StoreHost: s.StoreHost, ReconsumeTimes: m.ReconsumeTimes + 1,
		Body: m.Body, Properties: props, Queue: q,
	})
	return nil
}

// backProperties are the properties of a message that is sent back: its own, and where it first stood.
func backProperties(m *record.Record) []byte {
	props := append([]byte(nil), m.Properties...)
	if _, ok := record.Property(props, record.PropRetryTopic); !ok {
		props = record.AppendProperty(props, record.PropRetryTopic, m.Topic)
	}
	if _, ok := record.Property(props, record.PropOriginMessageID); !ok {
		props = record.AppendProperty(props, record.PropOriginMessageID, record.AppendMessageID(nil, m.StoreHost, m.LogOffset))
	}
	return props
}
