package generator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// queueRange are the offsets from … end-1 of a queue.
type queueRange struct{ from, end int64 }

// pulling is a load of pulls that read a backlog.
type pulling struct {
	*run
	backlog int64 // messages in all queues
	arrived *measure.Arrivals
	tasks   []*pullTask
	lanes   []*lane
}

func runPull(ctx context.Context, r *run) (*Report, error) {
	ranges, err := r.backlog(ctx)
	if err != nil {
		return nil, err
	}
	p := &pulling{run: r, arrived: measure.NewArrivals()}
	defer func() { closeLanes(p.lanes) }()
	body := measure.NewBody(r.options.SizeBytes)
	check := func() func([]byte, int64) bool {
		return func(b []byte, _ int64) bool { return bytes.Equal(b, body) }
	}
	for _, q := range ranges {
		p.backlog += q.end - q.from
	}
	if p.tasks, p.lanes, err = r.pullers(ctx, ranges, p.arrived, check); err != nil {
		return nil, err
	}
	return p.drive(ctx)
}

// pullers connects lanes that read the ranges, which are the topic's queues, dealt out among them. Each gets a
// check of bodies of its own.
func (r *run) pullers(ctx context.Context, ranges []queueRange, a *measure.Arrivals, check func() func([]byte, int64) bool) (tasks []*pullTask, lanes []*lane, err error) {
	o := &r.options
	for n := range o.Connections {
		t := newPullTask(r, a, check())
		for id := n; id < len(ranges); id += o.Connections {
			t.read(id, ranges[id].from, ranges[id].end)
		}
		l, err := dialLane(ctx, r, n, o.Addr, min(o.InFlight, len(t.queues)), 256<<10, t)
		if err != nil {
			return tasks, lanes, err
		}
		tasks, lanes = append(tasks, t), append(lanes, l)
	}
	return tasks, lanes, nil
}

// backlog returns what is to be pulled: what it has just sent, or what the topic holds.
func (r *run) backlog(ctx context.Context) ([]queueRange, error) {
	if r.options.NoFill {
		ranges, err := r.look(ctx)
		if err != nil {
			return nil, fmt.Errorf("generator: backlog of topic %s at %s: %w", r.options.Topic, r.options.Addr, err)
		}
		return ranges, nil
	}
	if err := r.createTopic(ctx); err != nil {
		return nil, err
	}
	fill := &run{options: r.options, nonce: r.nonce, line: r.line}
	fill.options.Warmup, fill.options.PID = 0, 0
	s, err := newSending(ctx, fill)
	if err != nil {
		return nil, err
	}
	defer closeLanes(s.lanes)
	t, _, err := s.drive(ctx)
	switch {
	case err != nil:
	case ctx.Err() != nil:
		err = ctx.Err()
	case len(t.failures) > 0:
		err = fmt.Errorf("%+v", t.failures.list())
	case len(t.problems()) > 0:
		err = errors.New(t.problems()[0])
	}
	if err != nil {
		return nil, fmt.Errorf("generator: fill topic %s with %d messages: %w", r.options.Topic, r.options.Count, err)
	}
	ranges := make([]queueRange, len(t.queues))
	for id, o := range t.queues {
		if o.Count > 0 {
			ranges[id] = queueRange{o.Min, o.Max + 1}
		}
	}
	return ranges, nil
}

// look asks for the ends of all queues. It pulls once from each: every answer to a pull tells them.
func (r *run) look(ctx context.Context) ([]queueRange, error) {
	o := &r.options
	w, err := dialWire(ctx, o.Addr, 64<<10)
	if err != nil {
		return nil, err
	}
	defer w.conn.Close()
	var ranges []queueRange
	for id := range o.Queues {
		a, err := w.ask(newPullFrame(o.Topic, id, 1, 1, 0).appendTo(nil, firstOpaque, 0, 0), o.AnswerTimeout)
		switch {
		case err != nil:
			return nil, err
		case a.code != 0 && a.code != codePullNotFound && a.code != codePullRetry && a.code != codePullMoved:
			return nil, fmt.Errorf("queue %d: answer code %d: %s", id, a.code, a.remark())
		case a.minOffset < 0 || a.maxOffset < a.minOffset:
			return nil, fmt.Errorf("queue %d: offsets from %d to %d", id, a.minOffset, a.maxOffset)
		}
		ranges = append(ranges, queueRange{a.minOffset, a.maxOffset})
	}
	return ranges, nil
}

// drive reads the whole backlog again and again: first until the warm-up's time is over, then as often as is measured.
func (p *pulling) drive(ctx context.Context) (*Report, error) {
	u := measure.Usage{PID: p.options.PID}
	p.start = time.Now()
	line := &progressLine{out: p.line, unit: "msg", count: p.arrived.N}
	defer line.clear()
	var unasked int64
	pass := func(name string) error {
		line.rest = func(int64, float64) string { return name }
		for _, t := range p.tasks {
			t.rewind(p.now())
		}
		c := begin(p.lanes, p.stop)
		p.wait(ctx, c.done, untilDone, line)
		unasked = c.unasked()
		return c.err()
	}
	var err error
	for err == nil && p.now() < int64(p.options.Warmup) && !p.stopped.Load() && p.backlog > 0 {
		err = pass("warming up")
	}
	for _, t := range p.tasks {
		t.measure()
	}
	u.Begin()
	from := p.now()
	for n := 1; err == nil && n <= p.options.Passes && !p.stopped.Load(); n++ {
		err = pass(fmt.Sprintf("pass %d of %d", n, p.options.Passes))
	}
	u.End()
	return p.report(&u, from, unasked), err
}

func (p *pulling) report(u *measure.Usage, from, unasked int64) *Report {
	total := newPullTask(p.run, p.arrived, nil)
	for _, t := range p.tasks {
		total.merge(t)
	}
	rep := p.newReport()
	rep.InFlight = len(p.lanes[0].slots)
	rep.Problems = total.allProblems(unasked)
	rep.Failures = total.failures.list()
	rep.Latency = rep.Keep("", total.latency)
	rep.Count(total.messages, total.lastAnswer-from)
	rep.Use(u)
	rep.Pull = &PullReport{Backlog: p.backlog, Passes: p.options.Passes, Pulls: total.pulls, EmptyPulls: total.empty}
	if rep.ElapsedSeconds > 0 {
		rep.Pull.MegabytesPerSecond = float64(total.bytes) / 1e6 / rep.ElapsedSeconds
	}
	if want := p.backlog * int64(p.options.Passes); total.messages != want && !p.stopped.Load() {
		rep.Problems = append(rep.Problems, fmt.Sprintf("%d messages came, expected %d", total.messages, want))
	}
	return rep
}
