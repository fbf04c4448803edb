package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/loop"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// pull produces a backlog, which isn't measured, and reads it as often as asked. There are no latencies.
func pull(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	usage := &measure.Usage{PID: o.PID}
	if err := usage.Check(); err != nil {
		return nil, err
	}
	spans, err := backlog(ctx, o)
	if err != nil {
		return nil, err
	}
	b := &backlogReading{options: o, spans: spans}
	started := time.Now()
	for time.Since(started) < o.Warmup && ctx.Err() == nil {
		if err := b.pass(ctx); err != nil {
			return nil, err
		}
	}
	b.messages, b.bytes, b.polls, b.damaged = 0, 0, 0, 0
	usage.Begin()
	from := time.Now()
	for n := 0; n < o.Passes && ctx.Err() == nil && err == nil; n++ {
		err = b.pass(ctx)
	}
	elapsed := time.Since(from)
	usage.End()
	return b.report(started, elapsed, usage), err
}

// backlog is what the topic holds, after it has been filled unless that isn't wanted.
func backlog(ctx context.Context, o *generator.Options) ([]span, error) {
	if !o.NoFill {
		if err := createTopic(ctx, o); err != nil {
			return nil, err
		}
	}
	from, err := ends(ctx, o, o.NoFill)
	if err != nil {
		return nil, err
	}
	if !o.NoFill {
		if err := loop.Fill(ctx, o, sendAll); err != nil {
			return nil, err
		}
	}
	end, err := ends(ctx, o, false)
	if err != nil {
		return nil, err
	}
	var spans []span
	for q := range from {
		spans = append(spans, span{from[q], end[q]})
	}
	return spans, nil
}

// backlogReading reads the same offsets again and again.
type backlogReading struct {
	options *generator.Options
	spans   []span

	connections                     int
	messages, bytes, polls, damaged int64
}

// pass reads everything once, or until ctx ends.
func (b *backlogReading) pass(ctx context.Context) error {
	body := measure.NewBody(b.options.SizeBytes)
	check := func(got []byte, _ int64) bool { return bytes.Equal(got, body) }
	consumers, err := newConsumers(b.options, b.spans, measure.NewArrivals(), func() func([]byte, int64) bool { return check })
	if err != nil {
		return err
	}
	defer closeConsumers(consumers)
	b.connections = len(consumers)
	errs := make([]error, len(consumers))
	var working sync.WaitGroup
	for i, c := range consumers {
		working.Go(func() { errs[i] = c.work(ctx) })
	}
	working.Wait()
	for _, c := range consumers {
		b.messages += c.messages
		b.bytes += c.bytes
		b.polls += c.polls
		b.damaged += c.damaged
	}
	return errors.Join(errs...)
}

func (b *backlogReading) report(started time.Time, elapsed time.Duration, u *measure.Usage) *generator.Report {
	r := b.options.NewReport(started)
	r.InFlight, r.Connections = 0, b.connections
	r.Pull = &generator.PullReport{Passes: b.options.Passes, Pulls: b.polls, MegabytesPerSecond: float64(b.bytes) / 1e6 / elapsed.Seconds()}
	for _, s := range b.spans {
		r.Pull.Backlog += s.end - s.from
	}
	r.Latency = r.Keep("", measure.NewHistogram())
	r.Count(b.messages, int64(elapsed))
	r.Use(u)
	if b.damaged > 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("%d messages with another body than was sent", b.damaged))
	}
	if want := r.Pull.Backlog * int64(b.options.Passes); b.messages != want {
		r.Problems = append(r.Problems, fmt.Sprintf("%d messages came, expected %d", b.messages, want))
	}
	return r
}
