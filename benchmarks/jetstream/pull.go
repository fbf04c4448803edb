package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/loop"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// pull publishes a backlog, which isn't measured, and reads it as often as asked.
func (b *bench) pull(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	nc, js, err := b.begin(o)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	usage := &measure.Usage{PID: o.PID}
	if err := usage.Check(); err != nil {
		return nil, err
	}
	backlogs, err := b.backlogs(ctx, js, o)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	for time.Since(started) < o.Warmup && ctx.Err() == nil {
		p, err := b.newPass(ctx, js, o, backlogs)
		if err == nil {
			err = p.run(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	var passes []*pass
	for range o.Passes {
		p, err := b.newPass(ctx, js, o, backlogs)
		if err != nil {
			return nil, err
		}
		passes = append(passes, p)
	}
	usage.Begin()
	from := time.Now()
	for _, p := range passes {
		if ctx.Err() == nil && err == nil {
			err = p.run(ctx)
		}
	}
	elapsed := time.Since(from)
	usage.End()
	return pullReport(o, started, passes, elapsed, usage), err
}

// backlogs fills the streams, or takes what they hold.
func (b *bench) backlogs(ctx context.Context, js jetstream.JetStream, o *generator.Options) ([]backlog, error) {
	if !o.NoFill {
		if err := b.createStreams(ctx, js, o); err != nil {
			return nil, err
		}
		if err := loop.Fill(ctx, o, sendAll); err != nil {
			return nil, err
		}
	}
	return b.look(ctx, js, o)
}

// pass is one reading of the whole backlog.
type pass struct {
	pullers []*puller
	want    int64
}

func (b *bench) newPass(ctx context.Context, js jetstream.JetStream, o *generator.Options, backlogs []backlog) (*pass, error) {
	body := measure.NewBody(o.SizeBytes)
	check := func(got []byte, _ int64) bool { return bytes.Equal(got, body) }
	pullers, err := b.pullers(ctx, js, o, backlogs, measure.NewArrivals(), func() func([]byte, int64) bool { return check })
	if err != nil {
		return nil, err
	}
	p := &pass{pullers: pullers}
	for _, l := range backlogs {
		p.want += l.end - l.from
	}
	return p, nil
}

// pullers connects to read the backlogs, which are dealt out among the connections. Each gets a check of bodies of its own.
func (b *bench) pullers(ctx context.Context, js jetstream.JetStream, o *generator.Options, backlogs []backlog, a *measure.Arrivals,
	check func() func([]byte, int64) bool) ([]*puller, error) {
	var out []*puller
	connections := min(o.Connections, len(backlogs))
	for n := range connections {
		p, err := dialPuller(ctx, o, b.batch, a, check())
		if err != nil {
			closePullers(out)
			return nil, err
		}
		out = append(out, p)
		for i := n; i < len(backlogs); i += connections {
			if err := p.read(ctx, js, backlogs[i].stream, backlogs[i].from, backlogs[i].end); err != nil {
				closePullers(out)
				return nil, err
			}
		}
	}
	return out, nil
}

func closePullers(pullers []*puller) {
	for _, p := range pullers {
		p.Close()
	}
}

// run reads everything. When ctx ends it breaks off.
func (p *pass) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { closePullers(p.pullers) })()
	defer closePullers(p.pullers)
	start := time.Now()
	errs := make([]error, len(p.pullers))
	var working sync.WaitGroup
	for i, l := range p.pullers {
		l.start = start
		working.Go(func() { errs[i] = l.work() })
	}
	working.Wait()
	if ctx.Err() != nil {
		return nil // what was closed is no error
	}
	return errors.Join(errs...)
}

func pullReport(o *generator.Options, started time.Time, passes []*pass, elapsed time.Duration, u *measure.Usage) *generator.Report {
	r := o.NewReport(started)
	r.InFlight = 0
	r.Pull = &generator.PullReport{Passes: o.Passes}
	total := measure.NewHistogram()
	var messages, bytes, damaged int64
	for _, p := range passes {
		r.Connections = len(p.pullers)
		r.Pull.Backlog = p.want
		for _, l := range p.pullers {
			messages += l.messages
			bytes += l.bytes
			damaged += l.damaged
			r.Pull.Pulls += l.requests
			total.Merge(l.latency)
		}
	}
	r.Latency = r.Keep("", total)
	r.Count(messages, int64(elapsed))
	r.Use(u)
	r.Pull.MegabytesPerSecond = float64(bytes) / 1e6 / elapsed.Seconds()
	if damaged > 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("%d messages with another body than was sent", damaged))
	}
	if want := r.Pull.Backlog * int64(o.Passes); messages != want {
		r.Problems = append(r.Problems, fmt.Sprintf("%d messages came, expected %d", messages, want))
	}
	return r
}
