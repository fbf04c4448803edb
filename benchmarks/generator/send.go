package generator

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// sending is a load of sends in a closed loop.
type sending struct {
	*run
	measureFrom atomic.Int64 // ns since start; notYet during the warm-up
	left        atomic.Int64 // measured sends that may still start, with Options.Count
	tasks       []*sendTask
	lanes       []*lane
}

const notYet = -1

func runSend(ctx context.Context, r *run) (*Report, error) {
	if err := r.createTopic(ctx); err != nil {
		return nil, err
	}
	s, err := newSending(ctx, r)
	if err != nil {
		return nil, err
	}
	defer closeLanes(s.lanes)
	t, u, err := s.drive(ctx)
	return s.report(t, u), err
}

func newSending(ctx context.Context, r *run) (*sending, error) {
	s := &sending{run: r}
	s.measureFrom.Store(notYet)
	s.left.Store(r.options.Count)
	body := measure.NewBody(r.options.SizeBytes)
	for n := range r.options.Connections {
		t := newSendTask(s, n, body)
		l, err := dialLane(ctx, r, n, r.options.Addr, r.options.InFlight, 64<<10, t)
		if err != nil {
			closeLanes(s.lanes)
			return nil, err
		}
		s.tasks, s.lanes = append(s.tasks, t), append(s.lanes, l)
	}
	return s, nil
}

// drive runs the lanes and ends the phases in time.
func (s *sending) drive(ctx context.Context) (*tally, *measure.Usage, error) {
	u := &measure.Usage{PID: s.options.PID}
	s.start = time.Now()
	if s.options.Warmup == 0 {
		s.measure(u) // before the first send
	}
	c := begin(s.lanes, s.stop)
	line := &progressLine{out: s.line, unit: "msg", count: c.answers, rest: s.rest}
	if s.options.Warmup > 0 {
		s.wait(ctx, c.done, s.options.Warmup, line)
		s.measure(u)
	}
	if s.options.Count == 0 {
		s.wait(ctx, c.done, s.options.Duration, line)
		s.stop()
	}
	s.wait(ctx, c.done, untilDone, line)
	u.End()
	line.clear()
	return s.tally(c), u, c.err()
}

// measure begins the measured part.
func (s *sending) measure(u *measure.Usage) {
	u.Begin()
	s.measureFrom.Store(s.now())
}

// tally adds up what came of all sends. The crew must be done.
func (s *sending) tally(c *crew) *tally {
	total := newTally(s.options.Queues)
	for _, t := range s.tasks {
		total.merge(t.tally)
	}
	total.unasked = c.unasked()
	return total
}

func (s *sending) report(t *tally, u *measure.Usage) *Report {
	rep := s.newReport()
	rep.Problems = t.problems()
	rep.Failures = t.failures.list()
	rep.Latency = rep.Keep("", t.latency)
	rep.Count(t.messages, t.lastAnswer-s.measureFrom.Load())
	rep.Use(u)
	return rep
}

// claim returns how many sends may start now, at most room, and whether they are measured.
func (s *sending) claim(room int) (n int, measured bool) {
	if s.stopped.Load() {
		return 0, false
	}
	if s.measureFrom.Load() == notYet {
		return room, false
	}
	if s.options.Count == 0 {
		return room, true
	}
	left := s.left.Add(-int64(room)) + int64(room) // before this claim; below 0 when others took the last ones
	return int(max(0, min(int64(room), left))), true
}

// rest says what is still to come, for the progress line.
func (s *sending) rest(now int64, rate float64) string {
	from := s.measureFrom.Load()
	switch {
	case s.stopped.Load():
		return "waiting for the last answers"
	case from == notYet:
		return "warming up"
	case s.options.Count == 0:
		return timeLeft(s.options.Duration - time.Duration(now-from))
	}
	return itemsLeft(s.left.Load(), rate)
}

// sendTask is what one lane sends and what came of it.
type sendTask struct {
	load   *sending
	frames []*sendFrame // by queue id
	seq    uint64
	tally  *tally
}

func newSendTask(s *sending, number int, body []byte) *sendTask {
	return &sendTask{
		load:   s,
		tally:  newTally(s.options.Queues),
		seq:    uint64(number), // lanes start at different queues
		frames: sendFrames(&s.options, s.nonce, number, body),
	}
}

// sendFrames builds the frames for a connection's sends to each of the topic's queues.
func sendFrames(o *Options, nonce uint64, connection int, body []byte) []*sendFrame {
	var frames []*sendFrame
	for q := range o.Queues {
		frames = append(frames, newSendFrame(o.Topic, q, o.Queues, keyPrefix(nonce, connection), body))
	}
	return frames
}

// keyPrefix returns the first 20 digits of a connection's unique keys.
func keyPrefix(nonce uint64, connection int) string {
	return fmt.Sprintf("%016X%04X", nonce, connection)
}

// fill begins a send for each free slot, as far as the load wants more.
func (t *sendTask) fill(l *lane, now int64) {
	want, measured := t.load.claim(l.room())
	if want == 0 {
		return
	}
	born := t.load.start.Add(time.Duration(now)).UnixMilli()
	for range want {
		queueID := int64(t.seq % uint64(len(t.frames)))
		opaque := l.begin(slot{item: queueID, sentAt: now, measured: measured})
		l.out = t.frames[queueID].appendTo(l.out, opaque, born, t.seq)
		t.seq++
	}
}

func (t *sendTask) answered(s *slot, a *answer, now int64) error {
	t.tally.answered(a, s, now)
	return nil
}
