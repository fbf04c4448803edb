package generator

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// fakeBroker answers sends as a broker would, or as spoil wants.
type fakeBroker struct {
	net.Listener
	serving sync.WaitGroup

	// spoil, if not nil, returns what goes out instead of the answers to the n-th … sends that one read brought. It is
	// called under mu. A nil result closes the connection.
	spoil func(sends []send) []string
	// spoilPull, if not nil, changes the answer to a pull. It is called under mu.
	spoilPull func(p *pulled)
	// spoilRoute, if not nil, changes the answer to the n-th request for a route. Likewise.
	spoilRoute func(n int, answer request) request
	// spoilBeat, if not nil, returns the answer to the n-th heartbeat; nil closes the connection. Likewise.
	spoilBeat func(n int, r request) []byte

	mu      sync.Mutex // guards all below
	next    map[int]int64
	keys    map[string]bool
	topic   request
	sends   int
	refused string              // remark for the topic's creation; "" creates it
	stored  map[string][][]byte // bodies by topic and queue id
	topics  map[string]int      // queues of each
	pulls   []request
	routes  int
	beats   []request
	held    []*heldPull
}

// send is a request with the answer that is right for it.
type send struct {
	request
	queueID int
	offset  int64
}

func (s send) answer() string { return s.answerAt(s.queueID, s.offset) }

func (s send) answerAt(queueID int, offset int64) string {
	return fmt.Sprintf(`{"code":0,"extFields":{"queueId":"%d","msgId":"x","queueOffset":"%d"},"flag":1,"language":"JAVA","opaque":%d,"version":513}`,
		queueID, offset, s.Opaque)
}

func (s send) failure(code int, remark string) string {
	return fmt.Sprintf(`{"code":%d,"flag":1,"opaque":%d,"remark":%q}`, code, s.Opaque, remark)
}

func answers(sends []send) []string {
	var out []string
	for _, s := range sends {
		out = append(out, s.answer())
	}
	return out
}

// fakeConn writes in about 20 pieces, of 7 bytes or more.
type fakeConn struct {
	net.Conn
	mu sync.Mutex // one answer at a time
}

func (c *fakeConn) write(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	step := max(7, len(b)/20)
	for piece := range slices.Chunk(b, step) {
		c.Write(piece)
	}
}

// startBroker listens until the test ends.
func startBroker(t *testing.T, spoil func(sends []send) []string) *fakeBroker {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &fakeBroker{Listener: ln, spoil: spoil, next: map[int]int64{}, keys: map[string]bool{}, stored: map[string][][]byte{}, topics: map[string]int{}}
	b.serving.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			b.serving.Go(func() {
				defer c.Close()
				if err := b.serve(&fakeConn{Conn: c}); err != nil {
					t.Error(err)
				}
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		b.serving.Wait()
		b.stopHolding()
	})
	return b
}

func (b *fakeBroker) options() Options {
	return Options{
		Mode: ModeSend,
		Addr: b.Addr().String(), Topic: "T", Queues: 3, SizeBytes: 20, Connections: 2, InFlight: 8,
		Count: 500, AnswerTimeout: 10 * time.Second,
	}
}

// serve ends with the connection. Answers leave in pieces, in the reverse order of the sends.
func (b *fakeBroker) serve(c *fakeConn) error {
	var held []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return nil
		}
		held = append(held, buf[:n]...)
		var sends []send
		for {
			frame, rest, err := cutFrame(held)
			if err != nil {
				return err
			}
			held = rest
			if frame == nil {
				break
			}
			r, err := readRequest(bytes.Clone(frame))
			if err != nil {
				return err
			}
			switch r.Code {
			case codeCreateTopic:
				c.write(b.create(r))
				continue
			case codePull:
				b.pull(c, r)
				continue
			case codeRoute:
				c.write(b.route(r))
				continue
			case codeHeartbeat:
				if beat := b.heartbeat(r); beat != nil {
					c.write(beat)
					continue
				}
				return nil
			}
			sends = append(sends, send{request: r})
		}
		if len(sends) == 0 {
			continue
		}
		headers := b.store(sends)
		if headers == nil {
			return nil
		}
		slices.Reverse(headers)
		var out []byte
		for _, h := range headers {
			out = append(out, frameOf(h)...)
		}
		c.write(out)
	}
}

func (b *fakeBroker) create(r request) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.topic = r
	b.topics[r.ExtFields["topic"]] = atoi(r.ExtFields["writeQueueNums"])
	if b.refused != "" {
		return frameOf(send{request: r}.failure(16, b.refused))
	}
	return frameOf(fmt.Sprintf(`{"code":0,"flag":1,"opaque":%d}`, r.Opaque))
}

// store numbers the sends and returns the headers of the answers.
func (b *fakeBroker) store(sends []send) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range sends {
		s := &sends[i]
		s.queueID, _ = strconv.Atoi(s.ExtFields["e"])
		s.offset = b.next[s.queueID]
		b.next[s.queueID]++
		b.keys[s.ExtFields["i"]] = true
		b.sends++
		q := s.ExtFields["b"] + "/" + s.ExtFields["e"]
		b.stored[q] = append(b.stored[q], s.Body)
	}
	defer b.wake()
	if b.spoil != nil {
		return b.spoil(sends)
	}
	return answers(sends)
}
