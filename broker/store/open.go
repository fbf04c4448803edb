package store

import (
	"errors"
	"io/fs"
	"math"
	"strconv"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/seeded"
	"github.com/gantry-mq/gantry/consumequeue"
	"github.com/gantry-mq/gantry/index"
)

// abortName is the file that is there while a store is in use: who finds it knows that the last stop was not in order.
const abortName = "abort"

// progressEvery is how often a long replay tells how far it is.
const progressEvery = 5 * time.Second

// open finds out who stopped the store last, and how, and opens its parts in the order of the package comment.
func (s *Store) open() error {
	_, err := s.opts.FS.Stat(s.path(abortName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	clean := err != nil
	if s.peer, err = commitlog.ReadCheckpoint(s.opts.FS, s.path("checkpoint")); err != nil {
		return err
	}
	st, found, err := readState(s.opts.FS, s.path(stateName))
	if errors.Is(err, errState) {
		s.log.Warn("store: state not usable, recover without it", "error", err)
	} else if err != nil {
		return err
	}
	own := found && st.fits(s.peer)
	s.crcFrom = -1
	if found {
		s.crcFrom = st.CRCFrom
	}
	if !own {
		st = state{Clean: clean, Flushed: -1, Queues: -1}
	}
	// Our own stop was clean only if we said so; what another broker's abort file says of its stop is all there is.
	clean = clean && st.Clean
	s.recovery.Clean, s.recovery.Foreign = clean, !own
	if err := s.openLog(clean, st); err != nil {
		return err
	}
	from, err := s.openQueues(clean, own, st)
	if err != nil {
		return err
	}
	if !s.opts.ReadOnly {
		if from, err = s.dropEarlier(from); err != nil {
			return err
		}
	}
	if from, err = s.openFollowers(clean, st, from); err != nil {
		return err
	}
	s.noteForeignParts()
	if !s.opts.ReadOnly {
		if err := s.markRunning(); err != nil {
			return err
		}
	}
	s.recovery.Dispatched = from
	if err := s.replay(); err != nil {
		return err
	}
	s.Renumber()
	return nil
}

func (s *Store) openLog(clean bool, st state) error {
	o := s.opts.Log
	o.CRCPropertyFrom = s.crcFrom
	if s.crcFrom < 0 {
		o.CRCPropertyFrom = math.MaxInt64
	}
	var err error
	s.Log, s.recovery.Log, err = commitlog.Open(o, commitlog.Start{Clean: clean, From: st.Flushed, Checkpoint: s.peer})
	if err != nil {
		return err
	}
	s.refuse.log = s.Log
	switch {
	case !o.CRCProperty:
		s.crcFrom = -1
	case s.crcFrom < 0 || s.crcFrom > s.Log.Max():
		s.crcFrom = s.Log.Max()
	}
	if s.crcFrom >= 0 {
		s.Log.VerifyCRCPropertyFrom(s.crcFrom)
	}
	return nil
}

// openQueues opens the queues, cut back to the end of the log. It returns the log offset up to which they have everything.
func (s *Store) openQueues(clean, own bool, st state) (from int64, err error) {
	end, lowest := s.Log.Max(), s.Log.Min()
	from = st.Queues
	if !own {
		// The peer's rule: what lies before the segment where its recovery would begin is in the queues.
		from = s.recovery.Log.From
	}
	o := consumequeue.Options{
		FS: s.opts.FS, Dir: s.path("consumequeue"), FileSize: s.opts.QueueFile, MaxOpenFiles: s.opts.OpenFiles,
		Clean: clean, DurableTo: min(from, end), LogEnd: end, MinLog: lowest, Holds: s.holds, Bounds: s.path("gantry.queues"), Logger: s.log,
	}
	if s.queues, err = consumequeue.Open(o); err != nil {
		return 0, err
	}
	if s.queues.Stats().Queues == 0 {
		from = lowest // lost, or never there
	}
	o.Dir, o.FileSize, o.Bounds = s.path("batchconsumequeue"), s.opts.BatchFile, s.path("gantry.batchqueues")
	if _, err := s.opts.FS.Stat(o.Dir); own && errors.Is(err, fs.ErrNotExist) {
		from = lowest // lost: whoever wrote the state has made it
	}
	if s.batches, err = consumequeue.OpenBatch(o); err != nil {
		return 0, err
	}
	if err := s.openExts(); err != nil {
		return 0, err
	}
	return max(lowest, min(from, end, s.queues.ReplayFrom(), s.batches.ReplayFrom())), nil
}

// openFollowers opens the index and sets the dispatcher to the log offset, at most queuesTo, from which on some follower
// lacks something.
func (s *Store) openFollowers(clean bool, st state, queuesTo int64) (from int64, err error) {
	end := s.Log.Max()
	s.queueFollow = &queueFollower{s: s}
	s.queueFollow.seen.Store(queuesTo)
	s.queueFollow.durable.Store(queuesTo)
	followers := []Follower{s.queueFollow}
	if !s.opts.NoIndex {
		s.index, err = index.Open(index.Options{
			FS: s.opts.FS, Dir: s.path("index"), Slots: s.opts.IndexSlots, Entries: s.opts.IndexEntries, Now: s.opts.Now, Logger: s.log,
		}, index.State(st.Index), clean)
		if err != nil {
			return 0, err
		}
		s.indexFollow = &indexFollower{s: s}
		followers = append(followers, s.indexFollow)
	}
	followers = append(followers, s.opts.Followers...)
	from = queuesTo
	for _, f := range followers[1:] {
		if f.Durable() > end || f == Follower(s.indexFollow) && s.index.Stats().LastOffset >= end {
			if err := f.Truncate(end); err != nil {
				return 0, err
			}
		}
		from = min(from, f.Durable())
	}
	from = max(from, s.Log.Min())
	if seeded.Is(seeded.ReplayTooLate) {
		from = end
	}
	s.dispatcher.s, s.dispatcher.followers = s, followers
	s.dispatcher.nudged = make(chan struct{}, 1)
	s.dispatcher.pos.Store(from)
	return from, nil
}

// replay shows the followers what they have not seen.
func (s *Store) replay() error {
	told := time.Now()
	for {
		progress, err := s.dispatcher.step()
		if err != nil || !progress {
			return err
		}
		if time.Since(told) > progressEvery {
			told = time.Now()
			s.log.Info("store: following the log", "position", s.dispatcher.pos.Load(), "end", s.Log.Max())
		}
	}
}

// holds tells whether the record at a log offset has a message of a queue offset.
func (s *Store) holds(topic string, id int32, queueOffset, logOffset int64) bool {
	b, err := s.Log.Record(logOffset, nil)
	if err != nil {
		return false
	}
	var r record.Record
	if record.Decode(b, &r) != nil {
		return false
	}
	var e Entry
	e.set(&r)
	if string(e.Topic) == topic && e.QueueID == id {
		count, err := strconv.ParseInt(string(e.innerNum), 10, 16)
		if err != nil {
			count = 1
		}
		return queueOffset >= e.QueueOffset && queueOffset < e.QueueOffset+count
	}
	for name, offset := range e.light() {
		if string(name) == topic && id == 0 && offset == queueOffset {
			return true
		}
	}
	return false
}

// noteForeignParts says which parts of a store Gantry doesn't read.
func (s *Store) noteForeignParts() {
	for _, part := range []struct{ file, what string }{
		{"consumequeue/CURRENT", "consume queues in RocksDB: built anew from the log"},
		{"consumequeue_rocksdb/CURRENT", "consume queues in RocksDB: built anew from the log"},
		{"rocksdbstore/CURRENT", "index, timers or transactions in RocksDB: what is in the log counts"},
		{"kvStore/CURRENT", "pop state in RocksDB: what is in the log counts"},
		{"config/tieredStoreMetadata.json", "the tiered store: messages older than the log are not read"},
	} {
		if _, err := s.opts.FS.Stat(s.path(part.file)); err == nil {
			s.log.Warn("store: a part is not read", "found", s.path(part.file), "what", part.what)
		}
	}
}
