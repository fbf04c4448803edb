package produce

import (
	"strconv"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// Batch is the sends that came in together, from one connection say. They are stored under one lock and acknowledged together,
// each with its own outcome. A batch is used by one goroutine until Submit, and from then on by whom done is called.
type Batch struct {
	sends  []Send
	drafts []record.Draft
	wait   bool // one of them wants to know that it is confirmed

	waiter commitlog.Waiter
	done   func()
}

// NewBatch makes an empty batch.
func NewBatch() *Batch {
	b := new(Batch)
	b.waiter.Need = commitlog.Confirmed
	b.waiter.Done = func(_ *commitlog.Waiter, err error) { b.confirmed(err) }
	return b
}

// Send is one request in a batch.
type Send struct {
	first, count int
	refused      *Refusal
}

// Reset empties the batch for its next use.
func (b *Batch) Reset() {
	clear(b.drafts) // they hold on to buffers
	b.sends, b.drafts, b.wait, b.done = b.sends[:0], b.drafts[:0], false, nil
}

// Len is the number of requests in it.
func (b *Batch) Len() int { return len(b.sends) }

// Stored is where the messages of request i went, or why they were not taken.
func (b *Batch) Stored(i int) ([]record.Draft, *Refusal) {
	s := &b.sends[i]
	return b.drafts[s.first : s.first+s.count], s.refused
}

// Add checks a request and puts its messages into the batch.
func (s *Service) Add(b *Batch, r *Request) {
	first := len(b.drafts)
	refused := s.add(b, r)
	if refused != nil {
		b.drafts = b.drafts[:first]
	}
	b.sends = append(b.sends, Send{first: first, count: len(b.drafts) - first, refused: refused})
}

func (s *Service) add(b *Batch, r *Request) *Refusal {
	if s.Config.BrokerPerm&meta.PermWrite == 0 {
		return refuse(NoPermission, "the broker[%s] sending message is forbidden (brokerPermission)", s.Config.BrokerName)
	}
	t, refused := s.topic(r)
	if refused != nil {
		return refused
	}
	if !meta.MaySend(t.Name) {
		return refuse(IllegalTopic, "the topic[%s] is conflict with system topic", t.Name)
	}
	if !t.Writable() {
		return refuse(NoPermission, "the topic[%s] sending message is forbidden", t.Name)
	}
	if what := unsupported(r); what != "" {
		return refuse(NotSupported, "this broker does not support %s", what)
	}
	if t, refused = s.afterRetries(t, r); refused != nil {
		return refused
	}
	q, refused := s.queue(t, r.QueueID)
	if refused != nil {
		return refused
	}
	if r.Batch {
		return s.addBatch(b, r, t, q)
	}
	if r.SysFlag&record.SysInnerBatch != 0 {
		return refuse(IllegalMessage, "the message has the flag of an inner batch and is none")
	}
	d := s.draft(b, r, t, q)
	d.Body, d.Properties, d.MoreProperties = r.Body, r.Properties, s.own
	b.noteWait(r.Properties)
	return nil
}

// draft adds a draft with what all messages of a request have in common.
func (s *Service) draft(b *Batch, r *Request, t *meta.TopicConfig, q *store.Queue) *record.Draft {
	b.drafts = append(b.drafts, record.Draft{})
	d := &b.drafts[len(b.drafts)-1]
	d.Topic, d.QueueID, d.Flag, d.SysFlag = t.Name, q.ID, r.Flag, r.SysFlag
	d.BornTimestamp, d.BornHost, d.StoreHost = r.BornTimestamp, r.BornHost, s.StoreHost
	d.ReconsumeTimes, d.Queue = r.ReconsumeTimes, q
	return d
}

// addBatch puts the messages of a client's batch into b: each as a record, or all as one inner batch where the topic is for such.
// They are stored together or not at all.
func (s *Service) addBatch(b *Batch, r *Request, t *meta.TopicConfig, q *store.Queue) *Refusal {
	count, err := record.CountBatch(r.Body)
	if err != nil || count == 0 {
		return refuse(IllegalMessage, "the batch has %d messages: %v", count, err)
	}
	b.noteWait(r.Properties)
	if _, unique := record.Property(r.Properties, record.PropUniqKey); q.Batch() && unique {
		d := s.draft(b, r, t, q)
		d.SysFlag |= record.SysInnerBatch | record.SysNeedUnwrap
		d.Body, d.Properties = r.Body, r.Properties
		// The base offset follows when the log numbers it, so the slice is the message's own.
		d.MoreProperties = record.AppendProperty(append([]byte(nil), s.own...), record.PropInnerNum, strconv.Itoa(count))
		return nil
	}
	first := true
	for item, err := range record.BatchItems(r.Body) {
		if err != nil {
			return refuse(IllegalMessage, "the batch is damaged: %v", err)
		}
		d := s.draft(b, r, t, q)
		d.Flag, d.Body, d.Properties, d.Joined = item.Flag, item.Body, item.Properties, !first
		first = false
	}
	return nil
}

// noteWait remembers whether a message wants to hear of its flush; WAIT=false is satisfied with the write.
func (b *Batch) noteWait(properties []byte) {
	if !b.wait {
		v, _ := record.Property(properties, record.PropWait)
		b.wait = string(v) != "false"
	}
}

// Submit stores the batch. It returns true if the outcomes stand in it already; otherwise done is called when they do, on
// another goroutine most likely. What the requests' slices hold is not needed any more when Submit returns.
func (s *Service) Submit(b *Batch, done func()) bool {
	if len(b.drafts) > 0 {
		// What it returns stands in the drafts, too.
		_ = s.Store.Append(b.drafts)
	}
	var end int64
	for i := range b.sends {
		snd := &b.sends[i]
		for k := snd.first; k < snd.first+snd.count; k++ {
			d := &b.drafts[k]
			if d.Err != nil {
				snd.refused = refusal(d.Err)
				break
			}
			end = d.LogOffset + int64(d.Size)
		}
	}
	if end == 0 || !b.wait || end <= s.Store.Log.Confirmed() {
		return true
	}
	b.done = done
	b.waiter.UpTo, b.waiter.Deadline = end, s.Now().Add(s.Config.SyncFlushTimeout)
	s.Store.OnAcked(&b.waiter)
	return false
}

// confirmed ends the wait for flush and replicas.
func (b *Batch) confirmed(err error) {
	if err != nil {
		for i := range b.sends {
			if b.sends[i].refused == nil {
				b.sends[i].refused = refusal(err)
			}
		}
	}
	b.done()
}
