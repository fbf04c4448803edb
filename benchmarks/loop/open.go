package loop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// headStart is how long after an open loop's start its first send is due.
const headStart = int64(50 * time.Millisecond)

// Open is a load of sends at fixed times on one connection, whatever the server does. Latencies count from when a send was due.
type Open struct {
	measure.Pacer
	options  *generator.Options
	usage    *measure.Usage
	stopped  atomic.Bool
	answered *measure.Arrivals

	// Of the goroutine that takes the answers.
	messages, lastAnswer int64
	latency              *hdrhistogram.Histogram
	slots                measure.Offsets
	refused, unasked     int64
}

// NewOpen returns the load that the options say, of sends with about so many bytes. It begins now: see Pacer.Start.
func NewOpen(o *generator.Options, sendBytes int) (*Open, error) {
	l := &Open{
		Pacer: o.Pacer(sendBytes), options: o, usage: &measure.Usage{PID: o.PID}, answered: measure.NewArrivals(), latency: measure.NewHistogram(),
	}
	l.Start, l.Base = time.Now(), headStart
	return l, l.usage.Check()
}

// Run sends all and takes the answers, until ctx ends. It closes the connection. Received, if not nil, is called when everything has
// been answered, with how many messages the server has, and returns when they have been received, which counts as part of the load.
func (l *Open) Run(ctx context.Context, c Conn, received func(stored int64) error) error {
	stop := context.AfterFunc(ctx, func() { l.stopped.Store(true) })
	defer stop()
	var takeErr error
	var taking, beginning sync.WaitGroup
	sent := make(chan struct{})
	beginning.Go(func() { l.beginUsage(sent) })
	taking.Go(func() {
		if takeErr = l.take(c); takeErr != nil {
			l.stopped.Store(true)
			l.answered.Give()
		}
	})
	err := l.Pacer.Run(&l.stopped, func(from, to int64) error {
		for seq := from; seq < to; seq++ {
			c.Send(seq, l.Due(seq))
		}
		return c.Flush()
	})
	if err != nil {
		l.answered.Give()
	}
	close(sent)
	beginning.Wait()
	l.answered.Expect(l.Sent)
	<-l.answered.All() // the other goroutine's reads have deadlines
	c.Close()
	taking.Wait()
	if err = errors.Join(err, takeErr); err == nil && received != nil {
		err = received(l.slots.Count - l.refused)
	}
	l.usage.End()
	return err
}

// beginUsage notes what was used during the warm-up, when that is over. It gives up when all is sent.
func (l *Open) beginUsage(sent <-chan struct{}) {
	warm := time.NewTimer(time.Until(l.Start.Add(time.Duration(l.Due(l.First)))))
	defer warm.Stop()
	select {
	case <-warm.C:
		l.usage.Begin()
	case <-sent:
	}
}

// Stop ends the sending early.
func (l *Open) Stop() { l.stopped.Store(true) }

// take reads answers until the connection is closed on this side.
func (l *Open) take(c Conn) error {
	for {
		if err := c.Read(); errors.Is(err, net.ErrClosed) {
			return nil
		} else if err != nil {
			return fmt.Errorf("loop: %d answers so far: %w", l.answered.N(), err)
		}
		now := int64(time.Since(l.Start))
		for {
			seq, stored, more, err := c.Next()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			l.settle(seq, stored, now)
		}
	}
}

func (l *Open) settle(seq int64, stored bool, now int64) {
	if seq < 0 || seq >= l.Total {
		l.unasked++
		return
	}
	l.slots.Add(seq)
	switch {
	case !stored:
		l.refused++
	case seq >= l.First:
		l.messages++
		l.lastAnswer = now
		measure.Record(l.latency, now-l.Due(seq))
	}
	l.answered.Add(1)
}

// Report reports the sends. Run must have returned.
func (l *Open) Report() *generator.Report {
	r := l.options.NewReport(l.Start)
	r.InFlight = 0 // as many as the rate makes it
	r.Latency = r.Keep("", l.latency)
	r.Count(l.messages, l.lastAnswer-l.Due(l.First))
	r.Use(l.usage)
	l.describe(r, r.Latency)
	return r
}

// ReportReceived reports messages that were received, with the time from when they were due until then, the last of them at lastAt.
func (l *Open) ReportReceived(delays *hdrhistogram.Histogram, lastAt int64) *generator.Report {
	r := l.options.NewReport(l.Start)
	r.InFlight = 0
	r.Latency = r.Keep("", delays)
	r.Count(delays.TotalCount(), lastAt-l.Due(l.First))
	r.Use(l.usage)
	l.describe(r, r.Keep("sends", l.latency))
	return r
}

// describe adds what is about the sends, and what was wrong with the answers.
func (l *Open) describe(r *generator.Report, sends generator.Latency) {
	r.Delivery = &generator.DeliveryReport{
		Rate: l.Rate, Sent: max(0, l.Sent-l.First), Late: l.Late, SendLatency: sends, Lateness: r.Keep("lateness", l.Lateness),
	}
	note := func(n int64, what string) {
		if n > 0 {
			r.Problems = append(r.Problems, fmt.Sprintf("%d %s", n, what))
		}
	}
	note(l.refused, "sends that the server refused")
	note(l.unasked, "answers to no send")
	if l.slots.Problem() != "" || l.slots.Count != l.Sent {
		note(l.slots.Count, fmt.Sprintf("answers to %d sends, or not each send answered once", l.Sent))
	}
}
