package remoting

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	// ErrClosed is wrapped by the errors of calls on a connection that has ended.
	ErrClosed = errors.New("connection closed")
	// ErrBusy is returned when a peer is so far behind that nothing is sent to it unasked.
	ErrBusy = errors.New("peer doesn't keep up")

	errIdle  = errors.New("silent for too long")
	errPanic = errors.New("the handler panicked")
)

func errSlow(after time.Duration) error {
	return fmt.Errorf("the peer took nothing for %v", after)
}

// coolDown is how long a connection must be silent before it gives its buffers back. linger is how long one that has been told of its end is
// given to end it from the other side.
const (
	coolDown = time.Second
	linger   = time.Second
	// drainGrace is how long a connection that is being drained must be silent to count as done: requests may be on their way.
	drainGrace = 20 * time.Millisecond
)

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
	nc            net.Conn
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
}

// limits are what bounds a connection; see ServerOptions.
type limits struct {
	MaxFrame, MaxPending, MaxInFlight int
	Idle, Write                       time.Duration // Idle 0: as long as it likes
}

func newConn(nc net.Conn, h Handler, l *limits, log *slog.Logger, p *pools) *Conn {
	c := &Conn{nc: nc, handler: h, limits: l, log: log, pools: p, remote: addrPort(nc.RemoteAddr()), local: addrPort(nc.LocalAddr())}
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

// RemoteAddr is the peer's address; the zero value where the connection isn't TCP.
func (c *Conn) RemoteAddr() netip.AddrPort { return c.remote }

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

// Flush sends the answers that have gathered. It never waits for the socket: a writer takes over, and what is added while it writes goes
// out with its next write. The server flushes by itself after Serve.
func (c *Conn) Flush() { c.out.flush() }

// FlushHere sends the answers that have gathered on the caller's goroutine, if the socket takes them at once. It is for Serve, which has
// something to do after its answers.
func (c *Conn) FlushHere() { c.out.flushHere() }

// Close ends the connection at once: answers that aren't written yet are dropped.
func (c *Conn) Close() { c.fail(ErrClosed) }

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

// serve reads until the connection ends, and then until nobody uses it any more. The caller is the connection's own goroutine.
func (c *Conn) serve() {
	c.fail(c.read())
	err := c.out.settle()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, ErrClosed), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		c.log.Debug("remoting: connection ended", "remote", c.nc.RemoteAddr(), "reason", err)
	default:
		c.log.Warn("remoting: connection closed", "remote", c.nc.RemoteAddr(), "reason", err)
	}
	defer c.recovered()
	c.handler.Closed(c)
}

// read is the loop of the connection's goroutine. An inbox is there only while bytes come in.
func (c *Conn) read() error {
	var in *inbox
	last := time.Now() // when bytes last came in
	for c.out.room(c.limits.MaxPending, c.limits.MaxInFlight) {
		var n int
		err := c.nc.SetReadDeadline(c.readDeadline(last, in != nil))
		if err != nil {
			return err
		}
		if c.draining.Load() {
			c.drained() // whose shorter deadline the one above may have undone
		}
		if in == nil {
			n, err = c.nc.Read(c.cold[:])
			if n > 0 {
				in = c.pools.inbox()
				in.end = copy(in.buf, c.cold[:n])
			}
		} else {
			n, err = in.read(c.nc, c.limits.MaxFrame)
		}
		now := time.Now()
		if n > 0 {
			last = now
			bad := c.handle(in)
			c.out.flushHere() // also when it ends here: what came before was good
			if bad != nil {
				return bad
			}
		}
		switch {
		case err == nil:
		case !isTimeout(err):
			return err
		case c.draining.Load() && c.out.quiet() && now.Sub(last) >= drainGrace:
			return c.bye()
		case c.limits.Idle > 0 && now.Sub(c.lastActive(last)) >= c.limits.Idle:
			return fmt.Errorf("%w: %v", errIdle, c.limits.Idle)
		}
		if in != nil && in.end == 0 && now.Sub(last) >= coolDown {
			c.pools.putInbox(in)
			in = nil
		}
	}
	return ErrClosed
}

// readDeadline is when the loop wants to look after the connection although nothing came in.
func (c *Conn) readDeadline(last time.Time, warm bool) time.Time {
	if warm {
		return time.Now().Add(coolDown)
	}
	if c.limits.Idle == 0 {
		return time.Time{}
	}
	return c.lastActive(last).Add(c.limits.Idle)
}

// lastActive is when bytes last went in either direction.
func (c *Conn) lastActive(lastRead time.Time) time.Time {
	if w := time.Unix(0, c.out.lastWrite.Load()); w.After(lastRead) {
		return w
	}
	return lastRead
}

// handle decodes what the inbox holds and hands it to the handler.
func (c *Conn) handle(in *inbox) error {
	used, bad := in.decode(c.limits.MaxFrame)
	if err := c.dispatch(in.cmds); err != nil {
		return err
	}
	in.drop(used)
	return bad
}

// dispatch gives answers to those who wait for them and requests to the handler.
func (c *Conn) dispatch(cmds []Command) (err error) {
	requests, owed := cmds[:0], 0
	draining := c.draining.Load()
	for i := range cmds {
		cmd := &cmds[i]
		if cmd.Response() {
			c.calls.answer(cmd)
			continue
		}
		if !cmd.Oneway() {
			owed++
			if draining {
				c.out.owe(1)
				owed--
				c.refuse(cmd)
				continue
			}
		}
		if len(requests) < i {
			cmds[len(requests)] = *cmd
		}
		requests = cmds[:len(requests)+1]
	}
	if len(requests) == 0 {
		return nil
	}
	if owed > 0 {
		c.out.owe(owed)
	}
	defer func() {
		if c.panicked(recover()) {
			err = errPanic
		}
	}()
	c.handler.Serve(c, requests)
	return nil
}

// refuse answers a request that came in while the server drains: clients that understand it are told to go elsewhere, others to retry.
func (c *Conn) refuse(cmd *Command) {
	if cmd.Version > Version53 {
		c.Reply(cmd.Ticket(), RespGoAway, "the server is shutting down").End()
		return
	}
	c.Reply(cmd.Ticket(), RespServiceNotAvailable, "the server is shutting down, send it to another broker").End()
}

func (c *Conn) recovered() { c.panicked(recover()) }

func (c *Conn) panicked(v any) bool {
	if v != nil {
		c.log.Error("remoting: panic in a handler", "remote", c.nc.RemoteAddr(), "panic", v, "stack", string(debug.Stack()))
	}
	return v != nil
}

// drain lets the connection end as soon as nothing is owed to the peer.
func (c *Conn) drain() {
	c.draining.Store(true)
	c.drained()
}

// drained has the reading goroutine look, soon, whether a connection that is to end has nothing more to do.
func (c *Conn) drained() {
	if c.draining.Load() && c.out.quiet() {
		c.nc.SetReadDeadline(time.Now().Add(drainGrace)) // an error is the end, which the reader sees too
	}
}

// bye tells the peer that nothing more will come, and gives it time to close: a close from this side while its bytes arrive would
// take answers away that it hasn't read.
func (c *Conn) bye() error {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return ErrClosed
	}
	end := time.Now().Add(linger)
	for c.nc.SetReadDeadline(end) == nil {
		if _, err := c.nc.Read(c.cold[:]); err != nil {
			break
		}
	}
	return ErrClosed
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
