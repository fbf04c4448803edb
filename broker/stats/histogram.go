package stats

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// bounds are the upper ends of the histogram's buckets. They contain those that RocketMQ tells of.
var bounds = [...]time.Duration{
	10 * time.Microsecond, 20 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 200 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second,
	2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second, 10 * time.Second,
}

// Histogram counts how long something took. It is safe for concurrent use.
type Histogram struct {
	buckets [len(bounds) + 1]atomic.Int64
	longest atomic.Int64 // ns
}

// Observe counts n that took d.
func (h *Histogram) Observe(d time.Duration, n int64) {
	i := 0
	for i < len(bounds) && d >= bounds[i] {
		i++
	}
	h.buckets[i].Add(n)
	for {
		old := h.longest.Load()
		if int64(d) <= old || h.longest.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

// Longest is the longest time observed.
func (h *Histogram) Longest() time.Duration { return time.Duration(h.longest.Load()) }

// Quantile is a time within which that part of all was done, to the next bound.
func (h *Histogram) Quantile(q float64) time.Duration {
	var all int64
	for i := range h.buckets {
		all += h.buckets[i].Load()
	}
	if all == 0 {
		return 0
	}
	var sum int64
	for i, bound := range bounds {
		if sum += h.buckets[i].Load(); float64(sum) >= q*float64(all) {
			return min(bound, h.Longest())
		}
	}
	return h.Longest()
}

// classes are how RocketMQ tells of the time that puts take.
var classes = [...]struct {
	name  string
	under time.Duration
}{
	{"<=0ms", time.Millisecond}, {"0~10ms", 10 * time.Millisecond}, {"10~50ms", 50 * time.Millisecond}, {"50~100ms", 100 * time.Millisecond},
	{"100~200ms", 200 * time.Millisecond}, {"200~500ms", 500 * time.Millisecond}, {"500ms~1s", time.Second}, {"1~2s", 2 * time.Second},
	{"2~3s", 3 * time.Second}, {"3~4s", 4 * time.Second}, {"4~5s", 5 * time.Second}, {"5~10s", 10 * time.Second},
}

// String lists the classes with their numbers: "[<=0ms]:5 [0~10ms]:2 …".
func (h *Histogram) String() string {
	var s strings.Builder
	i := 0
	for _, c := range classes {
		var n int64
		for ; i < len(bounds) && bounds[i] <= c.under; i++ {
			n += h.buckets[i].Load()
		}
		fmt.Fprintf(&s, "[%s]:%d ", c.name, n)
	}
	fmt.Fprintf(&s, "[10s~]:%d ", h.buckets[len(bounds)].Load())
	return s.String()
}
