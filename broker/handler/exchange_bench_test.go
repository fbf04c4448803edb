package handler_test

import (
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// BenchmarkExchange has a whole broker answer the same requests of one connection again and again: an op is one read of 16 sends of
// 1 KiB each, or of 4 pulls of 32 such messages, and one write of the answers. Nothing is done by the clock meanwhile, so that
// each op does the same. socket is over the loopback; memory has neither sockets nor a client, and shows what the broker costs alone.
func BenchmarkExchange(b *testing.B) {
	body := make([]byte, 1024)
	send := frame(remoting.CodeSendMessageV2, 7, 0, sendFields("orders", 0), body)
	pull := frame(remoting.CodePullMessage, 7, 0, pullFields(0, subscription), nil)
	for _, c := range []struct {
		name     string
		request  []byte
		together int
	}{{"send", send, 16}, {"pull", pull, 4}} {
		requests := repeated(c.request, c.together)
		b.Run(c.name+"/socket", func(b *testing.B) {
			f := quietBroker(b)
			exchange := exchanger(b, dialRaw(b, f), requests, c.together)
			exchange() // what is made once
			for b.Loop() {
				exchange()
			}
		})
		b.Run(c.name+"/memory", func(b *testing.B) {
			f := quietBroker(b)
			l := newFedListener(requests, c.together)
			f.Serve(l)
			l.conn.exchange(b)
			for b.Loop() {
				l.conn.exchange(b)
			}
			l.conn.Close()
		})
	}
}

func repeated(b []byte, n int) (all []byte) {
	for range n {
		all = append(all, b...)
	}
	return all
}

// quietBroker is a broker on a disk with 32 messages of 1 KiB in a queue, which does nothing unasked.
func quietBroker(b *testing.B) *fixture {
	f := start(b, vfs.OS(), func(c *config.Config) {
		c.StoreDir, c.SegmentBytes = filepath.Join(b.TempDir(), "store"), 64<<20
		c.QueueFileBytes, c.IndexSlots, c.IndexEntries = 6<<20, 5_000_000, 20_000_000
		for _, every := range []*time.Duration{&c.FlushLogEvery, &c.FlushQueuesEvery, &c.CleanEvery, &c.PersistOffsets, &c.SaveDelayOffsets} {
			*every = 24 * time.Hour
		}
	})
	c := f.dial(b)
	for range 32 {
		c.ok(b, remoting.CodeSendMessageV2, sendFields("orders", 0), make([]byte, 1024))
	}
	f.arrive(b, "orders", 0, 31)
	c.Close()
	return f
}

// fed is a connection whose peer is the benchmark: what the broker reads is a copy of the requests, what it writes is only counted.
type fed struct {
	requests []byte
	answers  int // that each read of the requests is owed
	turn     chan struct{}
	done     chan struct{}
	closed   chan struct{}
	close    func() // closes it once

	unread []byte        // of the requests; belongs to whoever reads
	count  answerCounter // belongs to whoever writes
	owed   int           // answers until the turn is done; likewise
}

// exchange has the broker read the requests, and returns when all are answered.
func (c *fed) exchange(b *testing.B) {
	select {
	case c.turn <- struct{}{}:
		select {
		case <-c.done:
			return
		case <-c.closed:
		}
	case <-c.closed:
	}
	b.Fatal("the broker has closed the connection")
}

func (c *fed) Read(p []byte) (int, error) {
	if len(c.unread) == 0 {
		select {
		case <-c.turn:
			c.unread = c.requests
		case <-c.closed:
			return 0, io.EOF
		}
	}
	n := copy(p, c.unread) // all of them, but for a connection that has been idle and reads into a small buffer
	c.unread = c.unread[n:]
	return n, nil
}

func (c *fed) Write(p []byte) (int, error) {
	c.owed -= c.count.take(p)
	if c.owed == 0 {
		c.owed = c.answers
		c.done <- struct{}{}
	}
	return len(p), nil
}

// Close is called by the benchmark and by the broker.
func (c *fed) Close() error {
	c.close()
	return nil
}

func (c *fed) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 10911} }
func (c *fed) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711} }
func (c *fed) SetDeadline(time.Time) error      { return nil }
func (c *fed) SetReadDeadline(time.Time) error  { return nil }
func (c *fed) SetWriteDeadline(time.Time) error { return nil }

// answerCounter counts frames in a stream that comes in pieces.
type answerCounter struct {
	prefix [4]byte
	have   int // bytes of the prefix
	left   int // bytes of the frame
}

// take returns how many frames end in p.
func (a *answerCounter) take(p []byte) (n int) {
	for len(p) > 0 {
		if a.have < len(a.prefix) {
			k := copy(a.prefix[a.have:], p)
			a.have, p = a.have+k, p[k:]
			a.left = int(binary.BigEndian.Uint32(a.prefix[:]))
			continue
		}
		k := min(a.left, len(p))
		a.left, p = a.left-k, p[k:]
		if a.left == 0 {
			a.have = 0
			n++
		}
	}
	return n
}

// fedListener accepts one connection.
type fedListener struct {
	conn   *fed
	accept chan net.Conn
	closed chan struct{}
	close  func() // closes it once
}

func newFedListener(requests []byte, answers int) *fedListener {
	c := &fed{requests: requests, answers: answers, owed: answers, turn: make(chan struct{}), done: make(chan struct{}, 1), closed: make(chan struct{})}
	c.close = sync.OnceFunc(func() { close(c.closed) })
	l := &fedListener{conn: c, accept: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	l.accept <- c
	return l
}

func (l *fedListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close is called by the broker, when it ends and when Serve does.
func (l *fedListener) Close() error {
	l.close()
	return nil
}

func (l *fedListener) Addr() net.Addr { return l.conn.LocalAddr() }
