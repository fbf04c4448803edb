package remoting

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// site is a server that a Remote connects to over pipes, as often as it wants to.
type site struct {
	handler  Handler
	attempts atomic.Int64
	refuse   atomic.Bool
	conns    chan *Conn
	running  sync.WaitGroup
}

func newSite(h Handler) *site { return &site{handler: h, conns: make(chan *Conn, 100)} }

func (s *site) connect(context.Context, string) (net.Conn, error) {
	s.attempts.Add(1)
	if s.refuse.Load() {
		return nil, errors.New("refused")
	}
	near, c, ended := servePipe(s.handler, ServerOptions{})
	s.conns <- c
	s.running.Go(func() { <-ended })
	return near, nil
}

func (s *site) remote() *Remote {
	return Dialer{Connect: s.connect, Logger: slog.New(slog.DiscardHandler)}.Remote("site")
}

func TestARemoteConnectsAgainAfterItsConnectionHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(handlerFunc(echo))
		r := s.remote()
		for range 3 {
			for range 2 { // the second over the same connection
				if resp, err := r.Call(t.Context(), &Request{Code: CodeHeartBeat, Body: []byte("x")}); err != nil || string(resp.Body) != "x" {
					t.Fatal(resp, err)
				}
			}
			(<-s.conns).Close()
			synctest.Wait()
		}
		if n := s.attempts.Load(); n != 3 {
			t.Errorf("%d connections, expected 3", n)
		}
		r.Close()
		s.running.Wait()
	})
}

func TestCallsThatComeTogetherShareOneAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(handlerFunc(echo))
		r := s.remote()
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if _, err := r.Call(t.Context(), &Request{Code: CodeHeartBeat}); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if n := s.attempts.Load(); n != 1 {
			t.Errorf("%d connections, expected 1", n)
		}
		r.Close()
		s.running.Wait()
	})
}

func TestAServerThatIsDownIsTriedLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(handlerFunc(echo))
		s.refuse.Store(true)
		r := s.remote()
		start := time.Now()
		var tried []time.Duration
		for time.Since(start) < time.Minute {
			before := s.attempts.Load()
			_, err := r.Call(t.Context(), &Request{Code: CodeHeartBeat})
			if err == nil || !strings.Contains(err.Error(), "HEART_BEAT (34) to site") || !strings.Contains(err.Error(), "refused") {
				t.Fatal(err)
			}
			if s.attempts.Load() > before {
				tried = append(tried, time.Since(start))
			}
			time.Sleep(10 * time.Millisecond)
		}
		for i, want := range []time.Duration{0, 100, 300, 700, 1500, 3100, 6300, 12700, 22700, 32700, 42700, 52700} {
			if want *= time.Millisecond; i >= len(tried) || tried[i] < want || tried[i] > want+200*time.Millisecond {
				t.Fatalf("tried at %v, expected attempt %d at %v", tried, i, want)
			}
		}
		s.refuse.Store(false)
		time.Sleep(longestPause)
		if _, err := r.Call(t.Context(), &Request{Code: CodeHeartBeat}); err != nil {
			t.Error(err)
		}
		r.Close()
		s.running.Wait()
	})
}

func TestARequestToAServerThatIsGoingAwayIsSentOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leaving, served atomic.Int64
		held := make(chan Ticket, 1)
		s := newSite(handlerFunc(func(c *Conn, cmd *Command) {
			switch {
			case cmd.Code == CodePullMessage:
				held <- cmd.Ticket()
			case leaving.Add(-1) >= 0:
				c.Reply(cmd.Ticket(), RespGoAway, "the server is shutting down").End()
			default:
				served.Add(1)
				echo(c, cmd)
			}
		}))
		r := s.remote()
		pulled := make(chan error, 1)
		go func() {
			_, err := r.Call(t.Context(), &Request{Code: CodePullMessage})
			pulled <- err
		}()
		ticket := <-held
		leaving.Store(1)
		if resp, err := r.Call(t.Context(), &Request{Code: CodeSendMessage}); err != nil || resp.Err() != nil {
			t.Error(resp, err)
		}
		// The connection that is left still brings the answer that it owes.
		first := <-s.conns
		first.Reply(ticket, RespPullNotFound, "").End()
		first.Flush()
		if err := <-pulled; err != nil {
			t.Error(err)
		}
		// Twice is an answer.
		leaving.Store(2)
		if resp, err := r.Call(t.Context(), &Request{Code: CodeSendMessage}); err != nil || resp.Code != RespGoAway {
			t.Error(resp, err)
		}
		if n := served.Load(); n != 1 {
			t.Errorf("served %d times, expected 1", n)
		}
		r.Close()
		s.running.Wait()
	})
}

func TestACallDoesNotWaitForAConnectionLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := func(ctx context.Context, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		r := Dialer{Connect: stuck}.Remote("site")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := r.Oneway(ctx, &Request{Code: CodeHeartBeat}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if _, err := r.Call(t.Context(), &Request{Code: CodeHeartBeat}); err == nil || time.Since(start) != connectTimeout {
			t.Errorf("%v after %v, expected the attempt to end after %v", err, time.Since(start), connectTimeout)
		}
		time.Sleep(firstPause)
		go r.Call(t.Context(), &Request{Code: CodeHeartBeat})
		synctest.Wait()
		r.Close() // in the middle of an attempt
		if _, err := r.Call(t.Context(), &Request{Code: CodeHeartBeat}); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
}

func TestTheEndOfAConnectionIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(handlerFunc(echo))
		told := make(chan *Conn, 1)
		r := Dialer{Connect: s.connect, OnClosed: func(c *Conn) { told <- c }, Logger: slog.New(slog.DiscardHandler)}.Remote("site")
		if err := r.Oneway(t.Context(), &Request{Code: CodeHeartBeat}); err != nil {
			t.Fatal(err)
		}
		(<-s.conns).Close()
		<-told
		r.Close()
		s.running.Wait()
	})
}
