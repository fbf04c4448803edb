package generator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// run is what the lanes of one load share.
type run struct {
	options Options
	start   time.Time
	nonce   uint64 // first half of all unique keys

	measureFrom atomic.Int64 // ns since start; notYet during the warm-up
	left        atomic.Int64 // measured sends that may still start, with Options.Count
	stopped     atomic.Bool  // no further sends
}

const notYet = -1

func (r *run) now() int64 { return int64(time.Since(r.start)) }

// claim returns how many sends may start now, at most room, and whether they are measured.
func (r *run) claim(room int) (n int, measured bool) {
	if r.stopped.Load() {
		return 0, false
	}
	if r.measureFrom.Load() == notYet {
		return room, false
	}
	if r.options.Count == 0 {
		return room, true
	}
	left := r.left.Add(-int64(room)) + int64(room) // before this claim; below 0 when others took the last ones
	return int(max(0, min(int64(room), left))), true
}

// Run puts the load on the broker and reports what came of it. Progress, if not nil, is a terminal that gets a line which
// is rewritten twice a second. When ctx ends, sending stops and the report covers what was sent. A connection that breaks
// ends the load with an error; the report then still tells what was measured until then. The report is nil only if the
// load didn't start.
func Run(ctx context.Context, o Options, progress io.Writer) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.PID != 0 {
		if _, err := readProcess(procDir(o.PID)); err != nil {
			return nil, err
		}
	}
	if err := createTopic(ctx, &o); err != nil {
		return nil, err
	}
	r := &run{options: o, nonce: rand.Uint64()}
	r.measureFrom.Store(notYet)
	r.left.Store(o.Count)

	body := newBody(o.SizeBytes)
	var lanes []*lane
	defer func() {
		for _, l := range lanes {
			l.conn.Close()
		}
	}()
	for n := range o.Connections {
		l, err := dialLane(ctx, r, n, body)
		if err != nil {
			return nil, err
		}
		lanes = append(lanes, l)
	}
	return r.drive(ctx, lanes, progress)
}

// drive runs the lanes, each in a goroutine that it waits for, and ends the phases in time.
func (r *run) drive(ctx context.Context, lanes []*lane, progress io.Writer) (*Report, error) {
	u := usage{pid: r.options.PID}
	line := progressLine{out: progress, run: r, lanes: lanes}
	r.start = time.Now()
	if r.options.Warmup == 0 {
		r.measure(&u) // before the first send
	}
	errs := make([]error, len(lanes))
	done := make(chan struct{})
	var working sync.WaitGroup
	for i, l := range lanes {
		working.Go(func() {
			if errs[i] = l.work(); errs[i] != nil {
				r.stopped.Store(true) // the others finish what they have sent
			}
		})
	}
	go func() { // ends with the lanes, whose reads have deadlines
		working.Wait()
		close(done)
	}()

	if r.options.Warmup > 0 {
		r.wait(ctx, done, r.options.Warmup, &line)
		r.measure(&u)
	}
	if r.options.Count == 0 {
		r.wait(ctx, done, r.options.Duration, &line)
		r.stopped.Store(true)
	}
	r.wait(ctx, done, untilDone, &line)
	u.end()
	line.clear()

	total := newTally(r.options.Queues)
	for _, l := range lanes {
		total.merge(l.tally)
	}
	return r.report(total, &u), errors.Join(errs...)
}

// measure begins the measured part.
func (r *run) measure(u *usage) {
	u.begin()
	r.measureFrom.Store(r.now())
}

const untilDone = time.Duration(1<<63 - 1)

// wait returns when the time is over, all lanes have ended, or ctx has, which it makes known by stopping the run. Once
// the run is stopped ctx has no further effect.
func (r *run) wait(ctx context.Context, done <-chan struct{}, d time.Duration, line *progressLine) {
	over := time.NewTimer(d)
	defer over.Stop()
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	ended := ctx.Done()
	if r.stopped.Load() {
		ended = nil
	}
	for {
		select {
		case <-tick.C:
			line.draw(r.now())
		case <-ended:
			r.stopped.Store(true)
			if d != untilDone {
				return
			}
			ended = nil
		case <-over.C:
			return
		case <-done:
			return
		}
	}
}

// createTopic asks the broker for the topic on a connection of its own.
func createTopic(ctx context.Context, o *Options) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("generator: create topic %s with %d queues at %s: %w", o.Topic, o.Queues, o.Addr, err)
		}
	}()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(o.AnswerTimeout)); err != nil {
		return err
	}
	if _, err := conn.Write(createTopicFrame(o.Topic, o.Queues)); err != nil {
		return err
	}
	var got []byte
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return err
		}
		got = append(got, buf[:n]...)
		frame, _, err := cutFrame(got)
		if err != nil {
			return err
		}
		if frame == nil {
			continue
		}
		a, err := parseAnswer(frame)
		if err != nil {
			return err
		}
		if a.code != 0 {
			return fmt.Errorf("answer code %d: %s", a.code, a.remark())
		}
		return nil
	}
}
