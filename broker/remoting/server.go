package remoting

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"
)

// ErrServerClosed is returned by Serve after Shutdown or Close.
var ErrServerClosed = errors.New("remoting: server closed")

// ServerOptions bound what connections may cost. The zero value of each means its default.
type ServerOptions struct {
	Logger       *slog.Logger  // slog.Default
	MaxFrame     int           // bytes of one frame, in both directions; 16 MiB
	IdleTimeout  time.Duration // after which a connection without traffic is closed, or with a frame of which not even 64 KiB came; 120 s
	WriteTimeout time.Duration // after which a peer that takes nothing is given up; 30 s
	MaxPending   int           // bytes of answers that wait for the socket, above which a connection isn't read any more; 16 MiB
	MaxInFlight  int           // requests without an answer, held ones included, above which a connection isn't read any more; 65,536

	// TLS is spoken with whoever begins with a handshake, on the same port as plain text; nil refuses them. It may follow files: see
	// the package tlsconf.
	TLS *tls.Config
	// RequireTLS refuses plain text.
	RequireTLS bool
}

func (o ServerOptions) withDefaults() ServerOptions {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.MaxFrame = or(o.MaxFrame, 16<<20)
	o.IdleTimeout = or(o.IdleTimeout, 120*time.Second)
	o.WriteTimeout = or(o.WriteTimeout, 30*time.Second)
	o.MaxPending = or(o.MaxPending, 16<<20)
	o.MaxInFlight = or(o.MaxInFlight, 65536)
	return o
}

func or[T int | time.Duration](v, preset T) T {
	if v > 0 {
		return v
	}
	return preset
}

func (o ServerOptions) limits() *limits {
	return &limits{MaxFrame: o.MaxFrame, MaxPending: o.MaxPending, MaxInFlight: o.MaxInFlight, Idle: o.IdleTimeout, Write: o.WriteTimeout}
}

// Server accepts connections and reads them. Its methods are safe for concurrent use.
type Server struct {
	handler Handler
	log     *slog.Logger
	limits  *limits
	enter   entrance
	pools   pools
	stop    chan struct{} // closed when no more connections are accepted

	mu        sync.Mutex // guards what follows
	stopped   bool
	listeners map[net.Listener]struct{}
	conns     map[*Conn]struct{}
	running   sync.WaitGroup // one per connection; added to under mu while !stopped
}

// NewServer makes a server that hands requests to h.
func NewServer(h Handler, o ServerOptions) *Server {
	o = o.withDefaults()
	return &Server{
		handler:   h,
		log:       o.Logger,
		limits:    o.limits(),
		enter:     entrance{tls: o.TLS, requireTLS: o.RequireTLS},
		stop:      make(chan struct{}),
		listeners: make(map[net.Listener]struct{}),
		conns:     make(map[*Conn]struct{}),
	}
}

// Serve accepts connections on l, which it closes in the end, until the server is shut down or the listener breaks. It may be called for
// several listeners.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return ErrServerClosed
	}
	s.listeners[l] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.listeners, l)
		s.mu.Unlock()
	}()
	var pause time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			pause = 0
			s.start(nc)
			continue
		}
		select {
		case <-s.stop:
			return ErrServerClosed
		default:
		}
		if !passes(err) {
			return fmt.Errorf("remoting: accept on %s: %w", l.Addr(), err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.log.Warn("remoting: accept failed, trying again", "listener", l.Addr(), "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-s.stop:
			return ErrServerClosed
		}
	}
}

// passes says of an error of accept that it will be over when others have closed something.
func passes(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// start gives a connection its goroutine, which ends with the connection; Shutdown and Close wait for it.
func (s *Server) start(nc net.Conn) {
	c := newConn(nc, s.handler, s.limits, s.log, &s.pools)
	c.entrance = &s.enter
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		nc.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.running.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.running.Done()
		c.serve()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
}

// Connections is how many there are.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Shutdown accepts no more connections, refuses new requests (RespGoAway to clients that know it), and waits until each connection has been
// sent the answers that it is owed and has ended. One way requests are still served. Whoever holds requests should answer them now. When ctx
// ends first, the remaining connections are closed, and if there were any, its error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, c := range s.halt() {
		c.drain()
	}
	ended := make(chan struct{})
	go func() { // ends with the last connection, which both ways out of here wait for
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		cut := s.Connections()
		s.Close()
		<-ended
		if cut == 0 {
			return nil // late, but nobody was cut off
		}
		return fmt.Errorf("remoting: shutdown: %w", context.Cause(ctx))
	}
}

// Close ends everything at once and waits for the goroutines. It must not be called by a Handler.
func (s *Server) Close() error {
	for _, c := range s.halt() {
		c.Close()
	}
	s.running.Wait()
	return nil
}

// halt closes the listeners and returns the connections that there are.
func (s *Server) halt() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		close(s.stop)
	}
	for l := range s.listeners {
		l.Close()
	}
	all := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}
