package generator

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// bulk is a number of different requests that connections send as fast as they are answered.
type bulk struct {
	*run
	name  string // for a person: what is done
	addr  string
	total int64
	// request returns the frame of one of the requests, 0 … total-1. It is safe for concurrent use.
	request func(item int64, opaque int32) []byte
	// check returns "" when an answer of success is right. Likewise.
	check func(item int64, a *answer) string

	next atomic.Int64 // the first request that no lane has taken
}

// bulkResult is what came of a bulk.
type bulkResult struct {
	right      int64                   // answers of success that were right
	lastAnswer int64                   // ns since the bulk's start
	latency    *hdrhistogram.Histogram // of all requests, ns
	failures   failures
	wrong      int64 // answers of success that were not
	example    string
	unasked    int64
}

func newBulkResult() *bulkResult {
	return &bulkResult{latency: measure.NewHistogram(), failures: make(failures)}
}

// perSecond is how many right answers came in a second.
func (b *bulkResult) perSecond() float64 {
	if b.lastAnswer == 0 {
		return 0
	}
	return float64(b.right) / b.seconds()
}

func (b *bulkResult) seconds() float64 { return time.Duration(b.lastAnswer).Seconds() }

// do sends all requests. The result tells what was done until an error, or the end of ctx.
func (b *bulk) do(ctx context.Context) (*bulkResult, error) {
	o := &b.options
	total := newBulkResult()
	var tasks []*bulkTask
	var lanes []*lane
	defer func() { closeLanes(lanes) }()
	for n := range o.Connections {
		t := &bulkTask{bulk: b, bulkResult: newBulkResult()}
		l, err := dialLane(ctx, b.run, n, b.addr, o.InFlight, 64<<10, t)
		if err != nil {
			return total, err
		}
		tasks, lanes = append(tasks, t), append(lanes, l)
	}
	from := b.now()
	c := begin(lanes, b.stop)
	line := &progressLine{out: b.line, unit: b.name, count: c.answers, lastAt: from, rest: func(_ int64, rate float64) string {
		return itemsLeft(b.total-c.answers(), rate)
	}}
	b.wait(ctx, c.done, untilDone, line)
	line.clear()
	for _, t := range tasks {
		total.merge(t.bulkResult)
	}
	total.unasked = c.unasked()
	total.lastAnswer = max(0, total.lastAnswer-from)
	return total, c.err()
}

func (b *bulkResult) merge(o *bulkResult) {
	b.right += o.right
	b.lastAnswer = max(b.lastAnswer, o.lastAnswer)
	b.latency.Merge(o.latency)
	b.failures.merge(o.failures)
	b.wrong += o.wrong
	if o.example != "" {
		b.example = o.example
	}
}

// problems says in words what the broker did that it must not. what names the requests.
func (b *bulkResult) problems(what string) []string {
	var p problems
	p.note(b.unasked, "answers to no "+what+" in flight")
	p.note(b.wrong, fmt.Sprintf("wrong answers to %s, for example: %s", what, b.example))
	return p
}

// bulkTask is a lane's part of a bulk.
type bulkTask struct {
	bulk *bulk
	*bulkResult
}

func (t *bulkTask) fill(l *lane, now int64) {
	for l.room() > 0 && !t.bulk.stopped.Load() {
		item := t.bulk.next.Add(1) - 1
		if item >= t.bulk.total {
			return
		}
		l.out = append(l.out, t.bulk.request(item, l.begin(slot{item: item, sentAt: now}))...)
	}
}

func (t *bulkTask) answered(s *slot, a *answer, now int64) error {
	measure.Record(t.latency, now-s.sentAt)
	t.lastAnswer = now
	if a.code != 0 {
		t.failures.add(a)
	} else if wrong := t.bulk.check(s.item, a); wrong != "" {
		t.wrong++
		t.example = wrong
	} else {
		t.right++
	}
	return nil
}
