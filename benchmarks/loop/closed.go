package loop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// closed is a load in a closed loop.
type closed struct {
	options     *generator.Options
	start       time.Time
	measureFrom atomic.Int64 // ns since start; notYet during the warm-up
	left        atomic.Int64 // measured sends that may still start, with Options.Count
	stopped     atomic.Bool  // no further sends
}

const notYet = -1

// Closed keeps a window of sends in flight on each connection, in which an answer makes room for the next one, as the options say. Slots
// are 0 … window-1. Further than the answers themselves it checks nothing.
func Closed(ctx context.Context, o *generator.Options, conns []Conn) (*generator.Report, error) {
	l := &closed{options: o, start: time.Now()}
	l.measureFrom.Store(notYet)
	l.left.Store(o.Count)
	usage := &measure.Usage{PID: o.PID}
	if err := usage.Check(); err != nil {
		return nil, err
	}
	if o.Warmup == 0 {
		l.measure(usage)
	}
	lanes := make([]*lane, len(conns))
	var working sync.WaitGroup
	for i, c := range conns {
		lanes[i] = newLane(l, c)
		working.Go(lanes[i].work)
	}
	done := make(chan struct{})
	go func() { // ends with the lanes, whose exchanges have deadlines
		working.Wait()
		close(done)
	}()
	if o.Warmup > 0 {
		l.wait(ctx, done, o.Warmup)
		l.measure(usage)
	}
	if o.Count == 0 {
		l.wait(ctx, done, o.Duration)
		l.stopped.Store(true)
	}
	l.wait(ctx, done, 0)
	<-done
	usage.End()
	return l.report(lanes, usage)
}

// ClosedOver is Closed over as many connections as the options say, which it makes and closes. check adds to the report what they found.
func ClosedOver[C Conn](ctx context.Context, o *generator.Options, dial func(number int) (C, error), check func(*generator.Report, []C)) (*generator.Report, error) {
	var own []C
	var conns []Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for n := range o.Connections {
		c, err := dial(n)
		if err != nil {
			return nil, err
		}
		own, conns = append(own, c), append(conns, c)
	}
	r, err := Closed(ctx, o, conns)
	if r != nil {
		check(r, own)
	}
	return r, err
}

// Fill sends what a load of pulls is to find, which isn't measured. A backlog with a hole is an error.
func Fill(ctx context.Context, o *generator.Options, send func(context.Context, *generator.Options) (*generator.Report, error)) error {
	fill := *o
	fill.Mode, fill.Warmup, fill.PID = generator.ModeSend, 0, 0
	r, err := send(ctx, &fill)
	if err == nil {
		err = r.Err()
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("fill topic %s with %d messages: %w", o.Topic, o.Count, err)
	}
	return nil
}

func (l *closed) now() int64 { return int64(time.Since(l.start)) }

func (l *closed) measure(u *measure.Usage) {
	u.Begin()
	l.measureFrom.Store(l.now())
}

// wait returns when the time is over (0: never), the lanes are done, or ctx has ended, which stops them.
func (l *closed) wait(ctx context.Context, done <-chan struct{}, d time.Duration) {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-done:
	case <-ctx.Done():
		l.stopped.Store(true)
	}
}

// claim returns how many sends may start now, at most room, and whether they are measured.
func (l *closed) claim(room int) (n int, measured bool) {
	switch {
	case l.stopped.Load():
		return 0, false
	case l.measureFrom.Load() == notYet:
		return room, false
	case l.options.Count == 0:
		return room, true
	}
	left := l.left.Add(-int64(room)) + int64(room) // before this claim; below 0 when others took the last ones
	return int(max(0, min(int64(room), left))), true
}

func (l *closed) report(lanes []*lane, u *measure.Usage) (*generator.Report, error) {
	r := l.options.NewReport(l.start)
	total := measure.NewHistogram()
	var messages, lastAnswer int64
	var errs []error
	for _, n := range lanes {
		total.Merge(n.latency)
		messages += n.messages
		lastAnswer = max(lastAnswer, n.lastAnswer)
		errs = append(errs, n.err)
		r.Problems = append(r.Problems, n.problems()...)
	}
	r.Latency = r.Keep("", total)
	r.Count(messages, lastAnswer-l.measureFrom.Load())
	r.Use(u)
	return r, errors.Join(errs...)
}
