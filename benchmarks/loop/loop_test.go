package loop

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/generator"
)

// fakeConn answers what was flushed in the next read. One goroutine at a time must use it, but for Close.
type fakeConn struct {
	pending  []int64
	flushed  chan []int64
	closed   chan struct{}
	answers  []int64
	sends    int
	failAt   int   // this send breaks the connection; 0: none
	refuse   int64 // this slot isn't stored; 0: none
	mistaken int64 // this slot's answer names slot 77 in addition; 0: none
}

func newFake() *fakeConn {
	return &fakeConn{flushed: make(chan []int64, 1<<16), closed: make(chan struct{})}
}

func (c *fakeConn) Send(slot, _ int64) {
	c.pending = append(c.pending, slot)
	c.sends++
}

func (c *fakeConn) Flush() error {
	if c.failAt > 0 && c.sends >= c.failAt {
		return errors.New("broken")
	}
	if len(c.pending) > 0 {
		c.flushed <- c.pending
	}
	c.pending = nil
	return nil
}

func (c *fakeConn) Read() error {
	select {
	case c.answers = <-c.flushed:
		return nil
	case <-c.closed:
		return net.ErrClosed
	}
}

func (c *fakeConn) Next() (slot int64, stored, more bool, err error) {
	if len(c.answers) == 0 {
		return 0, false, false, nil
	}
	slot = c.answers[0]
	c.answers = c.answers[1:]
	if c.mistaken != 0 && slot == c.mistaken {
		c.answers, c.mistaken = append(c.answers, 77), 0
	}
	return slot, c.refuse == 0 || slot != c.refuse, true, nil
}

func (c *fakeConn) Close() error {
	close(c.closed)
	return nil
}

func options() *generator.Options {
	return &generator.Options{Mode: "fake", Connections: 2, InFlight: 4, Count: 1000, Rate: 10_000, Duration: time.Minute}
}

func TestAClosedLoopMeasuresAsManySendsAsAsked(t *testing.T) {
	r, err := Closed(context.Background(), options(), []Conn{newFake(), newFake()})
	if err != nil || !r.Clean() || r.Messages != 1000 || r.Latency.P50 <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSendsOfTheWarmUpAreNotCounted(t *testing.T) {
	o := options()
	o.Warmup = 20 * time.Millisecond
	c := newFake()
	r, err := Closed(context.Background(), o, []Conn{c})
	if err != nil || r.Messages != 1000 || c.sends <= 1000 {
		t.Errorf("%d of %d sends counted, %v", r.Messages, c.sends, err)
	}
}

func TestAClosedLoopEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	o := options()
	o.Count = 0
	r, err := Closed(ctx, o, []Conn{newFake()})
	if err != nil || r.Messages == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestABrokenConnectionEndsAClosedLoop(t *testing.T) {
	broken := newFake()
	broken.failAt = 10
	o := options()
	o.Count = 0
	if r, err := Closed(context.Background(), o, []Conn{newFake(), broken}); err == nil || r == nil {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWrongAnswersAreProblems(t *testing.T) {
	for want, c := range map[string]*fakeConn{"refused": {refuse: 2}, "no send": {mistaken: 3}} {
		c.flushed, c.closed = make(chan []int64, 1<<16), make(chan struct{})
		r, err := Closed(context.Background(), options(), []Conn{c})
		if err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], want) {
			t.Errorf("closed, %s: %v, %v", want, r.Problems, err)
		}
	}
	c := newFake()
	c.refuse = 5
	l, err := NewOpen(options(), 10)
	if err == nil {
		err = l.Run(context.Background(), c, nil)
	}
	if p := l.Report().Problems; err != nil || len(p) != 1 || !strings.Contains(p[0], "refused") {
		t.Errorf("open: %v, %v", p, err)
	}
}

func TestAnOpenLoopSendsAtItsRate(t *testing.T) {
	o := options()
	o.Warmup = 20 * time.Millisecond
	l, err := NewOpen(o, 10)
	if err != nil {
		t.Fatal(err)
	}
	var stored int64
	if err := l.Run(context.Background(), newFake(), func(n int64) error { stored = n; return nil }); err != nil {
		t.Fatal(err)
	}
	r := l.Report()
	if !r.Clean() || r.Messages != 1000 || stored != 1200 || r.Delivery.Sent != 1000 {
		t.Errorf("%+v, %+v, %d stored", r, r.Delivery, stored)
	}
	if took := time.Since(l.Start); took < 120*time.Millisecond {
		t.Errorf("1200 sends at 10000/s took %v", took)
	}
}

func TestABrokenConnectionEndsAnOpenLoop(t *testing.T) {
	c := newFake()
	c.failAt = 10
	l, err := NewOpen(options(), 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Run(context.Background(), c, nil); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("%v", err)
	}
	l.Report()
}
