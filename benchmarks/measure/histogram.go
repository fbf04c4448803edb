package measure

import "github.com/HdrHistogram/hdrhistogram-go"

// maxLatency is the largest latency that a histogram tells apart, in nanoseconds. Larger ones count as this.
const maxLatency = int64(100_000_000_000)

// NewHistogram returns an empty histogram of latencies in ns.
func NewHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1_000, maxLatency, 3) }

// Record adds a latency to a histogram that NewHistogram made.
func Record(h *hdrhistogram.Histogram, ns int64) {
	_ = h.RecordValue(min(ns, maxLatency)) // fails beyond maxLatency only
}
