package store

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/seeded"
	"github.com/gantry-mq/gantry/consumequeue"
)

// queueFollower puts the units of records into their queues.
type queueFollower struct {
	s       *Store
	seen    atomic.Int64 // every record below was followed
	durable atomic.Int64
	touched []*Queue // with new units since the batch began; Follow's own
	flushed mark     // the newest record whose unit is durable; Flush's own

	mu   sync.Mutex // guards last
	last mark       // the newest record followed
}

// mark is a record in the log: what the peer's checkpoint wants to know of it.
type mark struct {
	logOffset      int64
	storeTimestamp int64
}

func (f *queueFollower) Name() string   { return "consume queues" }
func (f *queueFollower) Durable() int64 { return f.durable.Load() }
func (f *queueFollower) Needs() int64   { return f.durable.Load() }

func (f *queueFollower) Follow(batch []Entry) error {
	seen := f.seen.Load()
	err := error(nil)
	done := mark{logOffset: -1}
	for i := range batch {
		e := &batch[i]
		if e.End() <= seen {
			continue // shown again, for the sake of another follower
		}
		if e.Queue != nil {
			if err = f.put(e); err != nil {
				break
			}
		}
		seen, done = e.End(), mark{e.LogOffset, e.StoreTimestamp}
	}
	if done.logOffset >= 0 {
		f.seen.Store(seen)
		f.setLast(done)
	}
	// What was put before an error can be read, too.
	f.wake()
	return err
}

// Quick implements Follower: what goes to a file goes to the page cache.
func (f *queueFollower) Quick() bool { return true }

func (f *queueFollower) setLast(m mark) {
	f.mu.Lock()
	f.last = m
	f.mu.Unlock()
}

func (f *queueFollower) put(e *Entry) error {
	tag := e.tagCode(f.s.opts.DelayLevels)
	if err := f.append(e, e.Queue, e.QueueOffset, tag); err != nil {
		return err
	}
	if e.multiQueues == nil || !f.s.opts.MultiDispatch || e.Queue.batch != nil {
		return nil
	}
	for name, offset := range e.light() {
		if q := f.s.queueOf(name, 0); e.LogOffset >= q.birth && q.simple != nil {
			if err := f.append(e, q, offset, tag); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *queueFollower) append(e *Entry, q *Queue, offset, tag int64) (err error) {
	switch {
	case q.batch != nil:
		err = f.appendBatch(e, q, tag)
	case q.extended:
		err = f.appendExtended(e, q, offset, tag)
	default:
		err = q.simple.Append(offset, consumequeue.Unit{LogOffset: e.LogOffset, Size: e.Size, TagCode: tag})
	}
	if err != nil && neverFits(err) {
		f.noteUnqueued(e, q, offset, err)
		return nil
	}
	if err == nil && !q.touched {
		q.touched = true
		f.touched = append(f.touched, q)
	}
	return err
}

// appendExtended appends a unit whose tag code is in the extension. A unit that the queue has already has one there. A queue that
// lost its files has a next offset and no unit.
func (f *queueFollower) appendExtended(e *Entry, q *Queue, offset, tag int64) error {
	if lowest, next := q.simple.Bounds(); lowest < next && offset < next {
		return nil
	}
	switch address, err := q.ext.Put(tag, e.StoreTimestamp, nil); {
	case err == nil:
		tag = address
	case !errors.Is(err, consumequeue.ErrTooLarge):
		return err
	}
	return q.simple.Append(offset, consumequeue.Unit{LogOffset: e.LogOffset, Size: e.Size, TagCode: tag})
}

// appendBatch queues an inner batch. A record without the properties of one never shows in a batch queue, as with the peer.
func (f *queueFollower) appendBatch(e *Entry, q *Queue, tag int64) error {
	count, err := strconv.ParseInt(string(e.innerNum), 10, 16)
	if err != nil || count <= 0 || e.SysFlag&record.SysInnerBatch == 0 {
		return nil
	}
	return q.batch.Append(consumequeue.BatchUnit{
		LogOffset: e.LogOffset, Size: e.Size, TagCode: tag, StoreTime: e.StoreTimestamp,
		BaseOffset: e.QueueOffset, Count: int16(count), CompactOffset: -1,
	})
}

// neverFits tells the errors of a record that has no place in its queue, now or later.
func neverFits(err error) bool {
	return errors.Is(err, consumequeue.ErrGap) || errors.Is(err, consumequeue.ErrOrder) || errors.Is(err, consumequeue.ErrName)
}

// noteUnqueued counts a message that can't stand at its place in the queue: at any other it would be taken for another one, and
// waiting for it would stop all queues. It stays in the log, where key and id find it.
func (f *queueFollower) noteUnqueued(e *Entry, q *Queue, offset int64, err error) {
	f.s.unqueued.Add(1)
	q.unqueued++
	if n := q.unqueued; n&(n-1) == 0 { // 1, 2, 4, …: the rest of the queue may have the same fate
		f.s.log.Error("store: message not queued", "topic", q.Topic, "queue", q.ID, "queueOffset", offset, "logOffset", e.LogOffset, "ofThisQueue", n, "error", err)
	}
}

func (f *queueFollower) wake() {
	for _, q := range f.touched {
		q.touched = false
		q.wake()
	}
	f.touched = f.touched[:0]
}

func (f *queueFollower) Flush() error {
	f.mu.Lock()
	last := f.last
	f.mu.Unlock()
	seen := f.seen.Load()
	if seen == f.durable.Load() {
		return nil
	}
	if f.s.exts != nil { // before the units that point to it
		if err := f.s.exts.Flush(); err != nil {
			return err
		}
	}
	if err := errors.Join(f.s.queues.Flush(), f.s.batches.Flush()); err != nil {
		return err
	}
	f.durable.Store(seen)
	f.flushed = last
	return nil
}

// To sync a file costs the same for one new unit as for a thousand: beyond fewQueues, queues gather units first, until these take
// manyBytes of memory, or their part of the log is one whose dispatch would take a noticeable part of a second at a restart.
const (
	fewQueues = 256
	manyBytes = 8 << 20
	longLog   = 256 << 20
)

// due tells whether it is time to make the queues durable, before they are anyway because of the index.
func (f *queueFollower) due() bool {
	st := f.s.queues.Stats()
	return st.DirtyQueues <= fewQueues || st.DirtyBytes >= manyBytes || f.seen.Load()-f.durable.Load() >= longLog
}

func (f *queueFollower) Truncate(to int64) error {
	f.seen.Store(min(f.seen.Load(), to))
	f.durable.Store(min(f.durable.Load(), to))
	f.setLast(mark{})
	f.flushed = mark{}
	if seeded.Is(seeded.QueuesNotTruncated) {
		return nil
	}
	if err := errors.Join(f.s.queues.Truncate(to), f.s.batches.Truncate(to)); err != nil {
		return err
	}
	return f.s.eachExt(cutExt)
}

func (f *queueFollower) Retired(minLog int64) error {
	if err := errors.Join(f.s.queues.SetMinLog(minLog), f.s.batches.SetMinLog(minLog)); err != nil {
		return err
	}
	return f.s.eachExt(retireExt)
}
