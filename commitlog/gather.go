package commitlog

import (
	"sync/atomic"
	"time"
)

// gatherer lets a synchronous flush wait for the next messages of those whom the last one let go: they are on their way, and an fdatasync
// now would make most of them wait for the one after it.
//
// That pays if they are back soon. If they take long, because they are many, it is better that a flush of what is there goes on beside
// their work: so the crowd falls into two that take turns at the disk. How long they take is measured, whether or not a flush waits for
// them. The last sixteenth of them isn't waited for: there is always one who is late.
//
// The flusher blocks for it and doesn't spin: so the scheduler gives its processor to the writers, wherever they are queued.
type gatherer struct {
	epoch    time.Time
	expected atomic.Int64 // with how many messages in the log most of those are back whom the last flush let go; 0: they are
	backAt   atomic.Int64 // ns since epoch: when they were
	waiting  atomic.Bool  // the flusher waits for them
	arrived  chan struct{}

	// The rest is guarded by Log.flushing.
	counted  int64         // messages that were flushed, since the log was opened
	released int64         // those of the last flush
	crowd    int64         // those and the ones that came while it ran
	letGo    time.Duration // since epoch: when it ended
	took     time.Duration // how long it took
	away     time.Duration // how long it would take the whole crowd to be back: a moving average
	timer    *time.Timer
}

func (g *gatherer) init() {
	g.epoch = time.Now()
	g.arrived = make(chan struct{}, 1)
	g.timer = time.NewTimer(time.Hour)
	g.timer.Stop()
}

// came notes that there are now so many messages in the log.
func (g *gatherer) came(messages int64) {
	n := g.expected.Load()
	if n == 0 || messages < n {
		return
	}
	g.backAt.Store(int64(time.Since(g.epoch)))
	if g.expected.CompareAndSwap(n, 0) && g.waiting.Load() {
		select {
		case g.arrived <- struct{}{}:
		default:
		}
	}
}

// flushed notes that a flush has made the first counted messages of the log durable. There were more by the time that it ended.
func (g *gatherer) flushed(counted, more int64, began, ended time.Time) {
	now := ended.Sub(g.epoch)
	g.took = ended.Sub(began)
	if g.released > 0 {
		back := now // or later
		if g.expected.Load() == 0 {
			back = min(now, max(g.letGo, time.Duration(g.backAt.Load())))
		}
		g.measured(min(back-g.letGo, 2*g.took)) // who takes longer isn't waited for in any case
	}
	g.released, g.crowd, g.counted, g.letGo = counted-g.counted, more-g.counted, counted, now
	if g.released > 0 {
		g.expected.Store(more + g.released - g.released/16)
	}
}

// measured corrects what is known of the crowd by how long those were away whom the last flush let go. To wait in vain costs half a flush, and
// not to wait when it would have paid a whole one for most: so it falls faster than it rises.
func (g *gatherer) measured(away time.Duration) {
	wrong := away - g.away*time.Duration(g.released)/time.Duration(g.crowd)
	if wrong > 0 {
		wrong /= 4
	}
	g.away = max(0, g.away+wrong/2)
}

// patience is how long the next flush is to wait for those whom the last one let go: half as long as that took and limit at most, since
// those who are there should not lose more than the others gain.
func (g *gatherer) patience(limit time.Duration) time.Duration {
	limit = min(limit, g.took/2)
	if g.expected.Load() == 0 || g.away > limit {
		return 0
	}
	gone := time.Since(g.epoch) - g.letGo
	return min(limit, g.away+limit-gone) // who is overdue by that much has left, or has nothing to say
}

// single tells whether one message waits for a flush, and no more did last time.
func (g *gatherer) single(messages int64) bool { return g.released <= 1 && messages-g.counted == 1 }

// gather waits for those whom the last flush let go. The caller holds flushing.
func (l *Log) gather() {
	g := &l.gatherer
	wait := g.patience(l.opts.Gather)
	if wait <= 0 {
		return
	}
	select {
	case <-g.arrived: // of a former wait that ended by itself
	default:
	}
	g.waiting.Store(true)
	defer g.waiting.Store(false)
	if g.expected.Load() == 0 { // they came just before
		return
	}
	g.timer.Reset(wait)
	defer g.timer.Stop()
	select {
	case <-g.arrived:
	case <-l.quit:
	case <-g.timer.C:
	}
}
