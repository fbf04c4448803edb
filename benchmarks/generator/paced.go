package generator

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

const (
	// pacedBurstBytes bounds the write that carries everything that is due.
	pacedBurstBytes = 256 << 10

	stampBytes = 16 // at the start of a paced body: u64 the run's random number, i64 when the send was due
)

// paced sends at fixed times on one connection, whatever the broker does. Latencies count from when a send was due, so that
// a stall shows in everything that waited for it.
//
// Two goroutines share it: one sends, one takes the answers. An answer's send follows from its opaque.
type paced struct {
	*run
	measure.Pacer
	wire     *wire
	frames   []*sendFrame
	answered *measure.Arrivals

	// Of the goroutine that takes the answers.
	answer answer
	tally  *tally
	asked  measure.Offsets // the sends that were answered
}

func newPaced(r *run, w *wire, body []byte) *paced {
	o := &r.options
	p := &paced{
		run: r, wire: w, frames: sendFrames(o, r.nonce, 0, body), answered: measure.NewArrivals(),
		tally: newTally(o.Queues),
	}
	p.Pacer = o.Pacer(len(p.frames[0].bytes))
	return p
}

// Pacer returns when the sends of ModeLatency, of so many bytes each, are due. It hasn't begun.
func (o *Options) Pacer(frameBytes int) measure.Pacer {
	first := o.sendsIn(o.Warmup)
	measured := o.Count
	if measured == 0 {
		measured = o.sendsIn(o.Duration)
	}
	return measure.Pacer{Rate: o.Rate, First: first, Total: first + measured, Burst: max(1, pacedBurstBytes/frameBytes)}
}

// sendsIn is how many sends are due in so much time.
func (o *Options) sendsIn(d time.Duration) int64 { return int64(d.Seconds() * float64(o.Rate)) }

// work sends all and waits for the answers. It closes the connection.
func (p *paced) work() error {
	var taking sync.WaitGroup
	var takeErr error
	taking.Go(func() {
		if takeErr = p.take(); takeErr != nil {
			p.stop()
			p.answered.Give()
		}
	})
	sendErr := p.send()
	if sendErr != nil {
		p.answered.Give()
	}
	p.answered.Expect(p.Sent)
	<-p.answered.All() // the other goroutine's reads have deadlines
	p.wire.conn.Close()
	taking.Wait()
	return errors.Join(sendErr, takeErr)
}

func (p *paced) send() error {
	out := make([]byte, 0, 64<<10)
	err := p.Run(&p.stopped, func(from, to int64) error {
		born := time.Now().UnixMilli()
		out = out[:0]
		for seq := from; seq < to; seq++ {
			out = p.frames[seq%int64(len(p.frames))].appendTo(out, firstOpaque+int32(seq), born, uint64(seq))
			p.stamp(out[len(out)-p.options.SizeBytes:], p.Due(seq))
		}
		if err := p.wire.conn.SetWriteDeadline(time.Now().Add(p.options.AnswerTimeout)); err != nil {
			return err
		}
		_, err := p.wire.conn.Write(out)
		return err
	})
	if err != nil {
		return p.fault("sends", err)
	}
	return nil
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
	if seq < 0 || seq >= p.Total {
		p.tally.unasked++
		return
	}
	p.asked.Add(seq)
	p.tally.placed(a, seq%int64(len(p.frames)))
	if a.code == 0 && seq >= p.First {
		p.tally.count(now-p.Due(seq), now)
	}
	p.answered.Add(1)
}

// stored is how many messages the broker says it has.
func (p *paced) stored() int64 {
	var n int64
	for i := range p.tally.queues {
		n += p.tally.queues[i].Count
	}
	return n
}

// problems says in words what the broker did that it must not.
func (p *paced) problems() []string {
	out := p.tally.problems()
	if p.asked.Problem() != "" || p.asked.Count != p.Sent {
		out = append(out, fmt.Sprintf("%d answers to %d sends, or not each send answered once", p.asked.Count, p.Sent))
	}
	return out
}

func (p *paced) fault(what string, err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("closed by the broker")
	}
	return fmt.Errorf("generator: paced %s, %d answers so far: %w", what, p.answered.N(), err)
}
