package remoting

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAPeerThatTakesNothingIsGivenUpAndItsPartsReleased(t *testing.T) {
	lines := newLog()
	var released, served counter
	part := make([]byte, 1<<20)
	closed := make(chan struct{})
	_, addr := startServer(t, closing{handlerFunc(func(c *Conn, cmd *Command) {
		w := c.Reply(cmd.Ticket(), RespSuccess, "")
		w.Parts([][]byte{part}, &released)
		w.End()
		served.Release()
	}), closed}, ServerOptions{WriteTimeout: 100 * time.Millisecond, MaxPending: 8 << 20, Logger: lines.logger()})
	nc := dialRaw(t, addr)
	go func() { // far more than the bound and the sockets hold
		for i := range int32(200) {
			if _, err := nc.Write(request(CodePullMessage, i, false, "")); err != nil {
				return
			}
		}
	}()
	<-closed
	lines.await(t, "the peer took nothing for 100ms")
	awaitCount(t, &released, served.n.Load())
}

func TestAConnectionIsNotReadWhileItsAnswersWait(t *testing.T) {
	const bound = 1 << 20
	var served atomic.Int64
	part := make([]byte, 64<<10)
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		served.Add(1)
		w := c.Reply(cmd.Ticket(), RespSuccess, "")
		w.Parts([][]byte{part}, nil)
		w.End()
	}), ServerOptions{MaxPending: bound})
	nc := dialRaw(t, addr)
	const requests = 2000 // 128 MiB of answers
	written := make(chan struct{})
	go func() {
		defer close(written)
		for i := range int32(requests) {
			nc.Write(request(CodePullMessage, i, true, strings.Repeat("x", 2000)))
		}
	}()
	// Nothing is read by the client until the server has stopped: what it served then is no more than bound, sockets and one read hold.
	for last := int64(-1); last != served.Load() || last == 0; time.Sleep(50 * time.Millisecond) {
		last = served.Load()
	}
	if n := served.Load(); n > requests/2 {
		t.Errorf("%d requests were served for a client that takes no answers", n)
	}
	for i := range int32(requests) {
		c, err := readFrame(nc)
		if err != nil || c.Opaque != i || len(c.Body) != len(part) {
			t.Fatalf("answer %d: %+v, %v", i, c.Opaque, err)
		}
	}
	<-written
}

func TestAConnectionIsNotReadWhileTooManyRequestsAreHeld(t *testing.T) {
	var held sync.Map
	var n atomic.Int64
	var conn atomic.Pointer[Conn]
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		conn.Store(c)
		held.Store(cmd.Opaque, cmd.Ticket())
		n.Add(1)
	}), ServerOptions{MaxInFlight: 10})
	nc := dialRaw(t, addr)
	const requests = 5000
	go func() {
		for i := range int32(requests) {
			nc.Write(request(CodePullMessage, i, false, strings.Repeat("x", 10000)))
		}
	}()
	answered := int32(0)
	for answered < requests {
		for t0 := time.Now(); n.Load() <= int64(answered); time.Sleep(time.Millisecond) {
			if time.Since(t0) > 10*time.Second {
				t.Fatalf("stuck after %d", answered)
			}
		}
		if waiting := n.Load() - int64(answered); waiting > 10+2*keepBytes/10000 {
			t.Fatalf("%d requests are held, the bound is 10 and what one read brings", waiting)
		}
		for to := int32(n.Load()); answered < to; answered++ {
			ticket, _ := held.LoadAndDelete(answered)
			conn.Load().Reply(ticket.(Ticket), RespPullNotFound, "").End()
		}
		conn.Load().Flush()
	}
	for i := range int32(requests) {
		if c, err := readFrame(nc); err != nil || c.Opaque != i || c.Code != RespPullNotFound {
			t.Fatalf("answer %d: %+v, %v", i, c, err)
		}
	}
}

func TestAnswersFromOtherGoroutinesNeverWaitForTheSocket(t *testing.T) {
	conns := make(chan *Conn, 1)
	tickets := make(chan Ticket, 1)
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		conns <- c
		tickets <- cmd.Ticket()
	}), ServerOptions{})
	nc := dialRaw(t, addr)
	nc.Write(request(CodePullMessage, 1, false, ""))
	c, ticket := <-conns, <-tickets
	var released counter
	part := make([]byte, 1<<20)
	for range 64 { // nobody reads: the sockets hold a few MiB at most
		w := c.Reply(ticket, RespSuccess, "")
		w.Parts([][]byte{part}, &released)
		w.End()
		c.Flush()
	}
	if err := c.Oneway(CodeNotifyConsumerIDsChanged, nil, nil); !errors.Is(err, ErrBusy) {
		t.Errorf("a request to a client that is far behind: %v", err)
	}
	c.Close()
	awaitCount(t, &released, 64)
	w := c.Reply(ticket, RespSuccess, "")
	w.Parts([][]byte{part}, &released)
	w.End()
	if n := released.n.Load(); n != 65 {
		t.Errorf("released %d times after an answer to a connection that has ended, expected 65", n)
	}
	if err := c.Oneway(CodeNotifyConsumerIDsChanged, nil, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
