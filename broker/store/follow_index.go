package store

import (
	"bytes"
	"sync/atomic"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/index"
)

// indexFollower puts the keys of records into the index.
type indexFollower struct {
	s       *Store
	hashes  []int32 // Follow's own, of some records, back to back
	ends    [warmRecords]int
	last    atomic.Int64 // store timestamp of the newest record put
	durable atomic.Int64 // of the newest one that is durable
}

func (f *indexFollower) Name() string   { return "index" }
func (f *indexFollower) Durable() int64 { return f.s.index.State().LogOffset }
func (f *indexFollower) Needs() int64   { return f.Durable() }

// warmRecords is for how many records the index is warmed at once.
const warmRecords = 32

func (f *indexFollower) Follow(batch []Entry) error {
	for rest := batch; len(rest) > 0; {
		n := min(warmRecords, len(rest))
		if err := f.put(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	x := f.s.index
	if n := len(batch); n > 0 {
		x.SetEnd(batch[n-1].End())
	}
	// One that is half full is written out in the background, so that nothing has to wait for it.
	if _, pending := x.Room(); pending >= index.DefaultMaxPending/2 {
		f.s.flushIndexSoon()
	}
	return nil
}

// put indexes at most warmRecords records.
func (f *indexFollower) put(batch []Entry) error {
	x := f.s.index
	f.hashes = f.hashes[:0]
	for i := range batch {
		if e := &batch[i]; !e.Dead && e.Transaction() != record.SysTransactionRollback {
			f.hashes = appendHashes(f.hashes, e)
		}
		f.ends[i] = len(f.hashes)
	}
	if len(batch) > 1 {
		x.Warm(f.hashes)
	}
	from := 0
	for i := range batch {
		e, hashes := &batch[i], f.hashes[from:f.ends[i]]
		if from = f.ends[i]; len(hashes) == 0 {
			continue
		}
		if err := x.PutRecord(e.LogOffset, e.StoreTimestamp, hashes); err != nil {
			return err
		}
		f.last.Store(e.StoreTimestamp)
	}
	return nil
}

// quickRoom is more entries than one batch has.
const quickRoom = 32 << 10

// Quick implements Follower.
func (f *indexFollower) Quick() bool {
	room, _ := f.s.index.Room()
	return room >= quickRoom
}

// appendHashes appends the hashes of what a message can be found by: its unique key, each of its keys, its tags.
func appendHashes(dst []int32, e *Entry) []int32 {
	if len(e.UniqueKey) > 0 {
		dst = append(dst, index.KeyHash(e.Topic, e.UniqueKey))
	}
	for keys := e.Keys; len(keys) > 0; {
		var key []byte
		if key, keys, _ = bytes.Cut(keys, space); len(key) > 0 {
			dst = append(dst, index.KeyHash(e.Topic, key))
		}
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

func (f *indexFollower) Truncate(to int64) error {
	f.last.Store(0)
	f.durable.Store(0)
	return f.s.index.Truncate(to)
}

func (f *indexFollower) Retired(minLog int64) error { return f.s.index.SetMinLog(minLog) }
