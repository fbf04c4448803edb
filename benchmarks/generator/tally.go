package generator

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// maxLatency is the largest latency that a histogram tells apart, in nanoseconds. Larger ones count as this.
const maxLatency = int64(100_000_000_000)

// tally collects what came of a connection's sends. It belongs to that connection's goroutine until the run ends.
type tally struct {
	messages   int64                   // measured sends that were answered with code 0
	lastAnswer int64                   // when the last measured answer came, ns since the run's start
	latency    *hdrhistogram.Histogram // of those messages, ns
	failures   map[int32]*Failure      // by response code, the warm-up's included
	queues     []offsets               // by queue id, the warm-up's included
	unasked    int64                   // answers that belong to no send in flight
	misplaced  int64                   // answers that name another queue than the send did
	unplaced   int64                   // answers of success without a queue offset
}

func newTally(queues int) *tally {
	return &tally{
		latency:  hdrhistogram.New(1_000, maxLatency, 3),
		failures: make(map[int32]*Failure),
		queues:   make([]offsets, queues),
	}
}

// answered counts the answer to a send.
func (t *tally) answered(a *answer, s *slot, now int64) {
	if a.stored {
		if a.queueID == s.queueID {
			t.queues[s.queueID].add(a.queueOffset)
		} else {
			t.misplaced++
		}
	}
	if a.code != 0 {
		t.failed(a)
		return
	}
	if !a.stored {
		t.unplaced++
	}
	if s.measured {
		t.messages++
		t.lastAnswer = now
		_ = t.latency.RecordValue(min(now-s.sentAt, maxLatency)) // fails beyond maxLatency only
	}
}

func (t *tally) failed(a *answer) {
	f := t.failures[a.code]
	if f == nil {
		f = &Failure{Code: a.code, Remark: a.remark()}
		t.failures[a.code] = f
	}
	f.Count++
}

// merge adds o to t.
func (t *tally) merge(o *tally) {
	t.messages += o.messages
	t.lastAnswer = max(t.lastAnswer, o.lastAnswer)
	t.latency.Merge(o.latency)
	for code, f := range o.failures {
		if have := t.failures[code]; have != nil {
			have.Count += f.Count
		} else {
			t.failures[code] = f
		}
	}
	for i := range o.queues {
		t.queues[i].merge(o.queues[i])
	}
	t.unasked += o.unasked
	t.misplaced += o.misplaced
	t.unplaced += o.unplaced
}

// problems says in words what the broker did that it must not.
func (t *tally) problems() []string {
	var out []string
	note := func(n int64, what string) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d answers %s", n, what))
		}
	}
	note(t.unasked, "to no send in flight")
	note(t.misplaced, "with another queue than the send asked for")
	note(t.unplaced, "of success without a queue offset")
	for id := range t.queues {
		if p := t.queues[id].problem(); p != "" {
			out = append(out, fmt.Sprintf("queue %d: %s", id, p))
		}
	}
	return out
}

// offsets is the set of queue offsets that a queue's sends got, in constant memory: enough to tell whether it is a range
// in which each offset occurs once, in whatever order they came.
type offsets struct {
	count    int64
	min, max int64
	sum      uint64 // of the hashes of all
}

func (o *offsets) add(offset int64) {
	o.merge(offsets{count: 1, min: offset, max: offset, sum: hash(offset)})
}

func (o *offsets) merge(p offsets) {
	switch {
	case p.count == 0:
	case o.count == 0:
		*o = p
	default:
		o.count += p.count
		o.min, o.max = min(o.min, p.min), max(o.max, p.max)
		o.sum += p.sum
	}
}

// problem returns "" when the offsets are what a queue must hand out.
func (o *offsets) problem() string {
	if o.count == 0 {
		return ""
	}
	if o.min < 0 {
		return fmt.Sprintf("offset %d, expected 0 or more", o.min)
	}
	if span := o.max - o.min + 1; span != o.count {
		return fmt.Sprintf("%d messages have the offsets %d … %d, expected %d of them", o.count, o.min, o.max, span)
	}
	var sum uint64
	for offset := o.min; offset <= o.max; offset++ {
		sum += hash(offset)
	}
	if sum != o.sum {
		return fmt.Sprintf("the offsets %d … %d of %d messages are not all different", o.min, o.max, o.count)
	}
	return ""
}

// hash is the finishing step of splitmix64: a bijection whose sums over different sets differ.
func hash(v int64) uint64 {
	x := uint64(v) + 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
