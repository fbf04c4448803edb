package generator

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// wakeEarly is how long before a send is due the sender wakes and spins: about what a wake-up costs. At 5,000 sends/s
	// it spins for a tenth of the time at most.
	wakeEarly = int64(20 * time.Microsecond)
	// lateAfter is how long after it was due a send counts as late.
	lateAfter = int64(time.Millisecond)
	// pacedBurstBytes bounds the write that carries everything that is due.
	pacedBurstBytes = 256 << 10

	stampBytes = 16 // at the start of a paced body: u64 the run's random number, i64 when the send was due
)

// paced sends at fixed times on one connection, whatever the broker does: send n is due at base + n/rate. What is overdue
// goes out at once, and latencies count from when a send was due, so that a stall shows in everything that waited for it.
//
// Two goroutines share it: one sends, one takes the answers. An answer's send follows from its opaque.
type paced struct {
	*run
	wire     *wire
	frames   []*sendFrame
	base     int64 // when send 0 is due, ns since the run's start
	first    int64 // the first send that is measured
	total    int64
	answered *arrivals

	// Of the sending goroutine.
	sent     int64
	late     int64
	lateness *hdrhistogram.Histogram // how long after they were due the measured sends went out

	// Of the goroutine that takes the answers.
	answer answer
	tally  *tally
	asked  offsets // the sends that were answered
}

func newPaced(r *run, w *wire, body []byte) *paced {
	o := &r.options
	p := &paced{
		run: r, wire: w, frames: sendFrames(o, r.nonce, 0, body), answered: newArrivals(),
		lateness: newHistogram(), tally: newTally(o.Queues),
	}
	p.first = o.sendsIn(o.Warmup)
	if p.total = p.first + o.Count; o.Count == 0 {
		p.total = p.first + o.sendsIn(o.Duration)
	}
	return p
}

// sendsIn is how many sends are due in so much time.
func (o *Options) sendsIn(d time.Duration) int64 { return int64(d.Seconds() * float64(o.Rate)) }

// due is when the send is due, in ns since the run's start.
func (p *paced) due(seq int64) int64 { return p.base + seq*int64(time.Second)/int64(p.options.Rate) }

// work sends all and waits for the answers. It closes the connection.
func (p *paced) work() error {
	var taking sync.WaitGroup
	var takeErr error
	taking.Go(func() {
		if takeErr = p.take(); takeErr != nil {
			p.stop()
			p.answered.give()
		}
	})
	sendErr := p.send()
	if sendErr != nil {
		p.answered.give()
	}
	p.answered.expect(p.sent)
	<-p.answered.all // the other goroutine's reads have deadlines
	p.wire.conn.Close()
	taking.Wait()
	return errors.Join(sendErr, takeErr)
}

func (p *paced) send() error {
	defer precise()()
	out := make([]byte, 0, 64<<10)
	for p.sent < p.total && !p.stopped.Load() {
		now := p.sleepUntil(p.due(p.sent))
		born := p.start.Add(time.Duration(now)).UnixMilli()
		out = out[:0]
		for p.sent < p.total && p.due(p.sent) <= now && len(out) < pacedBurstBytes {
			out = p.frames[p.sent%int64(len(p.frames))].appendTo(out, firstOpaque+int32(p.sent), born, uint64(p.sent))
			p.stamp(out[len(out)-p.options.SizeBytes:], p.due(p.sent))
			p.leave(now)
		}
		if err := p.wire.conn.SetWriteDeadline(time.Now().Add(p.options.AnswerTimeout)); err != nil {
			return p.fault("send", err)
		}
		if _, err := p.wire.conn.Write(out); err != nil {
			return p.fault("send", err)
		}
	}
	return nil
}

// leave counts the next send as sent.
func (p *paced) leave(now int64) {
	if late := now - p.due(p.sent); p.sent >= p.first {
		record(p.lateness, late)
		if late > lateAfter {
			p.late++
		}
	}
	p.sent++
}

// sleepUntil returns the time once it is due, at once if it is overdue.
func (p *paced) sleepUntil(due int64) int64 {
	for {
		now := p.now()
		if now >= due {
			return now
		}
		if d := due - now - wakeEarly; d > 0 {
			nap(time.Duration(d))
		}
	}
}

// stamp writes into a body which run it is of and when it was due.
func (p *paced) stamp(body []byte, due int64) {
	binary.BigEndian.PutUint64(body, p.nonce)
	binary.BigEndian.PutUint64(body[8:], uint64(due))
}

// take reads answers until the connection is closed on this side.
func (p *paced) take() error {
	for {
		if err := p.takeRead(); errors.Is(err, net.ErrClosed) {
			return nil
		} else if err != nil {
			return p.fault("answers", err)
		}
	}
}

// takeRead takes what one read brings.
func (p *paced) takeRead() error {
	if err := p.wire.conn.SetReadDeadline(time.Now().Add(p.options.AnswerTimeout)); err != nil {
		return err
	}
	if err := p.wire.read(); err != nil {
		return err
	}
	now := p.now()
	for {
		frame, err := p.wire.next()
		if err != nil || frame == nil {
			return err
		}
		if err := p.answer.parse(frame); err != nil {
			return err
		}
		p.settle(&p.answer, now)
	}
}

func (p *paced) settle(a *answer, now int64) {
	if !a.isResponse() {
		return
	}
	seq := int64(a.opaque) - firstOpaque
	if seq < 0 || seq >= p.total {
		p.tally.unasked++
		return
	}
	p.asked.add(seq)
	p.tally.placed(a, seq%int64(len(p.frames)))
	if a.code == 0 && seq >= p.first {
		p.tally.count(now-p.due(seq), now)
	}
	p.answered.add(1)
}

// stored is how many messages the broker says it has.
func (p *paced) stored() int64 {
	var n int64
	for i := range p.tally.queues {
		n += p.tally.queues[i].count
	}
	return n
}

// problems says in words what the broker did that it must not.
func (p *paced) problems() []string {
	out := p.tally.problems()
	if p.asked.problem() != "" || p.asked.count != p.sent {
		out = append(out, fmt.Sprintf("%d answers to %d sends, or not each send answered once", p.asked.count, p.sent))
	}
	return out
}

func (p *paced) fault(what string, err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("closed by the broker")
	}
	return fmt.Errorf("generator: paced %s, %d answers so far: %w", what, p.answered.n.Load(), err)
}
