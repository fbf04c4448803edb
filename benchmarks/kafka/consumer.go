package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// endless as the end of a partition means that its reading goes on until the context ends.
const endless = math.MaxInt64

// span are the offsets from … end-1 of a partition.
type span struct{ from, end int64 }

// consumer is a client that reads partitions from given offsets on, without a group.
type consumer struct {
	client  *kgo.Client
	start   time.Time
	spans   map[int32]*span // from is the next offset
	check   func(body []byte, now int64) bool
	arrived *measure.Arrivals

	messages, bytes, polls, lastAt, damaged int64
}

// newConsumers deals the partitions out among the clients. Each gets a check of bodies of its own.
func newConsumers(o *generator.Options, spans []span, a *measure.Arrivals, check func() func([]byte, int64) bool) ([]*consumer, error) {
	var out []*consumer
	connections := min(o.Connections, len(spans))
	for n := range connections {
		c := &consumer{spans: make(map[int32]*span), check: check(), arrived: a}
		offsets := make(map[int32]kgo.Offset)
		for q := n; q < len(spans); q += connections {
			c.spans[int32(q)] = &span{spans[q].from, spans[q].end}
			offsets[int32(q)] = kgo.NewOffset().At(spans[q].from)
		}
		var err error
		c.client, err = kgo.NewClient(kgo.SeedBrokers(o.Addr), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.Topic: offsets}))
		if err != nil {
			closeConsumers(out)
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func closeConsumers(consumers []*consumer) {
	for _, c := range consumers {
		c.client.Close()
	}
}

// work reads until all partitions are at their ends, or ctx has ended.
func (c *consumer) work(ctx context.Context) error {
	left := 0
	for _, s := range c.spans {
		if s.from < s.end {
			left++
		}
	}
	for left > 0 {
		fetches := c.client.PollFetches(ctx)
		now := int64(time.Since(c.start))
		if ctx.Err() != nil {
			return nil
		}
		var err error
		fetches.EachError(func(topic string, partition int32, e error) {
			err = errors.Join(err, fmt.Errorf("topic %s, partition %d: %w", topic, partition, e))
		})
		c.polls++
		for records := fetches.RecordIter(); !records.Done() && err == nil; {
			var ended bool
			if ended, err = c.take(records.Next(), now); ended {
				left--
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take checks a message: it must be its partition's next one.
func (c *consumer) take(r *kgo.Record, now int64) (ended bool, err error) {
	s := c.spans[r.Partition]
	if s == nil || r.Offset != s.from && s.from < s.end {
		return false, fmt.Errorf("message %d of partition %d, expected the next one of those that were asked for", r.Offset, r.Partition)
	}
	if s.from == s.end {
		return false, nil // behind what is to be read
	}
	if !c.check(r.Value, now) {
		c.damaged++
	}
	s.from++
	c.messages++
	c.bytes += int64(len(r.Value))
	c.lastAt = now
	c.arrived.Add(1)
	return s.from == s.end, nil
}
