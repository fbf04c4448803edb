package remoting

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"syscall"
	"time"
)

// coolDown is how long a connection must be silent before it gives its buffers back.
const coolDown = time.Second

// serve reads until the connection ends, and then until nobody uses it any more. The caller is the connection's own goroutine.
func (c *Conn) serve() {
	c.fail(c.read())
	err := c.out.settle()
	if ordinary(err) {
		c.log.Debug("remoting: connection ended", "remote", c.remoteName(), "reason", err)
	} else {
		c.log.Warn("remoting: connection closed", "remote", c.remoteName(), "reason", err)
	}
	defer c.recovered()
	c.handler.Closed(c)
}

// ordinary says of the end of a connection that nobody need know of it.
func ordinary(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, ErrClosed, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// reader is what the connection's goroutine knows of the bytes that come in.
type reader struct {
	c     *Conn
	in    *inbox    // nil while the connection is cold
	last  time.Time // when bytes last came in
	began time.Time // since when the frame at the front of in has been incomplete
	got   int       // bytes that came in since began
}

// read is the loop of the connection's goroutine. An inbox is there only while bytes come in.
//
// A deadline that is moved with each read would cost more than the read's bookkeeping together, so it stays where it is until it is over, and
// moves then to where it is due. A connection that is busy is looked after once per coolDown that way.
func (c *Conn) read() error {
	now := time.Now()
	r := reader{c: c, last: now, began: now}
	defer r.cool()
	for due := true; c.out.room(c.limits.MaxPending, c.limits.MaxInFlight); {
		if due || c.draining.Load() {
			if err := r.arm(now); err != nil {
				return err
			}
		}
		cold := r.in == nil
		n, err := r.fill()
		now = time.Now()
		if n > 0 {
			bad := r.arrived(now, n)
			c.out.flushHere() // also when it ends here: what came before was good
			if bad != nil {
				return bad
			}
		}
		due = cold && n > 0
		if err != nil {
			if !isTimeout(err) {
				return err
			}
			if err := r.look(now); err != nil {
				return err
			}
			due = true
		}
	}
	return ErrClosed
}

// arm sets when the loop looks after the connection although nothing came in.
func (r *reader) arm(now time.Time) error {
	var at time.Time
	switch {
	case r.in != nil:
		if at = r.last.Add(coolDown); !at.After(now) { // it holds too much of a frame to get cold
			at = now.Add(coolDown)
		}
	case r.c.limits.Idle > 0:
		at = r.c.lastActive(r.last).Add(r.c.limits.Idle)
	}
	if err := r.c.nc.SetReadDeadline(at); err != nil {
		return err
	}
	if r.c.draining.Load() {
		r.c.drained() // whose shorter deadline the one above may have undone
	}
	return nil
}

// fill reads once.
func (r *reader) fill() (int, error) {
	c := r.c
	if r.in != nil {
		return r.in.read(c.stream, c.limits.MaxFrame)
	}
	n, err := c.stream.Read(c.cold[c.kept:])
	if n > 0 {
		r.in = c.pools.inbox()
		r.in.end = copy(r.in.buf, c.cold[:c.kept+n])
		c.kept = 0
	}
	return n, err
}

// arrived deals with n bytes that came in.
func (r *reader) arrived(now time.Time, n int) error {
	r.last = now
	if r.in.end == n {
		r.began, r.got = now, 0
	}
	r.got += n
	if r.c.entrance != nil {
		if err := r.c.enter(r.in); err != nil || r.c.entrance != nil {
			return err
		}
	}
	used, bad := r.in.decode(r.c.limits.MaxFrame)
	r.c.more = used < r.in.end
	if err := r.c.dispatch(r.in.cmds); err != nil {
		return err
	}
	r.in.drop(used)
	if used > 0 {
		r.began, r.got = now, r.in.end
	}
	return bad
}

// look is called when the deadline is over: it ends a connection that should end and takes the buffers of one that has been silent.
func (r *reader) look(now time.Time) error {
	c := r.c
	switch idle := c.limits.Idle; {
	case c.draining.Load() && c.out.quiet() && now.Sub(r.last) >= drainGrace:
		return c.bye()
	case idle > 0 && now.Sub(c.lastActive(r.last)) >= idle:
		return fmt.Errorf("%w: %v", errIdle, idle)
	case idle > 0 && r.pending() > 0 && now.Sub(r.began) >= idle:
		// Whoever sends a large frame slowly may go on; whoever sends a byte now and then, to hold a connection, may not.
		if r.got < inboxBytes {
			return fmt.Errorf("%w: %d bytes of it came in %v", errSlowFrame, r.got, now.Sub(r.began))
		}
		r.began, r.got = now, 0
	}
	if r.in != nil && r.in.end <= len(c.cold)/2 && now.Sub(r.last) >= coolDown {
		c.kept = copy(c.cold[:], r.in.buf[:r.in.end])
		r.cool()
	}
	return nil
}

// pending is how many bytes of an incomplete frame there are.
func (r *reader) pending() int {
	if r.in != nil {
		return r.in.end
	}
	return r.c.kept
}

// cool gives the inbox back, and forgets what is in it.
func (r *reader) cool() {
	if r.in != nil {
		r.in.end = 0
		r.c.pools.putInbox(r.in)
		r.in = nil
	}
}

// lastActive is when bytes last went in either direction.
func (c *Conn) lastActive(lastRead time.Time) time.Time {
	if w := time.Unix(0, c.out.lastWrite.Load()); w.After(lastRead) {
		return w
	}
	return lastRead
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

func (c *Conn) recovered() { c.panicked(recover()) }

func (c *Conn) panicked(v any) bool {
	if v != nil {
		c.log.Error("remoting: panic in a handler", "remote", c.remoteName(), "panic", v, "stack", string(debug.Stack()))
	}
	return v != nil
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
