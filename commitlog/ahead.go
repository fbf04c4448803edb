package commitlog

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gantry-mq/gantry/commitlog/mapped"
)

// allocator makes the next segment before it is needed, so that a roll doesn't wait for the file system.
type allocator struct {
	log  *Log
	jobs chan int64

	mu     sync.Mutex // guards ready; held while a file is made, so that take waits for one that is under way
	ready  *mapped.Segment
	wanted atomic.Int64 // base of the segment asked for last; −1 when that is no longer wanted
}

func (a *allocator) init(l *Log) {
	a.log, a.jobs = l, make(chan int64, 1)
	a.wanted.Store(-1)
}

// want asks for the segment at base to be made. It never waits.
func (a *allocator) want(base int64) {
	if a.wanted.Load() == base || a.wanted.Swap(base) == base {
		return
	}
	select {
	case a.jobs <- base:
	default:
	}
}

// AllocateAhead makes the next segment now if it is time to. A log that isn't Manual does so by itself.
func (l *Log) AllocateAhead() {
	select {
	case base := <-l.ahead.jobs:
		l.ahead.prepare(base)
	default:
	}
}

func (a *allocator) run() {
	for {
		select {
		case <-a.log.quit:
			return
		case base := <-a.jobs:
			a.prepare(base)
		}
	}
}

func (a *allocator) prepare(base int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// Since it was asked for, the log may have gone on without it, or been cut back: a file behind a gap would keep it from opening.
	if a.ready != nil || a.wanted.Load() != base {
		return
	}
	var err error
	if a.ready, err = a.make(base); err != nil {
		// Whoever needs the segment tries again, and reports it.
		a.log.opts.Logger.Warn("commit log: allocate ahead", "error", err)
	}
}

// take hands out the segment at base: the one that was made ahead, or a new one.
func (a *allocator) take(base int64) (*mapped.Segment, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wanted.Store(-1) // a job that is still waiting must not make, and so empty, the file that is in use from here on
	if s := a.ready; s != nil {
		a.ready = nil
		if s.Base() == base {
			return s, nil
		}
		if err := s.Retire(true); err != nil {
			return nil, fmt.Errorf("commitlog: %w", err)
		}
	}
	return a.make(base)
}

// giveBack keeps a segment that was taken and not used for the next time.
func (a *allocator) giveBack(s *mapped.Segment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ready = s
}

// discard deletes what was made and never used, and forgets what was asked for.
func (a *allocator) discard() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wanted.Store(-1)
	s := a.ready
	if s == nil {
		return nil
	}
	a.ready = nil
	if err := s.Retire(true); err != nil {
		return fmt.Errorf("commitlog: segment allocated ahead: %w", err)
	}
	return nil
}

func (a *allocator) make(base int64) (*mapped.Segment, error) {
	o := &a.log.opts
	s, err := mapped.Create(o.FS, a.log.dirFor(base), base, o.SegmentSize)
	if err != nil {
		return nil, fmt.Errorf("commitlog: %w", err)
	}
	return s, nil
}
