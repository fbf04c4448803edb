package produce

import (
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// deadLetterQueues is the number of queues of a dead-letter topic.
const deadLetterQueues = 1

// afterRetries is the topic that a message to a group's retry topic really goes to: the dead-letter topic when it has been tried
// often enough. ReconsumeTimes counts the try that this send asks for.
func (s *Service) afterRetries(t *meta.TopicConfig, group string, r *Request) (_ *meta.TopicConfig, dead bool, _ *Refusal) {
	g, refused := s.group(group)
	if refused != nil {
		return nil, false, refused
	}
	most := g.RetryMaxTimes
	if r.MaxReconsume >= 0 {
		most = r.MaxReconsume
	}
	if r.ReconsumeTimes <= most && !s.Ordered(group) {
		return t, false, nil
	}
	letters, refused := s.derived(meta.DLQPrefix+group, deadLetterQueues)
	if refused == nil {
		r.QueueID, r.Properties = 0, record.AppendProperty(withOrigin(r.Properties, t.Name), record.PropDelayLevel, "-1")
	}
	return letters, true, refused
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
	DelayLevel   int32 // at which the message waits; 0: as its group says; negative: straight to the dead letters
	MaxReconsume int32 // negative: the group's
}

// AddBack puts a copy of the message into the batch, for the group's retry topic, or for its dead letters when it has been tried often
// enough. The copy can be read after the delay that consumer or group chose, a dead letter at once. A group that wants no retries
// gets none, and no refusal.
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
	if s.Config.Load().BrokerPerm&meta.PermWrite == 0 {
		return refuse(NoPermission, "the broker[%s] sending message is forbidden (brokerPermission)", s.Config.Load().BrokerName)
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
	name, queues, props, level := meta.RetryPrefix+r.Group, g.RetryQueues, backProperties(&m), r.DelayLevel
	most := g.RetryMaxTimes
	if r.MaxReconsume >= 0 {
		most = r.MaxReconsume
	}
	switch {
	case m.ReconsumeTimes >= most || level < 0:
		name, queues, props, level = meta.DLQPrefix+r.Group, deadLetterQueues, withOrigin(props, string(m.Topic)), 0
	case level == 0:
		level = s.retryLevel(g, m.ReconsumeTimes)
	}
	t, refused := s.derived(name, queues)
	if refused != nil {
		return refused
	}
	if !t.Writable() {
		return refuse(NoPermission, "the topic[%s] sending message is forbidden", t.Name)
	}
	q, refused := s.queue(b, t, -1)
	if refused != nil {
		return refused
	}
	b.drafts = append(b.drafts, record.Draft{
		Topic: t.Name, QueueID: q.ID, Flag: m.Flag, SysFlag: m.SysFlag &^ record.SysTransactionMask,
		BornTimestamp: m.BornTimestamp, BornHost: m.BornHost, StoreHost: s.StoreHost, ReconsumeTimes: m.ReconsumeTimes + 1,
		Body: m.Body, Properties: appendNumber(props, record.PropDelayLevel, level), Queue: q,
	})
	if level > 0 {
		s.postpone(b, &b.drafts[len(b.drafts)-1], level)
	}
	return nil
}

// isOfTry tells whether a property is about how a message was stored: what a former try says doesn't count for the next.
func isOfTry(name []byte) bool {
	switch string(name) {
	case record.PropDelayLevel, record.PropRealTopic, record.PropRealQueueID, record.PropWait:
		return true
	}
	return isTimer(name)
}

// backProperties are the properties of a message that is sent back: its own, and where it first stood.
func backProperties(m *record.Record) []byte {
	props := record.AppendProperty(without(m.Properties, isOfTry), record.PropWait, "false")
	if _, ok := record.Property(props, record.PropRetryTopic); !ok {
		props = record.AppendProperty(props, record.PropRetryTopic, m.Topic)
	}
	if _, ok := record.Property(props, record.PropOriginMessageID); !ok {
		props = record.AppendProperty(props, record.PropOriginMessageID, record.AppendMessageID(nil, m.StoreHost, m.LogOffset))
	}
	return props
}
