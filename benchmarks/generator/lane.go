package generator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
)

// task is what a lane works at.
type task interface {
	// fill begins requests on the lane, at most l.room(). It may leave room; when nothing is in flight behind it the lane's
	// work is done.
	fill(l *lane, now int64)
	// answered takes the answer to the request that s describes. Both are valid during the call only. An error ends the lane.
	answered(s *slot, a *answer, now int64) error
}

// slot is one place in a connection's window.
type slot struct {
	opaque   int32 // of the request that has the slot now; 0 when free
	item     int64 // what the request is about, in the task's numbering
	sentAt   int64 // ns since the run's start
	measured bool
}

// lane is one connection with its window. One goroutine runs it: it fills the window with one write, then reads what is
// there, and every answer frees a slot. So batches form by themselves, as large as the broker's answers allow.
type lane struct {
	*wire
	run        *run
	task       task
	slots      []slot
	free       []int32 // indexes into slots
	generation int32
	answer     answer       // the current one: a place that doesn't need an allocation
	unasked    int64        // answers that belong to no request in flight
	answers    atomic.Int64 // all answers so far, for the progress line
}

// dialLane connects the run's lane of that number.
func dialLane(ctx context.Context, r *run, number int, addr string, window, bufferBytes int, t task) (*lane, error) {
	w, err := dialWire(ctx, addr, bufferBytes)
	if err != nil {
		return nil, fmt.Errorf("generator: connection %d: %w", number, err)
	}
	return newLane(r, w, window, t), nil
}

func newLane(r *run, w *wire, window int, t task) *lane {
	l := &lane{wire: w, run: r, task: t, slots: make([]slot, window)}
	for i := range l.slots {
		l.free = append(l.free, int32(i))
	}
	return l
}

// room is the number of requests that may begin now.
func (l *lane) room() int { return len(l.free) }

// inFlight is the number of requests without an answer.
func (l *lane) inFlight() int { return len(l.slots) - len(l.free) }

// begin gives s a free slot. The caller appends the request with the opaque that it returns to l.out.
func (l *lane) begin(s slot) int32 {
	i := l.free[len(l.free)-1]
	l.free = l.free[:len(l.free)-1]
	l.generation++
	if int(l.generation)*len(l.slots)+len(l.slots) > opaqueSpan {
		l.generation = 0
	}
	s.opaque = firstOpaque + l.generation*int32(len(l.slots)) + i
	l.slots[i] = s
	return s.opaque
}

// work goes on until the task has nothing in flight, or somebody closes the connection on this side.
func (l *lane) work() error {
	for {
		l.task.fill(l, l.run.now())
		if l.inFlight() == 0 {
			return nil
		}
		if err := l.turn(); errors.Is(err, net.ErrClosed) {
			return nil
		} else if err != nil {
			return l.fault(err)
		}
	}
}

// turn sends what fill has begun and takes what one read brings.
func (l *lane) turn() error {
	if err := l.flush(l.run.options.AnswerTimeout); err != nil {
		return err
	}
	if err := l.read(); err != nil {
		return err
	}
	now := l.run.now()
	for {
		frame, err := l.next()
		if err != nil || frame == nil {
			return err
		}
		if err := l.answer.parse(frame); err != nil {
			return err
		}
		if err := l.settle(&l.answer, now); err != nil {
			return err
		}
	}
}

// settle matches the answer with its request.
func (l *lane) settle(a *answer, now int64) error {
	if !a.isResponse() {
		return nil // a request by the broker that expects nothing of this client
	}
	i := (a.opaque - firstOpaque) % int32(len(l.slots))
	if a.opaque < firstOpaque || l.slots[i].opaque != a.opaque {
		l.unasked++
		return nil
	}
	s := &l.slots[i]
	err := l.task.answered(s, a, now)
	s.opaque = 0
	l.free = append(l.free, i)
	l.answers.Add(1)
	return err
}

func (l *lane) fault(err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("closed by the broker")
	}
	return fmt.Errorf("generator: connection from %v to %v with %d requests in flight: %w",
		l.conn.LocalAddr(), l.conn.RemoteAddr(), l.inFlight(), err)
}
