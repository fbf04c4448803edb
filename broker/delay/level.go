package delay

import (
	"errors"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/consumequeue"
)

const (
	// maxUnits and maxBytes bound what is delivered by one append.
	maxUnits = 256
	maxBytes = 1 << 20
	// maxSleep is how long a level sleeps without a look at the clock, which may have been set.
	maxSleep = time.Second
	// retryAfter is how long a level rests that could not read or write.
	retryAfter = 500 * time.Millisecond
)

// level delivers the messages of one queue of the schedule topic. Its goroutine owns all but what mu guards.
type level struct {
	s      *Service
	number int32 // from 1
	delay  time.Duration
	queue  *store.Queue

	arrival store.Arrival
	arrived chan struct{}
	paused  bool // the last attempt failed

	// The clock was set back by backMs, or more, while the messages below log offset backBelow waited.
	backMs, backBelow int64

	units  [maxUnits]consumequeue.Unit
	buf    []byte
	drafts []record.Draft
	from   []int64 // queue offsets of the messages that drafts are copies of

	// mu is held while copies are appended and offset moves behind their messages, so that who reads offset knows that no copy is in
	// the log that it doesn't count.
	mu     sync.Mutex
	offset int64 // queue offset of the first message that is not delivered
}

func newLevel(s *Service, number int32, offset int64) *level {
	l := &level{s: s, number: number, queue: s.opts.Store.Queue(meta.ScheduleTopic, number-1), offset: max(0, offset), arrived: make(chan struct{}, 1)}
	if n := len(s.opts.Levels); n > 0 {
		l.delay = s.opts.Levels[min(int(number), n)-1]
	}
	l.arrival.Wake = func(*store.Arrival) { l.arrived <- struct{}{} } // one wake for one wait: there is room
	return l
}

// delivered is the queue offset of the first message that is not delivered.
func (l *level) delivered() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.offset
}

// advance moves the offset forward, to to.
func (l *level) advance(to int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offset = max(l.offset, to)
}

// clamp takes an offset back that lies beyond the queue as it was recovered.
func (l *level) clamp() {
	if _, next := l.queue.Bounds(); l.offset > next {
		l.s.opts.Logger.Warn("delay: offset beyond the end of its queue", "level", l.number, "was", l.offset, "now", next)
		l.offset = next
	}
}

// run delivers until Close.
func (l *level) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, err := l.step()
		if err != nil {
			wait = retryAfter
		}
		l.tell(err)
		if wait < 0 && !l.await() {
			return
		}
		timer.Reset(max(0, wait))
		select {
		case <-l.s.quit:
			return
		case <-timer.C:
		}
	}
}

// tell logs that deliveries stop, and that they go on.
func (l *level) tell(err error) {
	switch {
	case err != nil && !l.paused:
		l.s.opts.Logger.Error("delay: deliveries paused", "level", l.number, "queueOffset", l.delivered(), "error", err)
	case err == nil && l.paused:
		l.s.opts.Logger.Info("delay: deliveries go on", "level", l.number, "queueOffset", l.delivered())
	}
	l.paused = err != nil
}

// await waits for a message in the queue. It returns false when there is nothing more to wait for.
func (l *level) await() bool {
	l.arrival.From = l.delivered()
	if !l.queue.Await(&l.arrival) {
		_, next := l.queue.Bounds()
		return next > l.arrival.From // else the queue is gone, with the store
	}
	select {
	case <-l.arrived:
		return true
	case <-l.s.quit:
		if !l.queue.Cancel(&l.arrival) {
			<-l.arrived
		}
		return false
	}
}

// step delivers what is due, as much as goes into one append. wait is how long until there may be more: negative if the queue is
// empty.
func (l *level) step() (wait time.Duration, err error) {
	at := l.delivered()
	n, err := l.queue.Read(l.units[:], at)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		if lowest, next := l.queue.Bounds(); at < lowest {
			l.s.opts.Logger.Warn("delay: messages were gone before they were delivered", "level", l.number, "queueOffset", at, "first", lowest)
			l.advance(lowest)
			return 0, nil
		} else if at < next {
			return 0, nil // it has come meanwhile
		}
		return -1, nil
	}
	n, wait, err = l.due(at, n)
	if err != nil || n == 0 {
		return wait, err
	}
	return 0, l.deliver(at, n)
}

// due tells how many of n units, the first of which stands at queue offset at, are due and fit into one append. If it is none,
// wait is how long to sleep.
func (l *level) due(at int64, n int) (count int, wait time.Duration, err error) {
	now := l.s.opts.Now().UnixMilli()
	bytes := int64(0)
	for i, u := range l.units[:n] {
		due, err := l.dueAt(u, at+int64(i), now)
		if err != nil {
			return 0, 0, err
		}
		if left := due - now; left > 0 {
			return i, min(time.Duration(left)*time.Millisecond, maxSleep), nil
		}
		if bytes += int64(u.Size); bytes > maxBytes {
			return max(1, i), 0, nil
		}
	}
	return n, 0, nil
}

// dueAt is when a message is due, in ms since 1970.
func (l *level) dueAt(u consumequeue.Unit, queueOffset, now int64) (int64, error) {
	due, err := l.s.opts.Store.TagCode(l.queue, u.TagCode)
	if errors.Is(err, store.ErrNoTagCode) {
		var stored int64
		if stored, err = l.s.opts.Store.StoreTime(l.queue, queueOffset); hopeless(err) {
			return now, nil // nor does it when it is delivered, and is passed over
		}
		due = stored + l.delay.Milliseconds()
	}
	if err != nil {
		return 0, err
	}
	if u.LogOffset >= l.backBelow {
		l.backMs = 0
	}
	due -= l.backMs
	if latest := now + l.delay.Milliseconds(); due > latest {
		l.backMs += due - latest
		l.backBelow = l.s.opts.Store.Log.Max()
		due = latest
	}
	return due, nil
}
