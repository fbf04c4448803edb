package loop

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// slot is one place in a connection's window.
type slot struct {
	inFlight bool
	measured bool
	sentAt   int64 // ns since the load's start
}

// lane is a connection at work. It belongs to its goroutine until the load has ended.
type lane struct {
	load  *closed
	conn  Conn
	slots []slot
	free  []int

	messages   int64                   // measured sends that the server has
	lastAnswer int64                   // when the last of them was answered
	latency    *hdrhistogram.Histogram // of those, ns
	refused    int64                   // sends that the server says it doesn't have, the warm-up's included
	unasked    int64                   // answers to no send in flight
	err        error
}

func newLane(l *closed, c Conn) *lane {
	n := &lane{load: l, conn: c, slots: make([]slot, l.options.InFlight), latency: measure.NewHistogram()}
	for i := range n.slots {
		n.free = append(n.free, i)
	}
	return n
}

// work goes on until the load wants no more and everything is answered.
func (n *lane) work() {
	for n.err == nil {
		if n.fill(); len(n.free) == len(n.slots) {
			return
		}
		n.err = n.turn()
	}
	n.load.stopped.Store(true)
	n.err = fmt.Errorf("loop: with %d sends in flight: %w", len(n.slots)-len(n.free), n.err)
}

// fill begins a send for each free slot, as far as the load wants more.
func (n *lane) fill() {
	want, measured := n.load.claim(len(n.free))
	now := n.load.now()
	for range want {
		i := n.free[len(n.free)-1]
		n.free = n.free[:len(n.free)-1]
		n.slots[i] = slot{inFlight: true, measured: measured, sentAt: now}
		n.conn.Send(int64(i), now)
	}
}

func (n *lane) turn() error {
	if err := n.conn.Flush(); err != nil {
		return err
	}
	if err := n.conn.Read(); err != nil {
		return err
	}
	now := n.load.now()
	for {
		i, stored, more, err := n.conn.Next()
		if err != nil || !more {
			return err
		}
		n.settle(i, stored, now)
	}
}

func (n *lane) settle(i int64, stored bool, now int64) {
	if i < 0 || i >= int64(len(n.slots)) || !n.slots[i].inFlight {
		n.unasked++
		return
	}
	s := &n.slots[i]
	s.inFlight = false
	n.free = append(n.free, int(i))
	switch {
	case !stored:
		n.refused++
	case s.measured:
		n.messages++
		n.lastAnswer = now
		measure.Record(n.latency, now-s.sentAt)
	}
}

// problems says in words what the server did that it must not.
func (n *lane) problems() []string {
	var p []string
	if n.refused > 0 {
		p = append(p, fmt.Sprintf("%d sends that the server refused", n.refused))
	}
	if n.unasked > 0 {
		p = append(p, fmt.Sprintf("%d answers to no send in flight", n.unasked))
	}
	return p
}
