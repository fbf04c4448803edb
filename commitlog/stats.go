package commitlog

import (
	"sync/atomic"
	"time"
)

// Stats are counters since the log was opened.
type Stats struct {
	Messages   int64 // stored
	Bytes      int64 // of their records
	Rolls      int64 // segments begun
	Flushes    int64
	FlushTime  time.Duration // in all
	FlushMax   time.Duration // the longest
	Appends    int64         // of any number of messages
	AppendTime time.Duration // that appends held the lock, in all: over a second of time, how busy it was
	Stalls     int64         // appends that held the lock for over 10 ms
	StallMax   time.Duration // the longest time an append held the lock
	WaitersNow int64         // completions that are still to come
}

type counters struct {
	messages, bytes, rolls atomic.Int64
	flushes                atomic.Int64
	flushTime, flushMax    atomic.Int64
	appends, appendTime    atomic.Int64
	stalls, stallMax       atomic.Int64
}

// stallThreshold is how long an append may hold the lock before it counts as a stall.
const stallThreshold = 10 * time.Millisecond

// appended notes how long an append held the lock.
func (c *counters) appended(d time.Duration) {
	c.appends.Add(1)
	c.appendTime.Add(int64(d))
	if d > stallThreshold {
		c.stalls.Add(1)
	}
	raise(&c.stallMax, int64(d))
}

func (c *counters) flushed(d time.Duration) {
	c.flushes.Add(1)
	c.flushTime.Add(int64(d))
	raise(&c.flushMax, int64(d))
}

func raise(v *atomic.Int64, to int64) {
	for {
		old := v.Load()
		if to <= old || v.CompareAndSwap(old, to) {
			return
		}
	}
}

// Stats reads the counters.
func (l *Log) Stats() Stats {
	c := &l.stats
	return Stats{
		Messages: c.messages.Load(), Bytes: c.bytes.Load(), Rolls: c.rolls.Load(),
		Flushes: c.flushes.Load(), FlushTime: time.Duration(c.flushTime.Load()), FlushMax: time.Duration(c.flushMax.Load()),
		Appends: c.appends.Load(), AppendTime: time.Duration(c.appendTime.Load()),
		Stalls: c.stalls.Load(), StallMax: time.Duration(c.stallMax.Load()),
		WaitersNow: int64(l.waiting()),
	}
}
