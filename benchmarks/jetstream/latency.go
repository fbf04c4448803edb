package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/loop"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// latency publishes at a fixed rate to consumers whose requests wait at the server.
func (b *bench) latency(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	nc, js, err := b.begin(o)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	if err := b.createStreams(ctx, js, o); err != nil {
		return nil, err
	}
	sender, err := dialProducer(ctx, o, 0)
	if err != nil {
		return nil, err
	}
	defer sender.Close()
	sender.stamped = true

	d := &delivery{body: measure.NewBody(o.SizeBytes), arrived: measure.NewArrivals()}
	if !o.NoReceive {
		if err := d.connect(ctx, b, js, o); err != nil {
			return nil, err
		}
		defer closePullers(d.pullers)
	}
	l, err := loop.NewOpen(o, o.SizeBytes)
	if err != nil {
		return nil, err
	}
	var received func(int64) error
	if !o.NoReceive {
		d.begin(l)
		received = func(stored int64) error { return d.await(stored, o.AnswerTimeout) }
	}
	runErr := l.Run(ctx, sender, received)
	closePullers(d.pullers)
	d.working.Wait()
	r := d.report(l)
	checkAcks(r, []*producer{sender})
	return r, errors.Join(runErr, errors.Join(d.errs...))
}

// delivery is the consumers of messages that tell when they were due.
type delivery struct {
	body    []byte
	first   int64 // when the first measured message is due
	arrived *measure.Arrivals
	pullers []*puller
	delays  []*hdrhistogram.Histogram // by puller
	working sync.WaitGroup
	errs    []error // by puller
	stored  int64
}

// connect makes the consumers of the streams, which are empty.
func (d *delivery) connect(ctx context.Context, b *bench, js jetstream.JetStream, o *generator.Options) (err error) {
	backlogs, err := b.look(ctx, js, o)
	if err != nil {
		return err
	}
	for i := range backlogs {
		backlogs[i].end = endless
	}
	d.pullers, err = b.pullers(ctx, js, o, backlogs, d.arrived, d.newCheck)
	return err
}

// newCheck returns what a puller does with the bodies that come: it compares them with what was sent and takes the time.
func (d *delivery) newCheck() func([]byte, int64) bool {
	h := measure.NewHistogram()
	d.delays = append(d.delays, h)
	return func(body []byte, now int64) bool {
		if len(body) != len(d.body) || !bytes.Equal(body[stampBytes:], d.body[stampBytes:]) {
			return false
		}
		if due := int64(binary.BigEndian.Uint64(body)); due >= d.first {
			measure.Record(h, now-due)
		}
		return true
	}
}

// begin has the consumers wait for what the load sends.
func (d *delivery) begin(l *loop.Open) {
	d.first = l.Due(l.First)
	d.errs = make([]error, len(d.pullers))
	for i, p := range d.pullers {
		p.start = l.Start
		d.working.Go(func() {
			if err := p.work(); !errors.Is(err, net.ErrClosed) {
				d.errs[i] = err
				l.Stop()
				d.arrived.Give()
			}
		})
	}
}

// await returns when everything that the streams have has come.
func (d *delivery) await(stored int64, patience time.Duration) error {
	d.stored = stored
	d.arrived.Wait(stored, patience)
	return nil // the report says how many came
}

func (d *delivery) report(l *loop.Open) *generator.Report {
	if d.pullers == nil {
		return l.Report()
	}
	total := measure.NewHistogram()
	var messages, damaged, lastAt, requests int64
	for i, p := range d.pullers {
		total.Merge(d.delays[i])
		messages += p.messages
		damaged += p.damaged
		requests += p.requests
		lastAt = max(lastAt, p.lastAt)
	}
	r := l.ReportReceived(total, lastAt)
	r.Delivery.Pulls = requests
	r.Connections = len(d.pullers)
	if messages != d.stored {
		r.Problems = append(r.Problems, fmt.Sprintf("%d messages came, expected %d", messages, d.stored))
	}
	if damaged > 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("%d messages with another body than was sent", damaged))
	}
	return r
}
