package delay

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/broker/topics"
)

// Options are what a Service works with.
type Options struct {
	Store   *store.Store
	Topics  *topics.Life
	Offsets *meta.DelayOffsets
	Levels  []time.Duration // the delays of the levels 1, 2, …
	// SaveEvery is how often offsets are saved; 0 is 10 s. It bounds what a start after a crash has to read of the log.
	SaveEvery time.Duration
	Now       func() time.Time // nil: time.Now
	Logger    *slog.Logger     // nil: silent
}

// Service delivers delayed messages. Its methods are safe for concurrent use.
type Service struct {
	opts      Options
	levels    []*level
	delivered atomic.Int64
	skipped   atomic.Int64

	saving sync.Mutex // one save at a time

	start  sync.Once
	closed sync.Once
	quit   chan struct{}
	wg     sync.WaitGroup // levels and saver
}

// Open finds out what has been delivered. Nothing is delivered before Start.
func Open(o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.SaveEvery = cmp.Or(o.SaveEvery, 10*time.Second)
	s := &Service{opts: o, quit: make(chan struct{})}
	state, _ := o.Offsets.Last()
	for _, number := range s.numbers() {
		s.levels = append(s.levels, newLevel(s, number, state.Offsets[number]))
	}
	if state.LogOffset >= 0 {
		if err := s.resume(state.LogOffset); err != nil {
			return nil, fmt.Errorf("delay: look for what was delivered: %w", err)
		}
	}
	for _, l := range s.levels {
		l.clamp()
	}
	// Before the first delivery: without a place in the log to read from, a process that dies soon would leave no trace of it.
	if err := s.save(0); err != nil {
		s.opts.Logger.Error("delay: offsets not saved", "error", err)
	}
	return s, nil
}

// numbers are the levels that are configured, and those that a former configuration had and in which messages may still wait.
func (s *Service) numbers() []int32 {
	var all []int32
	for i := range s.opts.Levels {
		all = append(all, int32(i+1))
	}
	s.opts.Store.EachQueue(func(topic string, id int32) {
		if topic == meta.ScheduleTopic && int(id) >= len(s.opts.Levels) {
			all = append(all, id+1)
		}
	})
	slices.Sort(all)
	return slices.Compact(all)
}

// level finds the level of a queue of the schedule topic; nil if there is none.
func (s *Service) level(queueID int32) *level {
	i, ok := slices.BinarySearchFunc(s.levels, queueID+1, func(l *level, n int32) int { return cmp.Compare(l.number, n) })
	if !ok {
		return nil
	}
	return s.levels[i]
}

// Start begins to deliver. It is called once, after Open.
func (s *Service) Start() {
	s.start.Do(func() {
		for _, l := range s.levels {
			s.wg.Go(l.run)
		}
		s.wg.Go(s.saver)
	})
}

// Close ends deliveries and saves how far they are. The store must still be open.
func (s *Service) Close() error {
	err := error(nil)
	s.closed.Do(func() {
		close(s.quit)
		s.wg.Wait()
		err = s.save(0)
	})
	return err
}

// Level is how far a level is.
type Level struct {
	Number int32
	Delay  time.Duration
	Offset int64 // queue offset of the first message that is not delivered
	Next   int64 // queue offset behind the last message
}

// Levels tells how far each level is.
func (s *Service) Levels() []Level {
	all := make([]Level, len(s.levels))
	for i, l := range s.levels {
		_, next := l.queue.Bounds()
		offset := l.delivered()
		all[i] = Level{l.number, l.delay, offset, max(offset, next)}
	}
	return all
}

// Counts are how many messages were delivered, and passed over, since Open.
func (s *Service) Counts() (delivered, skipped int64) {
	return s.delivered.Load(), s.skipped.Load()
}
