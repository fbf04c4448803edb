package generator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// slot is one place in a connection's window.
type slot struct {
	opaque   int32 // of the send that has the slot now; 0 when free
	queueID  int32
	sentAt   int64 // ns since the run's start
	measured bool
}

// lane is one connection with its window. One goroutine runs it: it fills the window with one write, then reads what is
// there, and every answer frees a slot. So batches form by themselves, as large as the broker's answers allow.
type lane struct {
	run        *run
	conn       net.Conn
	frames     []*sendFrame // by queue id
	slots      []slot
	free       []int32 // indexes into slots
	generation int32
	seq        uint64
	out, in    []byte
	held       int // bytes of in that wait for the rest of their frame
	tally      *tally
	answers    atomic.Int64 // all answers so far, for the progress line
}

func dialLane(ctx context.Context, r *run, number int, body []byte) (*lane, error) {
	o := &r.options
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("generator: connection %d: %w", number, err)
	}
	l := &lane{
		run:   r,
		conn:  conn,
		slots: make([]slot, o.InFlight),
		in:    make([]byte, 64<<10),
		tally: newTally(o.Queues),
		seq:   uint64(number), // lanes start at different queues
	}
	prefix := fmt.Sprintf("%016X%04X", r.nonce, number)
	for q := range o.Queues {
		l.frames = append(l.frames, newSendFrame(o.Topic, q, o.Queues, prefix, body))
	}
	for i := range l.slots {
		l.free = append(l.free, int32(i))
	}
	return l, nil
}

// work sends until the run's end and waits for all answers.
func (l *lane) work() error {
	for {
		l.fill()
		if len(l.free) == len(l.slots) {
			return nil
		}
		if err := l.conn.SetDeadline(time.Now().Add(l.run.options.AnswerTimeout)); err != nil {
			return l.fault(err)
		}
		if len(l.out) > 0 {
			if _, err := l.conn.Write(l.out); err != nil {
				return l.fault(err)
			}
		}
		if err := l.read(); err != nil {
			return l.fault(err)
		}
	}
}

// fill puts a send into out for each free slot, as far as the run wants more.
func (l *lane) fill() {
	l.out = l.out[:0]
	want, measured := l.run.claim(len(l.free))
	if want == 0 {
		return
	}
	now := l.run.now()
	born := l.run.start.Add(time.Duration(now)).UnixMilli()
	for range want {
		i := l.free[len(l.free)-1]
		l.free = l.free[:len(l.free)-1]
		l.generation++
		if int(l.generation)*len(l.slots)+len(l.slots) > opaqueSpan {
			l.generation = 0
		}
		queueID := int32(l.seq % uint64(len(l.frames)))
		opaque := firstOpaque + l.generation*int32(len(l.slots)) + i
		l.slots[i] = slot{opaque: opaque, queueID: queueID, sentAt: now, measured: measured}
		l.out = l.frames[queueID].appendTo(l.out, opaque, born, l.seq)
		l.seq++
	}
}

// read takes what one read brings and counts the complete answers in it.
func (l *lane) read() error {
	if l.held == len(l.in) {
		l.in = append(l.in, make([]byte, len(l.in))...) // a frame larger than the buffer; cutFrame bounds it
	}
	n, err := l.conn.Read(l.in[l.held:])
	if err != nil {
		return err
	}
	now := l.run.now()
	rest := l.in[:l.held+n]
	for {
		var frame []byte
		if frame, rest, err = cutFrame(rest); err != nil {
			return err
		}
		if frame == nil {
			l.held = copy(l.in, rest)
			return nil
		}
		a, err := parseAnswer(frame)
		if err != nil {
			return err
		}
		l.settle(&a, now)
	}
}

// settle matches the answer with its send.
func (l *lane) settle(a *answer, now int64) {
	if !a.isResponse() {
		return // a request by the broker that expects nothing of a mere sender
	}
	i := (a.opaque - firstOpaque) % int32(len(l.slots))
	if a.opaque < firstOpaque || l.slots[i].opaque != a.opaque {
		l.tally.unasked++
		return
	}
	l.tally.answered(a, &l.slots[i], now)
	l.slots[i].opaque = 0
	l.free = append(l.free, i)
	l.answers.Add(1)
}

func (l *lane) fault(err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("closed by the broker")
	}
	return fmt.Errorf("generator: connection from %v to %v with %d sends in flight: %w",
		l.conn.LocalAddr(), l.conn.RemoteAddr(), len(l.slots)-len(l.free), err)
}
