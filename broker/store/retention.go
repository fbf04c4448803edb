package store

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
)

// cleaner looks after the disk from time to time.
func (s *Store) cleaner() {
	tick := time.NewTicker(s.opts.CleanInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-tick.C:
			if _, err := s.Clean(false); err != nil {
				s.log.Error("store: retention", "error", err)
			}
		}
	}
}

// SetRetention replaces the policy that Clean goes by.
func (s *Store) SetRetention(r commitlog.Retention) { s.retention.Store(&r) }

// Clean deletes the segments that the retention policy gives up (onDemand: at any hour), with what is derived from them,
// and decides whether the disk has room for messages. It returns how many segments went.
func (s *Store) Clean(onDemand bool) (int, error) {
	usage, err := s.Log.Usage()
	if err != nil {
		return 0, err
	}
	policy, now := *s.retention.Load(), s.opts.Now()
	pass := policy.Decide(now, usage, onDemand)
	s.Log.AvoidFull(usage, policy.Refuse)

	keep, who := s.dispatcher.needs()
	to, err := s.Log.Expirable(policy, pass, now, keep)
	if err != nil {
		return 0, err
	}
	free, err := s.Log.Expirable(policy, pass, now, math.MaxInt64)
	if err != nil {
		return 0, err
	}
	n, err := s.retire(to)
	switch full := fmt.Sprintf("the disk is used beyond %.0f%% (diskSpaceWarningLevelRatio)", 100*policy.Refuse); {
	case !pass.Refuse:
		s.refuse.clear("disk")
	case free > to:
		s.refuse.set("disk", fmt.Errorf("%s; %s still needs the log from %d on", full, who, keep))
	default:
		s.refuse.set("disk", errors.New(full))
	}
	return n, err
}

// retire deletes the segments before to. The followers hear of it first: the queues note where they go on before
// what their offsets could be counted from is gone.
func (s *Store) retire(to int64) (int, error) {
	if to <= s.Log.Min() {
		return 0, nil
	}
	if err := s.dispatcher.retired(to); err != nil {
		return 0, err
	}
	n, err := s.Log.Retire(to)
	if n > 0 {
		s.log.Info("store: retired", "segments", n, "logMin", s.Log.Min())
	}
	return n, err
}
