package generator

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// run is what all parts of one load share.
type run struct {
	options Options
	start   time.Time
	nonce   uint64      // first half of all unique keys
	line    io.Writer   // for progress; nil: nowhere
	stopped atomic.Bool // no further requests
}

func (r *run) now() int64 { return int64(time.Since(r.start)) }

func (r *run) stop() { r.stopped.Store(true) }

// Run puts the load on the broker and reports what came of it. Progress, if not nil, is a terminal that gets a line which
// is rewritten twice a second. When ctx ends, sending stops and the report covers what was done. A connection that breaks
// ends the load with an error; the report then still tells what was measured until then. The report is nil only if the
// load didn't start.
func Run(ctx context.Context, o Options, progress io.Writer) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := (&measure.Usage{PID: o.PID}).Check(); err != nil {
		return nil, err
	}
	r := &run{options: o, start: time.Now(), nonce: rand.Uint64(), line: progress}
	rep, err := o.loadOf()(ctx, r)
	if rep != nil && err != nil {
		rep.Error = err.Error()
	}
	return rep, err
}

const untilDone = time.Duration(1<<63 - 1)

// wait returns when the time is over, done is closed, or ctx has ended, which it makes known by stopping the run. Once
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
			r.stop()
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

// createTopic asks the broker for the run's topic on a connection of its own.
func (r *run) createTopic(ctx context.Context) (err error) {
	o := &r.options
	defer func() {
		if err != nil {
			err = fmt.Errorf("generator: create topic %s with %d queues at %s: %w", o.Topic, o.Queues, o.Addr, err)
		}
	}()
	w, err := dialWire(ctx, o.Addr, 4<<10)
	if err != nil {
		return err
	}
	defer w.conn.Close()
	a, err := w.ask(createTopicFrame(firstOpaque, o.Topic, o.Queues), o.AnswerTimeout)
	if err != nil {
		return err
	}
	if a.code != 0 {
		return fmt.Errorf("answer code %d: %s", a.code, a.remark())
	}
	return nil
}
