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
	failures   failures                // the warm-up's included
	queues     []offsets               // by queue id, the warm-up's included
	unasked    int64                   // answers that belong to no send in flight
	misplaced  int64                   // answers that name another queue than the send did
	unplaced   int64                   // answers of success without a queue offset
}

func newTally(queues int) *tally {
	return &tally{latency: newHistogram(), failures: make(failures), queues: make([]offsets, queues)}
}

// newHistogram returns an empty histogram of latencies in ns.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1_000, maxLatency, 3) }

func record(h *hdrhistogram.Histogram, ns int64) {
	_ = h.RecordValue(min(ns, maxLatency)) // fails beyond maxLatency only
}

// answered counts the answer to a send. The slot's item is the queue id.
func (t *tally) answered(a *answer, s *slot, now int64) {
	t.placed(a, s.item)
	if a.code == 0 && s.measured {
		t.count(now-s.sentAt, now)
	}
}

// placed checks where the answer says the message is.
func (t *tally) placed(a *answer, queueID int64) {
	switch {
	case a.stored && int64(a.queueID) == queueID:
		t.queues[queueID].add(a.queueOffset)
	case a.stored:
		t.misplaced++
	case a.code == 0:
		t.unplaced++
	}
	if a.code != 0 {
		t.failures.add(a)
	}
}

// count counts a measured message.
func (t *tally) count(latency, now int64) {
	t.messages++
	t.lastAnswer = now
	record(t.latency, latency)
}

// merge adds o to t.
func (t *tally) merge(o *tally) {
	t.messages += o.messages
	t.lastAnswer = max(t.lastAnswer, o.lastAnswer)
	t.latency.Merge(o.latency)
	t.failures.merge(o.failures)
	for i := range o.queues {
		t.queues[i].merge(o.queues[i])
	}
	t.unasked += o.unasked
	t.misplaced += o.misplaced
	t.unplaced += o.unplaced
}

// problems says in words what the broker did that it must not.
func (t *tally) problems() []string {
	var p problems
	p.note(t.unasked, "answers to no send in flight")
	p.note(t.misplaced, "answers with another queue than the send asked for")
	p.note(t.unplaced, "answers of success without a queue offset")
	for id := range t.queues {
		if text := t.queues[id].problem(); text != "" {
			p = append(p, fmt.Sprintf("queue %d: %s", id, text))
		}
	}
	return p
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
