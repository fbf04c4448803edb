package produce

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// add checks a request and adds its drafts. wait is whether the sender wants to know that they are confirmed, and queueID is
// set to the queue that they are for.
func (s *Service) add(b *Batch, r *Request, queueID *int32) (wait bool, _ *Refusal) {
	if s.Config.Load().BrokerPerm&meta.PermWrite == 0 {
		return false, refuse(NoPermission, "the broker[%s] sending message is forbidden (brokerPermission)", s.Config.Load().BrokerName)
	}
	t, refused := s.topic(b, r)
	if refused != nil {
		return false, refused
	}
	if !t.Writable() {
		return false, refuse(NoPermission, "the topic[%s] sending message is forbidden", t.Name)
	}
	props := look(r.Properties)
	if props.reserved {
		r.Properties = without(r.Properties, isReserved)
	}
	if group, retry := strings.CutPrefix(t.Name, meta.RetryPrefix); retry {
		if r.Batch {
			return false, refuse(IllegalMessage, "batch request does not support retry group %s", group)
		}
		var dead bool
		if t, dead, refused = s.afterRetries(t, group, r); dead {
			props.level = 0
		}
	} else {
		refused = s.unsupported(r, props)
	}
	if refused != nil {
		return false, refused
	}
	q, refused := s.queue(b, t, r.QueueID)
	if refused != nil {
		return false, refused
	}
	*queueID = q.ID
	r.UniqueID = props.unique
	if r.Batch {
		return props.wait, s.addBatch(b, r, props, t, q)
	}
	switch {
	case len(r.Body) == 0:
		return false, refuse(IllegalMessage, "the message is illegal: its body is empty")
	case props.inner, r.SysFlag&record.SysInnerBatch != 0:
		return false, refuse(IllegalMessage, "the message is illegal: it says that it is an inner batch, and wasn't sent as a batch")
	case props.badLevel:
		return false, refuse(IllegalMessage, "the message is illegal: its delay level (%s) is not a number", record.PropDelayLevel)
	}
	if t.Compacted() && !props.keyed {
		return false, refuse(IllegalMessage, "Required message key is missing: topic %s keeps the last message of each key (%s)", t.Name, meta.AttrCleanup)
	}
	if len(r.UniqueID) == 0 {
		s.identify(r)
	}
	d := s.draft(b, r, t, q)
	d.Body, d.Properties, d.MoreProperties = r.Body, r.Properties, s.own
	if props.level > 0 {
		if props.timed {
			d.Properties = without(d.Properties, isTimer)
		}
		s.postpone(b, d, props.level)
	}
	return props.wait, nil
}

// unsupported refuses what this broker doesn't do. Stored as an ordinary message it would be delivered at once, or without
// its transaction. What a consumer sends to a retry topic isn't asked: it has the properties of the message that failed, whose
// wishes were met before.
func (s *Service) unsupported(r *Request, props traits) *Refusal {
	if props.wants == "" && r.SysFlag&record.SysTransactionMask != 0 {
		props.wants = "transactions"
	}
	if props.wants == "" {
		return nil
	}
	return refuse(NotSupported, "the broker[%s] does not support %s", s.Config.Load().BrokerName, props.wants)
}

// addBatch puts the messages of a client's batch into b: each as a record, or all as one inner batch where the topic is for such.
// They are stored together or not at all.
func (s *Service) addBatch(b *Batch, r *Request, props traits, t *meta.TopicConfig, q *store.Queue) *Refusal {
	if props.level > 0 || props.badLevel {
		return refuse(IllegalMessage, "the batch is illegal: it has a delay level, batches can't wait")
	}
	if n := int64(len(r.Body)); n > s.Config.Load().MaxMessageBytes {
		return refuse(IllegalMessage, "the batch has %d bytes, at most %d are allowed (maxMessageSize)", n, s.Config.Load().MaxMessageBytes)
	}
	count, err := record.CountBatch(r.Body)
	if err != nil {
		return refuse(IllegalMessage, "the batch is damaged: %v", err)
	}
	if count == 0 {
		return refuse(IllegalMessage, "the batch is empty")
	}
	if _, unique := record.Property(r.Properties, record.PropUniqKey); q.Batch() && unique {
		return s.addInner(b, r, t, q, count)
	}
	first := true
	for item, err := range record.BatchItems(r.Body) {
		if err != nil { // it was counted before
			return refuse(IllegalMessage, "the batch is damaged: %v", err)
		}
		props := look(item.Properties)
		if refused := s.unsupported(r, props); refused != nil {
			return refused
		}
		if props.inner {
			return refuse(IllegalMessage, "the batch is illegal: one of its messages says that it is an inner batch")
		}
		if props.level > 0 || props.badLevel {
			return refuse(IllegalMessage, "the batch is illegal: one of its messages has a delay level, batches can't wait")
		}
		if props.reserved {
			item.Properties = without(item.Properties, isReserved)
		}
		d := s.draft(b, r, t, q)
		d.SysFlag &^= record.SysInnerBatch | record.SysNeedUnwrap
		d.Flag, d.Body, d.Properties, d.Joined = item.Flag, item.Body, item.Properties, !first
		first = false
	}
	return nil
}

// addInner puts a client's batch into b as one record.
func (s *Service) addInner(b *Batch, r *Request, t *meta.TopicConfig, q *store.Queue, count int) *Refusal {
	if count > math.MaxInt16 {
		return refuse(IllegalMessage, "the batch has %d messages, topic %s takes at most %d in one", count, t.Name, math.MaxInt16)
	}
	d := s.draft(b, r, t, q)
	d.SysFlag |= record.SysInnerBatch | record.SysNeedUnwrap
	d.Body, d.Properties = r.Body, r.Properties
	// The base offset follows when the log numbers it, so the slice is the message's own.
	d.MoreProperties = record.AppendProperty(append([]byte(nil), s.own...), record.PropInnerNum, strconv.Itoa(count))
	return nil
}

// queue is the queue that a send asks for, or any one for a negative id.
func (s *Service) queue(b *Batch, t *meta.TopicConfig, id int32) (*store.Queue, *Refusal) {
	if id < 0 {
		id = rand.Int32N(max(1, t.WriteQueues))
	}
	if id >= max(t.ReadQueues, t.WriteQueues) {
		return nil, refuse(IllegalQueue, "request queueId[%d] is illegal, topic %s has %d write queues", id, t.Name, t.WriteQueues)
	}
	at := b.recent.place(t, id)
	if at != nil && *at != nil {
		return *at, nil
	}
	q := s.Store.Lookup(t.Name, id)
	if q == nil {
		q = s.Store.Queue(t.Name, id)
	}
	if at != nil {
		*at = q
	}
	return q, nil
}
