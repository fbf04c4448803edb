package store

import (
	"bytes"
	"fmt"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
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
		case <-tick.C:
		}
		now := time.Now()
		index := now.Sub(s.indexFlushed) >= s.opts.IndexInterval
		if index {
			s.indexFlushed = now
		}
		err := s.checkpoint(func(f Follower) bool { return index || f != Follower(s.indexFollow) }, false)
		if err != nil {
			s.log.Error("store: checkpoint", "error", err)
			s.refuse.set("checkpoint", err)
		} else {
			s.refuse.clear("checkpoint")
		}
	}
}

// checkpoint makes the followers durable that due picks, and then writes down how far everything is. The order is the
// point: no file says of another that it is durable before it is.
func (s *Store) checkpoint(due func(Follower) bool, clean bool) error {
	s.checkpointMu.Lock()
	defer s.checkpointMu.Unlock()
	if err := s.dispatcher.flush(due); err != nil {
		return err
	}
	next := s.peer
	next.LogTimestamp = max(next.LogTimestamp, s.Log.FlushedAt())
	if q := s.queueFollow.flushed; q.logOffset < s.Log.Flushed() {
		// The peer's recovery begins at the segment of this record and takes what lies before it for durable.
		next.QueueTimestamp = max(next.QueueTimestamp, q.storeTimestamp)
		next.QueueLogOffset = max(next.QueueLogOffset, q.logOffset)
	}
	st := state{Format: stateFormat, Clean: clean, Flushed: s.Log.Flushed(), Queues: s.queueFollow.Durable(), CRCFrom: s.crcFrom}
	if s.indexFollow != nil {
		next.IndexTimestamp = max(next.IndexTimestamp, s.indexFollow.durable.Load())
		st.Index = s.index.State()
	}
	st.Peer, st.PeerBefore = checkpointBytes(next), checkpointBytes(s.peer)
	line := st.encode()
	if bytes.Equal(line, s.saved) {
		return nil
	}
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
