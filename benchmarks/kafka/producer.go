package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/loop"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// stampBytes are at the start of a stamped body: i64 when the send was due.
const stampBytes = 8

// producer is a client that doesn't wait for more messages before it sends what it has. It is a loop.Conn.
type producer struct {
	client   *kgo.Client
	patience time.Duration
	body     []byte
	stamped  bool
	queues   int
	sent     int
	answers  chan answer   // as many as may be in flight
	closed   chan struct{} // by Close
	once     sync.Once

	// Of the goroutine that takes the answers.
	taken   []answer
	offsets []measure.Offsets // by queue
	refusal error             // the first
}

// answer is what came of a send.
type answer struct {
	slot   int64
	queue  int32
	offset int64
	err    error
}

func newProducer(o *generator.Options, number, inFlight int) (*producer, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(o.Addr), kgo.DefaultProduceTopic(o.Topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(inFlight+1), kgo.RecordDeliveryTimeout(o.AnswerTimeout),
	)
	if err != nil {
		return nil, err
	}
	return &producer{
		client: client, patience: o.AnswerTimeout, body: measure.NewBody(o.SizeBytes), queues: o.Queues, sent: number,
		answers: make(chan answer, inFlight), closed: make(chan struct{}), offsets: make([]measure.Offsets, o.Queues),
	}, nil
}

func (p *producer) Send(slot, at int64) {
	body := p.body
	if p.stamped {
		body = binary.BigEndian.AppendUint64(nil, uint64(at))
		body = append(body, p.body[stampBytes:]...)
	}
	record := &kgo.Record{Partition: int32(p.sent % p.queues), Value: body}
	p.sent++
	p.client.Produce(context.Background(), record, func(r *kgo.Record, err error) {
		select {
		case p.answers <- answer{slot, r.Partition, r.Offset, err}:
		case <-p.closed:
		}
	})
}

// Flush has nothing to do: the client sends on its own.
func (p *producer) Flush() error { return nil }

// Read takes all answers that are there, and waits for the first.
func (p *producer) Read() error {
	late := time.NewTimer(p.patience)
	defer late.Stop()
	p.taken = p.taken[:0]
	select {
	case a := <-p.answers:
		p.taken = append(p.taken, a)
	case <-p.closed:
		return net.ErrClosed
	case <-late.C:
		return os.ErrDeadlineExceeded
	}
	for len(p.taken) < cap(p.answers) {
		select {
		case a := <-p.answers:
			p.taken = append(p.taken, a)
		default:
			return nil
		}
	}
	return nil
}

func (p *producer) Next() (slot int64, stored, more bool, err error) {
	if len(p.taken) == 0 {
		return 0, false, false, nil
	}
	a := p.taken[0]
	p.taken = p.taken[1:]
	if a.err != nil {
		if p.refusal == nil {
			p.refusal = a.err
		}
		return a.slot, false, true, nil
	}
	p.offsets[a.queue].Add(a.offset)
	return a.slot, true, true, nil
}

func (p *producer) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.client.Close()
	})
	return nil
}

// checkOffsets adds to the report what was wrong with the offsets that the messages of all producers got.
func checkOffsets(r *generator.Report, producers []*producer) {
	all := make([]measure.Offsets, len(producers[0].offsets))
	for _, p := range producers {
		if p.refusal != nil {
			r.Problems = append(r.Problems, fmt.Sprintf("refused: %v", p.refusal))
		}
		for q := range p.offsets {
			all[q].Merge(p.offsets[q])
		}
	}
	for q := range all {
		if text := all[q].Problem(); text != "" {
			r.Problems = append(r.Problems, fmt.Sprintf("partition %d: %s", q, text))
		}
	}
}

// send produces in a closed loop, with a window of unanswered messages on each client.
func send(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := createTopic(ctx, o); err != nil {
		return nil, err
	}
	return sendAll(ctx, o)
}

func sendAll(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	return loop.ClosedOver(ctx, o, func(n int) (*producer, error) { return newProducer(o, n, o.InFlight) }, checkOffsets)
}
