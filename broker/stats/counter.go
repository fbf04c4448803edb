package stats

import (
	"sync/atomic"
	"time"
)

// Sum is what was counted.
type Sum struct {
	Messages, Bytes int64
	Times           int64 // calls of Add
}

func (s Sum) plus(t Sum) Sum {
	return Sum{s.Messages + t.Messages, s.Bytes + t.Bytes, s.Times + t.Times}
}
func (s Sum) minus(t Sum) Sum {
	return Sum{s.Messages - t.Messages, s.Bytes - t.Bytes, s.Times - t.Times}
}

// Counter counts for one key. Add and Total are safe for concurrent use; the rest is the owner's, under its lock.
type Counter struct {
	messages, bytes, times atomic.Int64
	parts                  []*Counter // that count the same in a wider sense: all topics, say

	born    time.Duration // since the clock began
	sampled Sum           // total at the last sample
	past    []span        // by time, none of them zero
}

// span is what was counted from a time on, until the grain of its age has passed.
type span struct {
	from time.Duration // since the clock began
	Sum
}

// Add counts messages and their bytes.
func (c *Counter) Add(messages, bytes int64) { c.AddSum(Sum{messages, bytes, 1}) }

// AddSum is what several calls of Add do: who has many to make saves that CPUs fight for the counter with each.
func (c *Counter) AddSum(s Sum) {
	c.messages.Add(s.Messages)
	c.bytes.Add(s.Bytes)
	c.times.Add(s.Times)
	for _, p := range c.parts {
		p.AddSum(s)
	}
}

// Total is what was counted since the start.
func (c *Counter) Total() Sum {
	return Sum{c.messages.Load(), c.bytes.Load(), c.times.Load()}
}

// sample moves what came in since the last sample into the past, and forgets what is over a day old. idle says that nothing is left.
func (c *Counter) sample(last, now time.Duration) (idle bool) {
	total := c.Total()
	if since := total.minus(c.sampled); since != (Sum{}) {
		c.past = append(c.past, span{last, since})
		c.sampled = total
	}
	if len(c.past) > 0 {
		c.past = coarsen(c.past, now)
	}
	return len(c.past) == 0 && now-c.born > grains[len(grains)-1].until
}

// grain is how long spans are up to an age.
type grain struct{ length, until time.Duration }

// grains are in the order of age, and each length divides the next one.
var grains = [...]grain{{interval, time.Minute}, {time.Minute, 10 * time.Minute}, {10 * time.Minute, time.Hour}, {time.Hour, 24 * time.Hour}}

// grainOf is the grain of spans of an age; ok is false for what is to be forgotten.
func grainOf(age time.Duration) (g grain, ok bool) {
	for _, g := range grains {
		if age <= g.until {
			return g, true
		}
	}
	return grain{}, false
}

// coarsen joins spans that have grown so old that the grain of their age holds several, in place.
func coarsen(past []span, now time.Duration) []span {
	kept := past[:0]
	for _, s := range past {
		g, ok := grainOf(now - s.from)
		if !ok {
			continue
		}
		if g.length > interval {
			s.from = s.from.Truncate(g.length)
		}
		if n := len(kept); n > 0 && kept[n-1].from == s.from {
			kept[n-1].Sum = kept[n-1].plus(s.Sum)
			continue
		}
		kept = append(kept, s)
	}
	return kept
}
