package produce

import (
	"fmt"
	"sync/atomic"
	"time"
)

// congestion knows whether messages come through to the log. All methods are safe for concurrent use.
type congestion struct {
	start     time.Time    // since is counted from here, so that a clock that is set doesn't matter
	appending atomic.Int32 // appends that are under way or wait for their turn
	since     atomic.Int64 // ns: when the last of them had its turn, or the first one came
}

// enter notes that an append begins, and tells whether there are others.
func (c *congestion) enter(now time.Time) (others bool) {
	if c.appending.Load() == 0 {
		c.turn(now)
	}
	return c.appending.Add(1) > 1
}

// turn notes that an append has its turn, which means that the one before is through.
func (c *congestion) turn(now time.Time) { c.since.Store(int64(now.Sub(c.start))) }

func (c *congestion) leave() { c.appending.Add(-1) }

// stall is for how long the append whose turn it is has been at it.
func (c *congestion) stall(now time.Time) time.Duration {
	if c.appending.Load() == 0 {
		return 0
	}
	return now.Sub(c.start) - time.Duration(c.since.Load())
}

// busyError turns messages away that would be stored too late. The words are those that RocketMQ's users look for.
type busyError struct {
	kind    string
	waited  time.Duration
	waiting int32
	hint    string
}

func (e *busyError) Error() string {
	return fmt.Sprintf("[%s]broker busy, start flow control for a while, period in queue: %dms, size of queue: %d (%s)", e.kind, e.waited.Milliseconds(), e.waiting, e.hint)
}

// append stores the drafts of a batch, unless the log is stuck or their turn comes too late: their senders are better off with
// another broker then, and have perhaps given up already.
func (s *Service) append(b *Batch) {
	now := s.Now()
	if b.Arrived.IsZero() {
		b.Arrived = now
	}
	if stall := s.congestion.stall(now); stall > s.Config.Load().AppendStall {
		b.fail(&busyError{"PC_SYNCHRONIZED", stall, s.congestion.appending.Load(), "a write to the log takes longer than osPageCacheBusyTimeOutMills"})
		return
	}
	if err := s.late(b, now); err != nil {
		b.fail(err)
		return
	}
	b.service, b.queued = s, s.congestion.enter(now)
	// What it returns stands in the drafts, too.
	_ = s.Store.AppendQuiet(b.drafts, b.admit)
	s.congestion.leave()
}

// admit decides about a batch when it is its turn. One that had nobody before it has spent its time on itself: a large message takes
// some, and is not late for that.
func (s *Service) admit(b *Batch) error {
	now := s.Now()
	s.congestion.turn(now)
	if !b.queued {
		return nil
	}
	return s.late(b, now)
}

func (s *Service) late(b *Batch, now time.Time) error {
	if waited := now.Sub(b.Arrived); s.Config.Load().FastFail && waited > s.Config.Load().SendWait {
		return &busyError{"TIMEOUT_CLEAN_QUEUE", waited, s.congestion.appending.Load(), "see waitTimeMillsInSendQueue"}
	}
	return nil
}

// Backlog is how many batches are on their way into the log at present, and for how long the one whose turn it is has been at it.
func (s *Service) Backlog() (batches int, stall time.Duration) {
	return int(s.congestion.appending.Load()), s.congestion.stall(s.Now())
}
