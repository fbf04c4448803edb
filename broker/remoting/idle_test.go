package remoting

import (
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// servePipe serves one connection over a pipe; the returned channel is closed when it has ended.
func servePipe(h Handler, o ServerOptions) (near net.Conn, c *Conn, ended chan struct{}) {
	near, far := net.Pipe()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o = o.withDefaults()
	c = newConn(far, h, o.limits(), o.Logger, new(pools))
	ended = make(chan struct{})
	go func() { defer close(ended); c.serve() }()
	return near, c, ended
}

func TestASilentConnectionGivesItsBuffersBack(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool forgets at random under the race detector")
	}
	synctest.Test(t, func(t *testing.T) {
		near, c, ended := servePipe(handlerFunc(echo), ServerOptions{})
		for i := range int32(3) {
			go near.Write(request(CodeHeartBeat, i, false, "x"))
			expectEcho(t, near, i, false, "x")
			time.Sleep(coolDown / 2)
		}
		synctest.Wait()
		if v := c.pools.inboxes.Get(); v != nil {
			t.Fatal("a busy connection gave its inbox back")
		}
		time.Sleep(2 * coolDown)
		synctest.Wait()
		if v := c.pools.inboxes.Get(); v == nil {
			t.Error("a silent connection has kept its inbox")
		}
		go near.Write(request(CodeHeartBeat, 9, false, "y")) // and it still works
		expectEcho(t, near, 9, false, "y")
		near.Close()
		<-ended
	})
}

func TestTrafficInEitherDirectionKeepsAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, c, ended := servePipe(handlerFunc(echo), ServerOptions{})
		go io.Copy(io.Discard, near)
		start := time.Now()
		for range 4 {
			time.Sleep(100 * time.Second)
			if err := c.Oneway(CodeNotifyConsumerIDsChanged, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		<-ended
		if d := time.Since(start); d < 520*time.Second || d > 522*time.Second {
			t.Errorf("closed after %v, expected 120 s after the last notification at 400 s", d)
		}
	})
}

func TestHalfAFrameDoesNotKeepAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, ended := servePipe(handlerFunc(echo), ServerOptions{})
		start := time.Now()
		near.Write(request(CodeHeartBeat, 1, false, "x")[:30])
		<-ended
		if d := time.Since(start); d < 120*time.Second || d > 122*time.Second {
			t.Errorf("closed after %v, expected 120 s", d)
		}
	})
}

func TestAFrameThatTricklesInEndsItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, ended := servePipe(handlerFunc(echo), ServerOptions{})
		go near.Write(request(CodeHeartBeat, 1, false, "x")) // it counts from the first byte of the next one
		expectEcho(t, near, 1, false, "x")
		time.Sleep(100 * time.Second)
		start := time.Now()
		for _, b := range request(CodeHeartBeat, 2, false, string(make([]byte, 1000))) {
			if _, err := near.Write([]byte{b}); err != nil {
				break
			}
			time.Sleep(700 * time.Millisecond)
		}
		<-ended
		if d := time.Since(start); d < 120*time.Second || d > 122*time.Second {
			t.Errorf("closed after %v, expected 120 s", d)
		}
	})
}

func TestALargeFrameMayComeSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _, ended := servePipe(handlerFunc(echo), ServerOptions{})
		body := string(make([]byte, 1<<20))
		var sender sync.WaitGroup
		sender.Go(func() {
			frame := request(CodeSendMessage, 1, false, body)
			for len(frame) > 0 { // takes 800 s
				n := min(len(frame), 4000)
				near.Write(frame[:n])
				frame = frame[n:]
				time.Sleep(3 * time.Second)
			}
		})
		expectEcho(t, near, 1, false, body)
		sender.Wait()
		near.Close()
		<-ended
	})
}

func TestASilentConnectionKeepsTheBeginningOfAFrame(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool forgets at random under the race detector")
	}
	synctest.Test(t, func(t *testing.T) {
		near, c, ended := servePipe(handlerFunc(echo), ServerOptions{})
		frame := request(CodeHeartBeat, 1, false, string(make([]byte, 1000)))
		for _, n := range []int{5, 100, 100} {
			near.Write(frame[:n])
			frame = frame[n:]
			time.Sleep(2 * coolDown)
			synctest.Wait()
			in := c.pools.inboxes.Get()
			if in == nil {
				t.Fatal("a silent connection has kept its inbox for a few bytes")
			}
			c.pools.inboxes.Put(in)
		}
		near.Write(frame[:400]) // too much to be put aside
		time.Sleep(5 * coolDown)
		go near.Write(frame[400:])
		expectEcho(t, near, 1, false, string(make([]byte, 1000)))
		near.Close()
		<-ended
	})
}

func TestASlowPeerIsKeptWhileItTakesSomething(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, c, ended := servePipe(handlerFunc(func(c *Conn, cmd *Command) {
			w := c.Reply(cmd.Ticket(), RespSuccess, "")
			w.Body(make([]byte, 100))
			w.End()
		}), ServerOptions{})
		near.Write(request(CodePullMessage, 1, true, ""))
		for range 5 {
			time.Sleep(29 * time.Second)
			if _, err := io.ReadFull(near, make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		<-ended
		if d := time.Since(start); d > 61*time.Second {
			t.Errorf("given up %v after it took the last bytes", d)
		}
		if err := c.Oneway(CodeHeartBeat, nil, nil); err == nil {
			t.Error("sent to a connection that has ended")
		}
	})
}

func TestADrainedConnectionEndsSoonAfterItsLastRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, c, ended := servePipe(handlerFunc(echo), ServerOptions{})
		oneway := encode(&Command{Code: CodeUpdateConsumerOffset, Flag: FlagOneway}, nil)
		near.Write(oneway)
		c.drain()
		time.Sleep(drainGrace / 2)
		near.Write(oneway) // was on its way
		start := time.Now()
		<-ended
		if d := time.Since(start); d < drainGrace || d > 2*drainGrace {
			t.Errorf("ended after %v, expected %v", d, drainGrace)
		}
	})
}
