package remoting

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestShutdownWaitsForTheAnswersThatAreOwed(t *testing.T) {
	type held struct {
		c *Conn
		t Ticket
	}
	requests := make(chan held, 1)
	s, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		if cmd.Code == CodePullMessage {
			requests <- held{c, cmd.Ticket()}
			return
		}
		echo(c, cmd)
	}), ServerOptions{})
	idle := dial(t, Dialer{}, addr)
	if _, err := idle.Call(context.Background(), &Request{Code: CodeHeartBeat}); err != nil {
		t.Fatal(err)
	}
	busy := dialRaw(t, addr)
	busy.Write(request(CodePullMessage, 7, false, ""))
	h := <-requests

	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	<-idle.Done() // owed nothing, so it ends
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("connected to a server that is shut down")
	}
	// Requests that still come are refused, and one way ones served.
	busy.Write(request(CodeHeartBeat, 8, false, ""))
	if c, err := readFrame(busy); err != nil || c.Opaque != 8 || c.Code != RespServiceNotAvailable {
		t.Fatalf("%+v, %v", c, err)
	}
	newer := Command{Code: CodeHeartBeat, Opaque: 9, Version: Version55, Binary: true}
	busy.Write(encode(&newer, nil))
	if c, err := readFrame(busy); err != nil || c.Opaque != 9 || c.Code != RespGoAway {
		t.Fatalf("%+v, %v", c, err)
	}
	select {
	case err := <-done:
		t.Fatalf("Shutdown returned %v while an answer was owed", err)
	default:
	}
	w := h.c.Reply(h.t, RespSuccess, "")
	w.Int("n", 7)
	w.Body([]byte("late"))
	w.End()
	h.c.Flush()
	expectEcho(t, busy, 7, false, "late")
	if _, err := busy.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after the last answer: %v, expected EOF", err)
	}
	busy.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownGivesUpWithItsContext(t *testing.T) {
	got := make(chan struct{})
	s, addr := startServer(t, handlerFunc(func(*Conn, *Command) { close(got) }), ServerOptions{})
	nc := dialRaw(t, addr)
	nc.Write(request(CodePullMessage, 7, false, ""))
	<-got
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// tired is a listener that fails a few times and then breaks.
type tired struct {
	net.Listener
	failures []error
}

func (l *tired) Accept() (net.Conn, error) {
	err := l.failures[0]
	l.failures = l.failures[1:]
	return nil, err
}

func TestAcceptIsTriedAgainWhenDescriptorsRunOut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lines := newLog()
	s := NewServer(handlerFunc(echo), ServerOptions{Logger: lines.logger()})
	broken := errors.New("broken")
	err = s.Serve(&tired{l, []error{syscall.EMFILE, syscall.ECONNABORTED, broken}})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Error(err)
	}
	if out := lines.String(); strings.Count(out, "trying again") != 2 {
		t.Error(out)
	}
	s.Close()
	if err := s.Serve(l); !errors.Is(err, ErrServerClosed) {
		t.Error(err)
	}
}

func TestShutdownThatComesLateAndCutsNobodyOffIsNoError(t *testing.T) {
	s, _ := startServer(t, handlerFunc(echo), ServerOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
