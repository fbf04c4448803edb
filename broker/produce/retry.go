package produce

import (
	"math/rand/v2"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// afterRetries is the topic that a message to a retry topic really goes to: the dead-letter topic of the group when it has been tried often enough.
func (s *Service) afterRetries(t *meta.TopicConfig, r *Request) (*meta.TopicConfig, *Refusal) {
	group, ok := derivedGroup(t.Name)
	if !ok || t.Name[:len(meta.RetryPrefix)] != meta.RetryPrefix {
		return t, nil
	}
	g := s.Groups.Get(group)
	if g == nil {
		return nil, refuse(NoGroup, "subscription group not exist, %s", group)
	}
	most := g.RetryMaxTimes
	if r.MaxReconsume >= 0 {
		most = r.MaxReconsume
	}
	if r.ReconsumeTimes < most {
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
	return record.AppendProperty(props, record.PropDLQOriginMessageID, id)
}

// SendBack is a consumer's wish to see a message again.
type SendBack struct {
	Group        string
	LogOffset    int64
	DelayLevel   int32 // negative: straight to the dead letters
	OriginID     string
	MaxReconsume int32 // negative: the group's
}

// SendBack stores a copy of the message in the group's retry topic, or among its dead letters when it has been tried often enough.
// The copy can be read at once.
func (s *Service) SendBack(r SendBack) *Refusal {
	g := s.Groups.Get(r.Group)
	if g == nil {
		return refuse(NoGroup, "subscription group not exist, %s", r.Group)
	}
	if s.Config.BrokerPerm&meta.PermWrite == 0 {
		return refuse(NoPermission, "the broker[%s] sending message is forbidden (brokerPermission)", s.Config.BrokerName)
	}
	if g.RetryQueues <= 0 {
		return nil // the group wants no retries
	}
	b, err := s.Store.Record(r.LogOffset, nil)
	var m record.Record
	if err == nil {
		err = record.Decode(b, &m)
	}
	if err != nil {
		return refuse(Failed, "look message by offset failed, %d: %v", r.LogOffset, err)
	}
	most := g.RetryMaxTimes
	if r.MaxReconsume >= 0 {
		most = r.MaxReconsume
	}
	name, queues := meta.RetryPrefix+r.Group, g.RetryQueues
	props := record.RemoveProperty(append([]byte(nil), m.Properties...), record.PropCRC32)
	if _, ok := record.Property(props, record.PropRetryTopic); !ok {
		props = record.AppendProperty(props, record.PropRetryTopic, m.Topic)
	}
	if _, ok := record.Property(props, record.PropOriginMessageID); !ok {
		props = record.AppendProperty(props, record.PropOriginMessageID, originID(r.OriginID, &m))
	}
	if m.ReconsumeTimes >= most || r.DelayLevel < 0 {
		name, queues = meta.DLQPrefix+r.Group, 1
		props = withOrigin(props, string(m.Topic))
	}
	t, refused := s.derived(name, queues)
	if refused != nil {
		return refused
	}
	if !t.Writable() {
		return refuse(NoPermission, "the topic[%s] sending message is forbidden", t.Name)
	}
	q, refused := s.queue(t, rand.Int32N(max(1, t.WriteQueues)))
	if refused != nil {
		return refused
	}
	ds := []record.Draft{{
		Topic: t.Name, QueueID: q.ID, Flag: m.Flag, SysFlag: m.SysFlag &^ record.SysTransactionMask,
		BornTimestamp: m.BornTimestamp, BornHost: m.BornHost, StoreHost: s.StoreHost, ReconsumeTimes: m.ReconsumeTimes + 1,
		Body: m.Body, Properties: props, Queue: q,
	}}
	if err := s.Store.Append(ds); err != nil {
		return refusal(err)
	}
	if ds[0].Err != nil {
		return refusal(ds[0].Err)
	}
	return nil
}

func originID(given string, m *record.Record) string {
	if given != "" {
		return given
	}
	return string(record.AppendMessageID(nil, m.StoreHost, m.LogOffset))
}
