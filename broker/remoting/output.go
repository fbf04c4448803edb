package remoting

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// output is the sending half of a connection. Frames gather in cur; whoever has set writing takes them and writes, and goes on until there are none.
type output struct {
	nc      net.Conn  // the socket, for its deadline
	to      io.Writer // nc, or what TLS makes of it
	pools   *pools
	records bool          // to makes a record of each slice
	timeout time.Duration // after which a peer that takes nothing is given up
	nowait  *nowait       // to write without waiting; nil where that can't be done. It belongs to whoever set writing
	failed  func(error)   // called by the goroutine whose write failed
	idle    func()        // called after a write, when nothing is left and nothing is owed
	run     func()        // o.writeAll: made once, so that starting a writer allocates nothing

	lastWrite atomic.Int64 // when bytes last went out, ns since 1970

	mu      sync.Mutex // guards what follows
	moved   sync.Cond  // of mu: pending or owed fell, writing ended, or the connection did
	cur     *batch     // frames that nobody writes yet; nil = none
	pending int        // bytes in cur and flight
	owed    int        // requests without an answer
	writing bool       // somebody owns flight
	cause   error      // why the connection ended; nil while it hasn't

	flight *batch // being written; belongs to whoever set writing
}

func (o *output) init(nc net.Conn, p *pools, timeout time.Duration) {
	o.nc, o.to, o.pools, o.timeout = nc, nc, p, timeout
	o.nowait = newNowait(nc)
	o.moved.L = &o.mu
	o.run = o.writeAll
}

// add takes over a sealed frame, or releases it: where the connection has ended, or with drop. An answer settles one of the requests owed.
// It is false when the connection has ended.
func (o *output) add(w *Reply, drop, answer bool) bool {
	o.mu.Lock()
	if answer {
		o.owed--
	}
	alive := o.cause == nil
	if alive && !drop {
		if o.cur == nil {
			o.cur = o.pools.batch()
		}
		size := o.cur.sizeBytes
		o.cur.add(w)
		o.pending += o.cur.sizeBytes - size
	}
	o.mu.Unlock()
	w.release() // does nothing where the batch has taken the parts
	return alive
}

// owe counts requests that are about to be handed to somebody who answers them.
func (o *output) owe(n int) {
	o.mu.Lock()
	o.owed += n
	o.mu.Unlock()
}

// claim makes the caller the one who writes, unless there is another or nothing to write.
func (o *output) claim() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing || o.cause != nil || o.cur == nil {
		return false
	}
	o.writing = true
	return true
}

// flush has a writer of its own send what has gathered. It never waits for the socket.
func (o *output) flush() {
	if o.claim() {
		go o.run()
	}
}

// flushHere sends what has gathered on the caller's goroutine, which saves the wake-up of another, as far as the socket takes it at once; a
// writer takes the rest.
func (o *output) flushHere() {
	if o.claim() && (o.nowait == nil || !o.writeNow()) {
		go o.run()
	}
}

// writeNow sends what has gathered without waiting. It is false when there is something left; the ownership of flight is then still the caller's
// to pass on.
func (o *output) writeNow() (done bool) {
	for {
		if o.flight == nil && !o.take() {
			return true
		}
		n, err := o.nowait.write(&o.flight.rest)
		o.wrote(n)
		if err != nil {
			o.broke(err)
			return true
		}
		if len(o.flight.rest) > 0 {
			return false
		}
		o.landed()
	}
}

// writeAll is the writer: it owns flight until nothing is left, or until the connection breaks. It waits for the socket only when that is full.
func (o *output) writeAll() {
	if o.nowait != nil && o.writeNow() {
		return
	}
	for o.flight != nil || o.take() {
		err := o.nc.SetWriteDeadline(time.Now().Add(o.timeout))
		var n int64
		if err == nil {
			n, err = o.flight.rest.WriteTo(o.to)
		}
		o.wrote(int(n))
		switch {
		case err == nil:
			o.landed()
		case !errors.Is(err, os.ErrDeadlineExceeded):
			o.broke(err)
			return
		case n == 0:
			o.broke(errSlow(o.timeout))
			return
		}
	}
}

// wrote notes that n bytes have left.
func (o *output) wrote(n int) {
	if n == 0 {
		return
	}
	o.lastWrite.Store(time.Now().UnixNano())
	o.mu.Lock()
	o.pending -= n
	o.moved.Broadcast()
	o.mu.Unlock()
}

// take makes what has gathered the flight; false when there is nothing, and then nobody writes any more.
func (o *output) take() bool {
	o.mu.Lock()
	if o.cur != nil && o.cause == nil {
		o.flight, o.cur = o.cur, nil
		o.mu.Unlock()
		o.flight.load()
		if o.records {
			o.flight.join()
		}
		return true
	}
	o.writing = false
	idle := o.owed == 0 && o.cause == nil
	o.moved.Broadcast()
	o.mu.Unlock()
	if idle {
		o.idle()
	}
	return false
}

// landed releases the flight.
func (o *output) landed() {
	b := o.flight
	o.flight = nil
	b.reset()
	o.pools.putBatch(b)
}

// broke gives up flight and connection.
func (o *output) broke(err error) {
	o.landed()
	o.failed(err)
	o.mu.Lock()
	o.writing = false
	o.moved.Broadcast()
	o.mu.Unlock()
}

// kill ends the connection for a reason and drops all that isn't being written; nothing is accepted afterwards. The socket is the caller's to
// close. False when it has ended before.
func (o *output) kill(cause error) bool {
	o.mu.Lock()
	first := o.cause == nil
	if first {
		o.cause = cause
	}
	b := o.cur
	o.cur, o.pending = nil, 0
	o.moved.Broadcast()
	o.mu.Unlock()
	if b != nil {
		b.reset()
	}
	return first
}

// settle waits until nobody writes any more, and returns the cause. It is called after kill and after the socket was closed.
func (o *output) settle() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.writing {
		o.moved.Wait()
	}
	return o.cause
}

// room waits while a bound is exceeded, and for half of the pending bytes to leave then; false when the connection has ended.
func (o *output) room(maxPending, maxOwed int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pending <= maxPending && o.owed <= maxOwed {
		return o.cause == nil
	}
	for o.cause == nil && (o.pending > maxPending/2 || o.owed > maxOwed) {
		if o.cur != nil && !o.writing {
			o.writing = true
			go o.run()
		}
		o.moved.Wait()
	}
	return o.cause == nil
}

// full says that the peer is so far behind that nothing should be sent to it unasked.
func (o *output) full(maxPending int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pending > maxPending
}

// quiet says that nothing is owed and nothing waits to be written.
func (o *output) quiet() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.owed == 0 && o.cur == nil && !o.writing
}
