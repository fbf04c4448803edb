package store

import (
	"sync/atomic"
	"time"
)

// DispatchStats are counters since the store was opened.
type DispatchStats struct {
	Memory, Log Shown // shown from what who appended them still had, and read back from the log
}

// Shown counts messages that were shown to the followers, and the time that this took. It is done one message after the other, so
// that the time of both kinds over a second of time is how busy dispatch was.
type Shown struct {
	Messages int64
	Time     time.Duration
}

// DispatchStats reads the counters.
func (s *Store) DispatchStats() DispatchStats {
	return DispatchStats{Memory: s.dispatcher.fromMemory.load(), Log: s.dispatcher.fromLog.load()}
}

// shown is a Shown that grows.
type shown struct{ messages, nanoseconds atomic.Int64 }

func (c *shown) add(messages int, d time.Duration) {
	c.messages.Add(int64(messages))
	c.nanoseconds.Add(int64(d))
}

func (c *shown) load() Shown { return Shown{c.messages.Load(), time.Duration(c.nanoseconds.Load())} }
