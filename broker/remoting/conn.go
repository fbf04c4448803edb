package remoting

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

var (
	// ErrClosed is wrapped by the errors of calls on a connection that has ended.
	ErrClosed = errors.New("connection closed")
	// ErrBusy is returned when a peer is so far behind that nothing is sent to it unasked.
	ErrBusy = errors.New("peer doesn't keep up")

	errIdle      = errors.New("silent for too long")
	errSlowFrame = errors.New("a frame doesn't get complete")
	errPanic     = errors.New("the handler panicked")
)

func errSlow(after time.Duration) error {
	return fmt.Errorf("the peer took nothing for %v", after)
}

// Handler takes the requests of connections. One handler serves all connections of a server, each on its own goroutine.
type Handler interface {
	// Serve handles the complete requests that one read brought, in their order, on the connection's own goroutine: nothing is read meanwhile.
	// It answers in place or later, from any goroutine: then by Ticket, and followed by Conn.Flush. A panic ends the connection.
	Serve(c *Conn, cmds []Command)
	// Closed is called once, when the connection has ended and Serve will not be called again.
	Closed(c *Conn)
}

// Conn is one connection, from either side. Its methods are safe for concurrent use.
type Conn struct {
	nc            net.Conn  // the socket: closed and given deadlines by anybody
	stream        io.Reader // nc, or what TLS makes of it; belongs to the reading goroutine
	entrance      *entrance // what the connection may begin with; nil once that is over
	handler       Handler
	limits        *limits
	log           *slog.Logger
	pools         *pools
	remote, local netip.AddrPort
	attached      atomic.Pointer[any]
	out           output
	calls         calls
	draining      atomic.Bool

	cold [512]byte // what an idle connection reads into
	kept int       // bytes in cold that begin a frame
	more bool      // the last read has begun a frame that isn't complete
}

// limits are what bounds a connection; see ServerOptions.
type limits struct {
	MaxFrame, MaxPending, MaxInFlight int
	Idle, Write                       time.Duration // Idle 0: as long as it likes
}

func newConn(nc net.Conn, h Handler, l *limits, log *slog.Logger, p *pools) *Conn {
	c := &Conn{nc: nc, stream: nc, handler: h, limits: l, log: log, pools: p, remote: addrPort(nc.RemoteAddr()), local: addrPort(nc.LocalAddr())}
	c.out.init(nc, p, l.Write)
	c.out.failed = c.fail
	c.out.idle = c.drained
	return c
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

// RemoteAddr is the peer's address, or what a proxy in between says it is; the zero value where the connection isn't TCP.
func (c *Conn) RemoteAddr() netip.AddrPort { return c.remote }

// remoteName is the peer's address for people.
func (c *Conn) remoteName() string {
	if c.remote.IsValid() {
		return c.remote.String()
	}
	return c.nc.RemoteAddr().String()
}

// LocalAddr is the address on this side.
func (c *Conn) LocalAddr() netip.AddrPort { return c.local }

// Attach keeps a value with the connection, in place of the one before.
func (c *Conn) Attach(v any) { c.attached.Store(&v) }

// Attached is the value that was attached last, nil without one.
func (c *Conn) Attached() any {
	if p := c.attached.Load(); p != nil {
		return *p
	}
	return nil
}

// More tells a handler, within Serve, that the read has brought the beginning of one more frame.
func (c *Conn) More() bool { return c.more }

// Flush sends the answers that have gathered. It never waits for the socket: a writer takes over, and what is added while it writes goes
// out with its next write. The server flushes by itself after Serve.
func (c *Conn) Flush() { c.out.flush() }

// FlushHere is Flush on the caller's goroutine, as far as the socket takes it at once, which saves the wake-up of a writer. It is for those whose
// answers are to be out before they go on, and who have nothing more urgent to do.
func (c *Conn) FlushHere() { c.out.flushHere() }

// Close ends the connection at once: answers that aren't written yet are dropped.
func (c *Conn) Close() { c.fail(ErrClosed) }

// ended says that nothing can be sent any more.
func (c *Conn) ended() bool {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.cause != nil
}

// fail ends the connection for a reason, unless it has ended already.
func (c *Conn) fail(err error) {
	if !c.out.kill(err) {
		return
	}
	c.nc.Close()
	if err != ErrClosed {
		err = fmt.Errorf("%w: %w", ErrClosed, err)
	}
	c.calls.fail(err)
}
