package commitlog

import (
	"sync/atomic"
	"time"
)

// gatherer lets a synchronous flush wait until as many writers wait as did when the last flush ended: those that it let go are
// on their way with their next message, and an fdatasync now would make most of them wait for the one after it.
//
// The flusher blocks for it and doesn't spin: so the scheduler gives its processor to the writers, wherever they are queued.
type gatherer struct {
	expected atomic.Int32 // how many are to wait before the flush begins; 0 when it isn't waited for
	arrived  chan struct{}
	crowd    atomic.Int32 // how many waited when the last flush ended
	last     atomic.Int64 // how many ns that flush took

	// The rest belongs to the flusher.
	timer   *time.Timer
	skip    int // flushes for which not to gather
	backoff int // flushes to skip after the next gathering in vain
}

const maxBackoff = 31

func (g *gatherer) init() {
	g.arrived = make(chan struct{}, 1)
	g.timer = time.NewTimer(time.Hour)
	g.timer.Stop()
}

// came notes that there are now waiting who wait.
func (g *gatherer) came(waiting int32) {
	if n := g.expected.Load(); n > 0 && waiting >= n && g.expected.CompareAndSwap(n, 0) {
		select {
		case g.arrived <- struct{}{}:
		default:
		}
	}
}

// gather waits for the writers that it expects, for half as long as the last flush took and no longer than limit: those who
// are there already should not lose more than the others gain. Where it has been in vain it isn't tried again for a while.
func (l *Log) gather() {
	g := &l.gatherer
	crowd, began := g.crowd.Load(), l.waiting()
	if crowd <= 1 || began >= crowd {
		return
	}
	if g.skip > 0 {
		g.skip--
		return
	}
	select {
	case <-g.arrived: // of a former wait that ended by itself
	default:
	}
	g.expected.Store(crowd)
	defer g.expected.Store(0)
	g.came(l.waiting()) // they may have come just before
	g.timer.Reset(min(l.opts.Gather, time.Duration(g.last.Load())/2))
	defer g.timer.Stop()
	select {
	case <-g.arrived:
		g.backoff = 0
	case <-l.quit:
	case <-g.timer.C:
		if came := l.waiting() - began; came > (crowd-began)/2 {
			g.backoff = 0
			return
		}
		g.backoff = min(2*g.backoff+1, maxBackoff)
		g.skip = g.backoff
	}
}
