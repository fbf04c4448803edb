package produce

import (
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// Batch is the sends that came in together, from one connection say. They are stored under one lock and acknowledged together,
// each with its own outcome. A batch is used by one goroutine until Submit, and from then on by whom done is called.
type Batch struct {
	// Arrived is when the requests were read, if that was earlier than Submit.
	Arrived time.Time
	// Alone says that Submit's caller calls the store's FlushHere next.
	Alone bool

	recent recent
	sends  []Send
	drafts []record.Draft
	more   []byte // properties that the broker adds to single drafts, which point into it

	service *Service     // the one that stores it
	queued  bool         // others were before it
	admit   func() error // service.admit for it, made once
	waiter  commitlog.Waiter
	done    func()
}

// Send is one request in a batch.
type Send struct {
	first, count int
	queueID      int32 // of the topic that it is for, which a delayed message doesn't stand in yet
	wait         bool  // it wants to know that it is confirmed
	refused      *Refusal
}

// recent is the topic that a request of the batch was for, with some of its queues: the next one is for the same most likely. It
// is forgotten with the batch, since topics change.
type recent struct {
	topic  *meta.TopicConfig
	queues [16]*store.Queue // by id
}

// place is where a queue is kept, nil for one that isn't.
func (r *recent) place(t *meta.TopicConfig, id int32) **store.Queue {
	if t != r.topic || int(id) >= len(r.queues) {
		return nil
	}
	return &r.queues[id]
}

// keptDrafts is how many drafts a batch keeps the memory of. One request may have a hundred thousand.
const keptDrafts = 4096

// keptMore is likewise how many bytes of added properties.
const keptMore = 256 << 10

// NewBatch makes an empty batch.
func NewBatch() *Batch {
	b := new(Batch)
	b.admit = func() error { return b.service.admit(b) }
	b.waiter.Need = commitlog.Confirmed
	b.waiter.Done = func(_ *commitlog.Waiter, err error) { b.confirmed(err) }
	return b
}

// Reset empties the batch for its next use.
func (b *Batch) Reset() {
	clear(b.drafts) // they hold on to buffers
	clear(b.sends)
	b.sends, b.drafts, b.done, b.service, b.queued, b.Arrived, b.Alone = b.sends[:0], b.drafts[:0], nil, nil, false, time.Time{}, false
	b.recent = recent{}
	if cap(b.drafts) > keptDrafts {
		b.drafts = nil
	}
	if b.more = b.more[:0]; cap(b.more) > keptMore {
		b.more = nil
	}
}

// Len is the number of requests in it.
func (b *Batch) Len() int { return len(b.sends) }

// Drafts are the messages of all requests that were not refused at once, for the store's Announce.
func (b *Batch) Drafts() []record.Draft { return b.drafts }

// fail gives all drafts the same error.
func (b *Batch) fail(err error) {
	for i := range b.drafts {
		b.drafts[i].Err = err
	}
}

// Stored is where the messages of request i went, or why they were not taken. With FlushTimeout there are both.
func (b *Batch) Stored(i int) ([]record.Draft, *Refusal) {
	s := &b.sends[i]
	if s.refused != nil && s.refused.Reason != FlushTimeout {
		return nil, s.refused
	}
	return b.drafts[s.first : s.first+s.count], s.refused
}

// QueueID is the queue that request i was for. A delayed message stands in another one until it is due.
func (b *Batch) QueueID(i int) int32 { return b.sends[i].queueID }

// Add checks a request and puts its messages into the batch.
func (s *Service) Add(b *Batch, r *Request) {
	snd := Send{first: len(b.drafts)}
	snd.wait, snd.refused = s.add(b, r, &snd.queueID)
	b.end(snd)
}

// end adds a request whose drafts are those from snd.first on. A request that was refused has none.
func (b *Batch) end(snd Send) {
	if snd.refused != nil {
		clear(b.drafts[snd.first:])
		b.drafts = b.drafts[:snd.first]
	}
	snd.count = len(b.drafts) - snd.first
	b.sends = append(b.sends, snd)
}

// draft adds a draft with what all messages of a request have in common.
func (s *Service) draft(b *Batch, r *Request, t *meta.TopicConfig, q *store.Queue) *record.Draft {
	b.drafts = append(b.drafts, record.Draft{})
	d := &b.drafts[len(b.drafts)-1]
	d.Topic, d.QueueID, d.Flag, d.SysFlag = t.Name, q.ID, r.Flag, r.SysFlag&^record.SysTransactionMask
	d.BornTimestamp, d.BornHost, d.StoreHost = r.BornTimestamp, r.BornHost, s.StoreHost
	d.ReconsumeTimes, d.Queue = r.ReconsumeTimes, q
	if t.MultiTag() {
		d.SysFlag |= record.SysMultiTags
	}
	return d
}

// Submit stores the batch. It returns true if the outcomes stand in it already; otherwise done is called when they do, on
// another goroutine most likely. The store's Announce is to follow when the answers are on their way. What the requests' slices hold
// is not needed any more when Submit returns, but by those who Announce the Drafts.
func (s *Service) Submit(b *Batch, done func()) bool {
	if len(b.drafts) > 0 {
		s.append(b)
	}
	var end int64 // of what somebody waits for
	for i := range b.sends {
		snd := &b.sends[i]
		if snd.count == 0 {
			continue
		}
		ds := b.drafts[snd.first : snd.first+snd.count]
		if snd.refused = failure(ds); snd.refused == nil && snd.wait {
			last := &ds[len(ds)-1]
			end = last.LogOffset + int64(last.Size)
		}
	}
	if end <= s.Store.Log.Confirmed() {
		return true
	}
	b.done, b.waiter.Alone = done, b.Alone
	b.waiter.UpTo, b.waiter.Deadline = end, s.Now().Add(s.Config.Load().SyncFlushTimeout)
	s.Store.OnAcked(&b.waiter)
	return false
}

// failure is why the messages of a request were not stored: of all their errors the one that says most, since a message
// that fails with another one of its batch doesn't say much.
func failure(ds []record.Draft) *Refusal {
	var said error
	for i := range ds {
		err := ds[i].Err
		if err != nil && reasonOf(err) != Failed {
			return refusal(err)
		}
		if said == nil {
			said = err
		}
	}
	if said == nil {
		return nil
	}
	return refusal(said)
}

// confirmed ends the wait for flush and replicas.
func (b *Batch) confirmed(err error) {
	if err != nil {
		for i := range b.sends {
			if snd := &b.sends[i]; snd.wait && snd.refused == nil {
				snd.refused = refusal(err)
			}
		}
	}
	b.done()
}
