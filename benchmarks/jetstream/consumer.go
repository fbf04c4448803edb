package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// reading is one stream and how far it has been read through a consumer. Two requests are open, as with the official clients, so that the
// server has something to do while the first one's messages are taken.
type reading struct {
	stream string
	pub    string // the line of a request, up to its size
	next   int64  // stream sequence of the next message
	end    int64  // of the last message + 1, or endless
	asked  int64  // messages that were asked for lie before this sequence
	open   []request
}

const endless = math.MaxInt64

// request is one that asks for messages up to a sequence.
type request struct{ end, sentAt int64 }

// puller is a connection that reads streams. It belongs to one goroutine.
type puller struct {
	*wire
	batch    int64
	start    time.Time
	readings []*reading                        // by subscription id - 1
	check    func(body []byte, now int64) bool // tells whether a body is one that was sent; now in ns since start
	arrived  *measure.Arrivals

	messages, bytes, requests int64
	lastAt                    int64
	latency                   *hdrhistogram.Histogram // from a request to its last message
	damaged                   int64
}

func dialPuller(ctx context.Context, o *generator.Options, batch int, arrived *measure.Arrivals, check func([]byte, int64) bool) (*puller, error) {
	w, err := dialWire(ctx, o.Addr, o.AnswerTimeout)
	if err != nil {
		return nil, err
	}
	return &puller{wire: w, batch: int64(batch), check: check, arrived: arrived, latency: measure.NewHistogram()}, nil
}

// read makes a consumer of the stream, from its first message on, and subscribes to what it delivers. The consumer is in memory and
// wants no acknowledgements, like an ordered consumer of the official clients.
func (p *puller) read(ctx context.Context, js jetstream.JetStream, stream string, from, end int64) error {
	c, err := js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverAllPolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Hour,
	})
	if err != nil {
		return fmt.Errorf("consumer of stream %s: %w", stream, err)
	}
	in := inbox() + "messages"
	p.readings = append(p.readings, &reading{
		stream: stream, pub: fmt.Sprintf("PUB $JS.API.CONSUMER.MSG.NEXT.%s.%s %s ", stream, c.CachedInfo().Name, in), next: from, asked: from, end: end,
	})
	p.subscribe(in, len(p.readings))
	return p.roundTrip()
}

// work asks for messages and takes them until all are there.
func (p *puller) work() error {
	left := 0
	for _, r := range p.readings {
		if r.next < r.end {
			left++
			p.ask(r, p.now())
		}
	}
	for left > 0 {
		if err := p.Flush(); err != nil {
			return err
		}
		if err := p.Read(); err != nil {
			return err
		}
		now := p.now()
		for {
			m, more, err := p.next()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			r, err := p.take(&m, now)
			if err != nil {
				return err
			}
			if r.next == r.end {
				left--
			}
		}
	}
	return nil
}

func (p *puller) now() int64 { return int64(time.Since(p.start)) }

// ask keeps two requests open, as far as there are messages for them.
func (p *puller) ask(r *reading, now int64) {
	for len(r.open) < 2 && r.asked < r.end {
		n := min(p.batch, r.end-r.asked)
		r.asked += n
		r.open = append(r.open, request{end: r.asked, sentAt: now})
		text := fmt.Appendf(nil, `{"batch":%d}`, n)
		p.out = fmt.Appendf(p.out, "%s%d\r\n%s\r\n", r.pub, len(text), text)
	}
}

// take checks a message: it must be the stream's next one.
func (p *puller) take(m *message, now int64) (*reading, error) {
	if m.sid < 1 || m.sid > len(p.readings) {
		return nil, fmt.Errorf("message for subscription %d, expected 1 … %d", m.sid, len(p.readings))
	}
	r := p.readings[m.sid-1]
	seq, ok := streamSequence(m.reply)
	if !ok {
		return nil, fmt.Errorf("stream %s says %.200q %.200q, expected message %d", r.stream, m.header, m.reply, r.next)
	}
	if seq != r.next || seq >= r.asked {
		return nil, fmt.Errorf("stream %s: message %d, expected %d, and none from %d on", r.stream, seq, r.next, r.asked)
	}
	if !p.check(m.body, now) {
		p.damaged++
	}
	p.messages++
	p.bytes += int64(len(m.body))
	p.lastAt = now
	r.next++
	if r.next == r.open[0].end {
		measure.Record(p.latency, now-r.open[0].sentAt)
		p.requests++
		r.open = append(r.open[:0], r.open[1:]...)
		p.ask(r, now)
	}
	p.arrived.Add(1)
	return r, nil
}

// streamSequence returns what the reply subject of a delivery says: $JS.ACK.STREAM.CONSUMER.DELIVERIES.SEQUENCE and more.
func streamSequence(reply []byte) (int64, bool) {
	rest, ok := bytes.CutPrefix(reply, []byte("$JS.ACK."))
	for range 3 {
		if ok {
			_, rest, ok = bytes.Cut(rest, []byte("."))
		}
	}
	digits, _, more := bytes.Cut(rest, []byte("."))
	seq, err := strconv.ParseInt(string(digits), 10, 64)
	return seq, ok && more && err == nil
}
