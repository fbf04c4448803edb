package stats

import "time"

// Window is a time up to now over which sums can be asked for.
type Window struct{ length, grain time.Duration }

// The windows that the past is fine enough for.
var (
	TenSeconds = Window{interval, interval}
	Minute     = Window{time.Minute, interval}
	TenMinutes = Window{10 * time.Minute, time.Minute}
	Hour       = Window{time.Hour, 10 * time.Minute}
	Day        = Window{24 * time.Hour, time.Hour}
)

// Length is how long the window is.
func (w Window) Length() time.Duration { return w.length }

// Over is what was counted in a window.
type Over struct {
	Sum
	Span time.Duration // that was really looked at: windows begin where a span does
}

// PerSecond is the rate of n.
func (o Over) PerSecond(n int64) float64 { return float64(n) / o.Span.Seconds() }

// begin is where a window begins that ends now: at the border of a span, at most one grain late.
func (w Window) begin(last, now time.Duration) time.Duration {
	if w.length == interval {
		return last - interval // the span that was sampled last, and what came after it
	}
	if w.grain == interval {
		return last - w.length + w.grain
	}
	return now.Truncate(w.grain) - w.length + w.grain
}

// over sums up a counter's window.
func (c *Counter) over(w Window, last, now time.Duration) Over {
	begin := w.begin(last, now)
	o := Over{Sum: c.Total().minus(c.sampled)}
	for i := len(c.past) - 1; i >= 0 && c.past[i].from >= begin; i-- {
		o.Sum = o.plus(c.past[i].Sum)
	}
	// A counter that is younger than a span would show any rate.
	o.Span = max(now-max(begin, c.born), interval)
	return o
}
