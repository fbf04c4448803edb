package generator

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// headStart is how long after the consumers' first pulls the first send is due.
const headStart = int64(50 * time.Millisecond)

// delivery is a load of sends at a fixed rate, with consumers that wait for them.
type delivery struct {
	*paced
	body    []byte
	arrived *measure.Arrivals
	delays  []*hdrhistogram.Histogram // by lane: from when a send was due until it came, ns
	tasks   []*pullTask
	lanes   []*lane
}

func runLatency(ctx context.Context, r *run) (*Report, error) {
	if err := r.createTopic(ctx); err != nil {
		return nil, err
	}
	w, err := dialWire(ctx, r.options.Addr, 64<<10)
	if err != nil {
		return nil, fmt.Errorf("generator: connection of the sender: %w", err)
	}
	defer w.conn.Close()
	d := &delivery{body: measure.NewBody(r.options.SizeBytes), arrived: measure.NewArrivals()}
	d.paced = newPaced(r, w, d.body)
	defer func() { closeLanes(d.lanes) }()
	if !r.options.NoReceive {
		if err := d.connect(ctx); err != nil {
			return nil, err
		}
	}
	return d.drive(ctx)
}

// connect connects the consumers, which begin at the topic's end.
func (d *delivery) connect(ctx context.Context) error {
	ranges, err := d.look(ctx)
	if err != nil {
		return fmt.Errorf("generator: ends of topic %s at %s: %w", d.options.Topic, d.options.Addr, err)
	}
	for id := range ranges {
		ranges[id] = queueRange{ranges[id].end, endless}
	}
	d.tasks, d.lanes, err = d.pullers(ctx, ranges, d.arrived, d.newCheck)
	return err
}

// newCheck returns what a lane does with the bodies that come: it compares them with what was sent and takes the time.
func (d *delivery) newCheck() func(body []byte, now int64) bool {
	h := measure.NewHistogram()
	d.delays = append(d.delays, h)
	return func(body []byte, now int64) bool {
		if len(body) != len(d.body) || binary.BigEndian.Uint64(body) != d.nonce || !bytes.Equal(body[stampBytes:], d.body[stampBytes:]) {
			return false
		}
		if due := int64(binary.BigEndian.Uint64(body[8:])); due >= d.Due(d.First) {
			measure.Record(h, now-due)
		}
		return true
	}
}

// drive has the consumers wait, the sender send, and everything arrive.
func (d *delivery) drive(ctx context.Context) (*Report, error) {
	u := &measure.Usage{PID: d.options.PID}
	d.start = time.Now()
	d.Start, d.Base = d.start, headStart
	for _, t := range d.tasks {
		t.rewind(0)
	}
	c := begin(d.lanes, func() {
		d.stop()
		d.arrived.Give()
	})
	var sendErr error
	sent := make(chan struct{})
	go func() { // its reads have deadlines; drive waits for it
		sendErr = d.paced.work()
		close(sent)
	}()

	line := &progressLine{out: d.line, unit: "msg", count: d.arrived.N, rest: d.rest}
	d.wait(ctx, sent, time.Duration(d.Due(d.First)), line) // the warm-up
	u.Begin()
	d.wait(ctx, sent, untilDone, line)
	d.arrived.Expect(d.toCome())
	d.wait(ctx, d.arrived.All(), d.options.AnswerTimeout, line)
	u.End()
	line.clear()
	closeLanes(d.lanes)
	<-c.done
	return d.report(u, c.unasked()), errors.Join(sendErr, c.err())
}

func (d *delivery) rest(now int64, _ float64) string {
	if left := d.Due(d.Total) - now; left > 0 && !d.stopped.Load() {
		return timeLeft(time.Duration(left))
	}
	return "waiting for the last messages"
}

func (d *delivery) report(u *measure.Usage, unasked int64) *Report {
	total := newPullTask(d.run, d.arrived, nil)
	delays := measure.NewHistogram()
	for i, t := range d.tasks {
		total.merge(t)
		delays.Merge(d.delays[i])
	}
	rep := d.newReport()
	rep.InFlight = 0 // as many as the rate makes it
	total.failures.merge(d.tally.failures)
	rep.Failures = total.failures.list()
	rep.Problems = append(d.problems(), total.allProblems(unasked)...)
	if want, came := d.toCome(), total.messages; came != want {
		rep.Problems = append(rep.Problems, fmt.Sprintf("%d messages came, expected %d", came, want))
	}
	rep.Delivery = &DeliveryReport{Rate: d.options.Rate, Sent: max(0, d.Sent-d.First), Pulls: total.pulls, EmptyPulls: total.empty, Late: d.Late}
	if d.options.NoReceive {
		rep.Latency = rep.Keep("", d.tally.latency)
		rep.Delivery.SendLatency = rep.Latency
		rep.Count(d.tally.messages, d.tally.lastAnswer-d.Due(d.First))
	} else {
		rep.Latency = rep.Keep("", delays)
		rep.Delivery.SendLatency = rep.Keep("sends", d.tally.latency)
		rep.Count(delays.TotalCount(), total.lastAnswer-d.Due(d.First))
	}
	rep.Delivery.Lateness = rep.Keep("lateness", d.Lateness)
	rep.Use(u)
	return rep
}

// toCome is how many messages the consumers are to get.
func (d *delivery) toCome() int64 {
	if d.options.NoReceive {
		return 0
	}
	return d.stored()
}
