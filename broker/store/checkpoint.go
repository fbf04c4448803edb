package store

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/seeded"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// checkpointer makes followers and checkpoint durable from time to time.
func (s *Store) checkpointer() {
	tick := time.NewTicker(s.opts.CheckpointInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-s.indexFull:
			if err := s.dispatcher.flush(func(f Follower) bool { return f == Follower(s.indexFollow) }); err != nil {
				s.log.Error("store: index", "error", err)
			}
			continue
		case <-tick.C:
		}
		now := time.Now()
		all := now.Sub(s.indexFlushed) >= s.opts.IndexInterval
		if all {
			s.indexFlushed = now
		}
		due := func(f Follower) bool {
			return all || f != Follower(s.indexFollow) && (f != Follower(s.queueFollow) || s.queueFollow.due())
		}
		if err := s.checkpointOf(due, all, false); err != nil {
			s.log.Error("store: checkpoint", "error", err)
			s.refuse.set("checkpoint", err)
		} else {
			s.refuse.clear("checkpoint")
		}
	}
}

// flushIndexSoon has the checkpointer write the index out.
func (s *Store) flushIndexSoon() {
	select {
	case s.indexFull <- struct{}{}:
	default:
	}
}

// markRunning marks the store as in use, and writes down what recovery has made of it: the log is about to grow beyond
// positions that the state on disk may speak of.
func (s *Store) markRunning() error {
	if err := vfs.WriteFileAtomic(s.opts.FS, s.path(abortName), strconv.AppendInt(nil, int64(os.Getpid()), 10)); err != nil {
		return err
	}
	s.checkpointMu.Lock()
	defer s.checkpointMu.Unlock()
	if seeded.Is(seeded.StateNotRenewed) {
		return nil
	}
	return s.save(s.peer, false)
}

// checkpoint makes the followers durable, the index only if all is set, and then writes down how far everything is.
func (s *Store) checkpoint(all, clean bool) error {
	return s.checkpointOf(func(f Follower) bool { return all || f != Follower(s.indexFollow) }, all, clean)
}

// checkpointOf makes the followers durable that are due, which is all of them if all is set, and then writes down how far everything is.
// The order is the point: no file says of another that it is durable before it is.
func (s *Store) checkpointOf(due func(Follower) bool, all, clean bool) error {
	s.checkpointMu.Lock()
	defer s.checkpointMu.Unlock()
	if seeded.Is(seeded.StateBeforeData) {
		s.queueFollow.durable.Store(s.queueFollow.seen.Load())
		_ = s.save(s.peer, clean)
		s.queueFollow.durable.Store(-1)
	}
	if err := s.dispatcher.flush(due); err != nil {
		return err
	}
	// After the followers: what they have of a record is not to be older than the record on disk.
	if err := s.Log.Flush(); err != nil {
		return err
	}
	next := s.peer
	next.LogTimestamp = max(next.LogTimestamp, s.Log.FlushedAt())
	if all {
		// The peer's recovery begins in the segment of this record and takes what lies before it for durable, the index included.
		q := s.queueFollow.flushed
		next.QueueTimestamp = max(next.QueueTimestamp, q.storeTimestamp)
		next.QueueLogOffset = max(next.QueueLogOffset, q.logOffset)
		if s.indexFollow != nil {
			next.IndexTimestamp = max(next.IndexTimestamp, s.indexFollow.durable.Load())
		}
	}
	return s.save(next, clean)
}

// save writes state and checkpoint, if there is anything new. The caller has checkpointMu.
func (s *Store) save(next commitlog.Checkpoint, clean bool) error {
	return s.saveUpTo(s.Log.Flushed(), next, clean)
}

// saveUpTo is save for a log that is about to be cut: only what lies below flushed is vouched for.
func (s *Store) saveUpTo(flushed int64, next commitlog.Checkpoint, clean bool) error {
	if next.QueueLogOffset >= s.Log.Max() {
		// The log was cut back. What will stand there is not in the queues.
		next.QueueTimestamp, next.QueueLogOffset, next.IndexTimestamp = 0, 0, 0
	}
	st := state{
		Format: stateFormat, Peer: checkpointBytes(next), PeerBefore: checkpointBytes(s.peer),
		Clean: clean, Flushed: flushed, Queues: s.queueFollow.Durable(), CRCFrom: s.crcFrom,
	}
	if s.index != nil {
		st.Index = savedIndex(s.index.State())
	}
	line := st.encode()
	if bytes.Equal(line, s.saved) {
		return nil
	}
	s.saved = nil // which of the two stands there after an error, nobody knows
	// The state names both the old and the new checkpoint of the peer, so that a crash between the two writes leaves a pair that fits.
	if err := vfs.WriteFileAtomic(s.opts.FS, s.path(stateName), line); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := commitlog.WriteCheckpoint(s.opts.FS, s.path("checkpoint"), next); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	s.peer, s.saved = next, line
	return nil
}
