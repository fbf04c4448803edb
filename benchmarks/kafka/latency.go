package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/loop"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// maxOpen bounds the sends of an open loop that have no answer yet; when the server is that far behind, the sender waits.
const maxOpen = 1 << 16

// latency produces at a fixed rate to consumers whose fetches wait at the server.
func latency(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := createTopic(ctx, o); err != nil {
		return nil, err
	}
	sender, err := newProducer(o, 0, maxOpen)
	if err != nil {
		return nil, err
	}
	defer sender.Close()
	sender.stamped = true
	d := &delivery{body: measure.NewBody(o.SizeBytes), arrived: measure.NewArrivals()}
	if !o.NoReceive {
		if err := d.connect(ctx, o); err != nil {
			return nil, err
		}
		defer closeConsumers(d.consumers)
	}
	l, err := loop.NewOpen(o, o.SizeBytes)
	if err != nil {
		return nil, err
	}
	reading, stopReading := context.WithCancel(context.Background()) // until all is there, also when ctx has ended
	defer stopReading()
	var received func(int64) error
	if !o.NoReceive {
		d.begin(reading, l)
		received = func(stored int64) error { return d.await(stored, o.AnswerTimeout) }
	}
	runErr := l.Run(ctx, sender, received)
	stopReading()
	d.working.Wait()
	r := d.report(l)
	checkOffsets(r, []*producer{sender})
	return r, errors.Join(runErr, errors.Join(d.errs...))
}

// delivery is the consumers of messages that tell when they were due.
type delivery struct {
	body      []byte
	first     int64 // when the first measured message is due
	arrived   *measure.Arrivals
	consumers []*consumer
	delays    []*hdrhistogram.Histogram // by consumer
	working   sync.WaitGroup
	errs      []error // by consumer
	stored    int64
}

// connect makes consumers that begin at the topic's end.
func (d *delivery) connect(ctx context.Context, o *generator.Options) error {
	end, err := ends(ctx, o, false)
	if err != nil {
		return err
	}
	var spans []span
	for _, offset := range end {
		spans = append(spans, span{offset, endless})
	}
	d.consumers, err = newConsumers(o, spans, d.arrived, d.newCheck)
	return err
}

// newCheck returns what a consumer does with the bodies that come: it compares them with what was sent and takes the time.
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
func (d *delivery) begin(ctx context.Context, l *loop.Open) {
	d.first = l.Due(l.First)
	d.errs = make([]error, len(d.consumers))
	for i, c := range d.consumers {
		c.start = l.Start
		d.working.Go(func() {
			if d.errs[i] = c.work(ctx); d.errs[i] != nil {
				l.Stop()
				d.arrived.Give()
			}
		})
	}
}

// await returns when everything that the server has has come.
func (d *delivery) await(stored int64, patience time.Duration) error {
	d.stored = stored
	d.arrived.Wait(stored, patience)
	return nil // the report says how many came
}

func (d *delivery) report(l *loop.Open) *generator.Report {
	if d.consumers == nil {
		return l.Report()
	}
	total := measure.NewHistogram()
	var messages, damaged, lastAt, polls int64
	for i, c := range d.consumers {
		total.Merge(d.delays[i])
		messages += c.messages
		damaged += c.damaged
		polls += c.polls
		lastAt = max(lastAt, c.lastAt)
	}
	r := l.ReportReceived(total, lastAt)
	r.Delivery.Pulls = polls
	if messages != d.stored {
		r.Problems = append(r.Problems, fmt.Sprintf("%d messages came, expected %d", messages, d.stored))
	}
	if damaged > 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("%d messages with another body than was sent", damaged))
	}
	return r
}
