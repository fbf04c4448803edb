package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// sending is what `interop send` is told and how far it is.
type sending struct {
	*common
	group    string
	first    int64
	count    int64
	size     int
	mode     string
	batch    int
	workers  int
	tags     string
	queue    int
	keys     int64
	delay    int
	interval time.Duration
	retries  int
	persist  bool
	trace    bool
	report   bool

	out      *output
	producer rocketmq.Producer
	next     atomic.Int64
	sent     atomic.Int64
	failed   atomic.Int64
}

// send sends the messages first … first+count-1, or from first on until standard input is closed. Message n has the key "k<n>".
func send(ctx context.Context, args []string) (err error) {
	s := &sending{common: newFlags("send"), out: newOutput()}
	s.StringVar(&s.group, "group", "interop-producer", "producer group")
	s.Int64Var(&s.first, "first", 0, "number of the first message")
	s.Int64Var(&s.count, "count", 1, "how many messages; 0: until standard input is closed")
	s.IntVar(&s.size, "size", 64, "bytes of a body")
	s.StringVar(&s.mode, "mode", "sync", "sync, async, oneway or batch")
	s.IntVar(&s.batch, "batch", 10, "messages in a batch")
	s.IntVar(&s.workers, "workers", 1, "goroutines that send")
	s.StringVar(&s.tags, "tags", "", "comma-separated tags, which the messages get in turn")
	s.IntVar(&s.queue, "queue", -1, "queue to send to; -1: in turn, -2: by the message's number")
	s.Int64Var(&s.keys, "keys", 0, "as many sharding keys, which the messages get in turn, choose the queue; 0: none")
	s.IntVar(&s.delay, "delay", 0, "delay level; 0: none")
	s.DurationVar(&s.interval, "interval", 0, "pause after each message")
	s.IntVar(&s.retries, "retries", 0, "how many times the client itself may try a message again")
	s.BoolVar(&s.persist, "persist", false, "send a message again until it is acknowledged")
	s.BoolVar(&s.trace, "trace", false, "send traces, too")
	s.BoolVar(&s.report, "report", false, "print an event for each message")
	if err := s.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if s.producer, err = rocketmq.NewProducer(s.options()...); err != nil {
		return err
	}
	if err := s.producer.Start(); err != nil {
		return err
	}
	began := time.Now()
	s.next.Store(s.first)
	var wg sync.WaitGroup
	errs := make([]error, s.workers)
	for w := range errs {
		wg.Go(func() { errs[w] = s.work(ctx) })
	}
	stop := s.progress()
	wg.Wait()
	stop()
	took := time.Since(began)
	if s.mode == "oneway" {
		// The client closes its connections without a word, and with an answer on its way to it (of a heartbeat, say) that resets them:
		// what it has sent one way and the server has not read is lost then.
		time.Sleep(time.Second)
	}
	err = errors.Join(errors.Join(errs...), s.producer.Shutdown())
	s.out.emit(event{Event: "done", Sent: s.sent.Load(), Failed: s.failed.Load(), Seconds: took.Seconds()})
	return err
}

func (s *sending) options() []producer.Option {
	o := []producer.Option{producer.WithNameServer(s.servers()), producer.WithGroupName(s.group), producer.WithRetry(s.retries), producer.WithTls(s.tls)}
	if s.namespace != "" {
		o = append(o, producer.WithNamespace(s.namespace))
	}
	switch {
	case s.keys > 0:
		o = append(o, producer.WithQueueSelector(producer.NewHashQueueSelector()))
	case s.queue != -1:
		o = append(o, producer.WithQueueSelector(producer.NewManualQueueSelector()))
	}
	if s.trace {
		o = append(o, producer.WithTrace(&primitive.TraceConfig{
			GroupName: s.group, Access: primitive.Local, Resolver: primitive.NewPassthroughResolver(s.servers()),
		}))
	}
	return o
}

// progress reports from time to time until the function that it returns is called.
func (s *sending) progress() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() { // stop waits for it
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.out.emit(event{Event: "progress", Sent: s.sent.Load(), Failed: s.failed.Load()})
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// work sends until no number is left, or, if they have no end, until it is told to stop.
func (s *sending) work(ctx context.Context) error {
	step := int64(1)
	if s.mode == "batch" {
		step = int64(s.batch)
	}
	for ctx.Err() == nil {
		n := s.next.Add(step) - step
		end := n + step
		if s.count > 0 {
			end = min(end, s.first+s.count)
		}
		if n >= end {
			return nil
		}
		if err := s.one(ctx, n, end); err != nil {
			return err
		}
		time.Sleep(s.interval)
	}
	if err := ctx.Err(); s.count > 0 || !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// one sends the messages n … end-1 together.
func (s *sending) one(ctx context.Context, n, end int64) error {
	for {
		msgs := make([]*primitive.Message, 0, end-n)
		for k := n; k < end; k++ {
			msgs = append(msgs, s.message(k))
		}
		err := s.try(ctx, n, msgs)
		if err == nil {
			return nil
		}
		s.failed.Add(1)
		if !s.persist {
			return fmt.Errorf("message %d: %w", n, err)
		}
		fmt.Fprintf(os.Stderr, "interop: message %d, again: %v\n", n, err)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("message %d: %w", n, err)
		}
	}
}

func (s *sending) message(n int64) *primitive.Message {
	m := primitive.NewMessage(s.topic, newBody(n, s.size)).WithKeys([]string{fmt.Sprint("k", n)})
	if s.tags != "" {
		tags := strings.Split(s.tags, ",")
		m.WithTag(tags[n%int64(len(tags))])
	}
	if s.keys > 0 {
		m.WithShardingKey(fmt.Sprint(n % s.keys))
	}
	if s.delay > 0 {
		m.WithDelayTimeLevel(s.delay)
	}
	switch {
	case s.queue >= 0:
		m.Queue = &primitive.MessageQueue{Topic: s.topic, BrokerName: "broker-a", QueueId: s.queue}
	case s.queue == -2:
		m.Queue = &primitive.MessageQueue{Topic: s.topic, BrokerName: "broker-a", QueueId: int(n % 4)}
	}
	return m
}

// try sends once. A send that is acknowledged with anything but OK is a failure. One that is on its way is waited for, whoever wants to stop.
func (s *sending) try(ctx context.Context, n int64, msgs []*primitive.Message) error {
	ctx = context.WithoutCancel(ctx)
	switch s.mode {
	case "sync", "batch":
		r, err := s.producer.SendSync(ctx, msgs...)
		return s.result(n, msgs, r, err)
	case "async":
		done := make(chan error, 1)
		err := s.producer.SendAsync(ctx, func(_ context.Context, r *primitive.SendResult, err error) {
			done <- s.result(n, msgs, r, err)
		}, msgs...)
		if err != nil {
			return err
		}
		return <-done
	case "oneway":
		err := s.producer.SendOneWay(ctx, msgs...)
		if err == nil {
			s.sent.Add(int64(len(msgs)))
		}
		return err
	default:
		return fmt.Errorf("mode %q: sync, async, oneway or batch?", s.mode)
	}
}

func (s *sending) result(n int64, msgs []*primitive.Message, r *primitive.SendResult, err error) error {
	if err != nil {
		return err
	}
	if r.Status != primitive.SendOK {
		return fmt.Errorf("acknowledged with status %d", r.Status)
	}
	s.sent.Add(int64(len(msgs)))
	if s.report {
		_, made, _ := readBody(msgs[0].Body) // newBody made it
		s.out.emit(event{
			Event: "sent", Number: n, Topic: r.MessageQueue.Topic, Broker: r.MessageQueue.BrokerName, Queue: r.MessageQueue.QueueId, QueueOffset: r.QueueOffset,
			MsgID: r.MsgID, OffsetMsgID: r.OffsetMsgID, Micros: time.Since(made).Microseconds(),
		})
	}
	return nil
}
