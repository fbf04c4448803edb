package store

import (
	"bytes"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/consumequeue"
	"github.com/gantry-mq/gantry/index"
)

// Follower is state that is derived from the log: it is shown every record below the confirm offset, in order.
// Follow and Truncate are called by one goroutine at a time, and so are Flush, Retired and Truncate; but Flush and Retired
// may run beside Follow, so that a slow disk doesn't keep messages from those who wait for them.
type Follower interface {
	// Name is for log lines and errors.
	Name() string
	// Durable is the log offset up to which its state would survive a power loss; following goes on there after a restart.
	Durable() int64
	// Follow takes a batch. It may be given records again that it has seen. An error that wraps vfs.ErrFull
	// pauses dispatch, and the same batch comes again later; any other one too, but it is logged as a failure.
	Follow(batch []Entry) error
	// Flush makes what was followed durable.
	Flush() error
	// Truncate forgets what was derived from records at or behind log offset to.
	Truncate(to int64) error
	// Needs is the lowest log offset that must stay in the log.
	Needs() int64
	// Retired says that the log will begin at minLog; what refers to older records can go.
	Retired(minLog int64) error
}

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
	// Wakes those who wait for what was put before an error, too.
	defer f.wake()
	for i := range batch {
		e := &batch[i]
		if e.Queue != nil {
			if err := f.put(e); err != nil {
				return err
			}
		}
		f.seen.Store(e.End())
	}
	if n := len(batch); n > 0 {
		f.setLast(mark{batch[n-1].LogOffset, batch[n-1].StoreTimestamp})
	}
	return nil
}

func (f *queueFollower) setLast(m mark) {
	f.mu.Lock()
	f.last = m
	f.mu.Unlock()
}

func (f *queueFollower) put(e *Entry) error {
	tag := e.tagCode(f.s.opts.DelayLevels)
	err := f.append(e, e.Queue, e.QueueOffset, tag)
	if err == nil && e.multiQueues != nil && !systemTopic(e.Queue.Topic) {
		e.eachMulti(func(name []byte, offset int64) {
			if err == nil {
				err = f.append(e, f.s.queueOf(name, 0), offset, tag)
			}
		})
	}
	return err
}

func (f *queueFollower) append(e *Entry, q *Queue, offset, tag int64) (err error) {
	if q.batch != nil {
		err = f.appendBatch(e, q, tag)
	} else {
		err = q.simple.Append(offset, consumequeue.Unit{LogOffset: e.LogOffset, Size: e.Size, TagCode: tag})
	}
	if errors.Is(err, consumequeue.ErrGap) {
		// The message can't stand at its place in the queue, and at any other it would be taken for another one.
		// It stays in the log, where key and id find it.
		f.s.log.Error("store: message not queued", "topic", q.Topic, "queue", q.ID, "queueOffset", offset, "logOffset", e.LogOffset, "error", err)
		f.s.stats.gaps.Add(1)
		return nil
	}
	if err == nil && !q.touched {
		q.touched = true
		f.touched = append(f.touched, q)
	}
	return err
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
	if err := errors.Join(f.s.queues.Flush(), f.s.batches.Flush()); err != nil {
		return err
	}
	f.durable.Store(seen)
	f.flushed = last
	return nil
}

func (f *queueFollower) Truncate(to int64) error {
	f.seen.Store(min(f.seen.Load(), to))
	f.durable.Store(min(f.durable.Load(), to))
	f.setLast(mark{})
	f.flushed = mark{}
	return errors.Join(f.s.queues.Truncate(to), f.s.batches.Truncate(to))
}

func (f *queueFollower) Retired(minLog int64) error {
	return errors.Join(f.s.queues.SetMinLog(minLog), f.s.batches.SetMinLog(minLog))
}

// indexFollower puts the keys of records into the index.
type indexFollower struct {
	s       *Store
	hashes  []int32
	last    atomic.Int64 // store timestamp of the newest record put
	durable atomic.Int64 // of the newest one that is durable
}

func (f *indexFollower) Name() string   { return "index" }
func (f *indexFollower) Durable() int64 { return f.s.index.State().LogOffset }
func (f *indexFollower) Needs() int64   { return f.Durable() }

func (f *indexFollower) Follow(batch []Entry) error {
	x := f.s.index
	for i := range batch {
		e := &batch[i]
		if e.Transaction() != record.SysTransactionRollback && !e.Dead {
			f.hashes = appendHashes(f.hashes[:0], e)
			if len(f.hashes) > 0 {
				if err := x.PutRecord(e.LogOffset, e.StoreTimestamp, f.hashes); err != nil {
					return err
				}
				f.last.Store(e.StoreTimestamp)
			}
		}
		x.SetEnd(e.End())
	}
	return nil
}

// appendHashes appends the hashes of what a message can be found by: its unique key, each of its keys, its tags.
func appendHashes(dst []int32, e *Entry) []int32 {
	if len(e.UniqueKey) > 0 {
		dst = append(dst, index.KeyHash(e.Topic, e.UniqueKey))
	}
	for keys := e.Keys; len(keys) > 0; {
		key, rest, _ := bytes.Cut(keys, space)
		if len(key) > 0 {
			dst = append(dst, index.KeyHash(e.Topic, key))
		}
		keys = rest
	}
	if len(e.Tags) > 0 {
		dst = append(dst, index.TagHash(e.Topic, e.Tags))
	}
	return dst
}

var space = []byte{' '}

func (f *indexFollower) Flush() error {
	last := f.last.Load()
	if _, err := f.s.index.Flush(); err != nil {
		return err
	}
	f.durable.Store(last)
	return nil
}

func (f *indexFollower) Truncate(to int64) error    { return f.s.index.Truncate(to) }
func (f *indexFollower) Retired(minLog int64) error { return f.s.index.SetMinLog(minLog) }
