package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/loop"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// topics creates streams with one subject each, then publishes to each: the first message to all of them, then the next.
func (b *bench) topics(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	if err := o.ValidateAs(o.Mode); err != nil {
		return nil, err
	}
	usage := &measure.Usage{PID: o.PID}
	if err := usage.Check(); err != nil {
		return nil, err
	}
	t := &generator.TopicsReport{Topics: o.Topics, RSSAnonBefore: usage.RSSAnon()}
	create := *o
	create.Count, create.Warmup, create.PID = int64(o.Topics), 0, 0
	created, err := inBulk(ctx, &create, func(item int64) (string, []byte) {
		name := topicOf(o, item)
		return "$JS.API.STREAM.CREATE." + name, fmt.Appendf(nil,
			`{"name":%q,"subjects":[%q],"retention":"limits","storage":"file","num_replicas":1,"max_consumers":-1,"max_msgs":-1,"max_bytes":-1}`, name, name+".0")
	})
	if err != nil {
		return nil, fmt.Errorf("create %d streams: %w", o.Topics, err)
	}
	t.Created, t.CreateSeconds, t.CreatedPerSecond, t.CreateLatency = created.Messages, created.ElapsedSeconds, created.MessagesPerSecond, created.Latency
	t.RSSAnonCreated = usage.RSSAnon()

	each := *o
	each.Count, each.Warmup = int64(o.Topics)*max(1, o.Count), 0
	body := measure.NewBody(o.SizeBytes)
	r, err := inBulk(ctx, &each, func(item int64) (string, []byte) { return topicOf(o, item%int64(o.Topics)) + ".0", body })
	if r != nil {
		r.Topics = t
		r.Problems = append(created.Problems, r.Problems...)
		for _, h := range created.Histograms {
			h.SetTag("creations")
			r.Histograms = append(r.Histograms, h)
		}
	}
	return r, err
}

func topicOf(o *generator.Options, item int64) string { return fmt.Sprintf("%s-%06d", o.Topic, item) }

// inBulk sends Count different requests, each of which is answered without an error, in a closed loop.
func inBulk(ctx context.Context, o *generator.Options, request func(item int64) (subject string, body []byte)) (*generator.Report, error) {
	var next atomic.Int64
	var conns []loop.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range o.Connections {
		c, err := dialBulk(ctx, o, &next, request)
		if err != nil {
			return nil, err
		}
		conns = append(conns, c)
	}
	r, err := loop.Closed(ctx, o, conns)
	if r != nil {
		for _, c := range conns {
			if text := c.(*bulkConn).refusal; text != "" {
				r.Problems = append(r.Problems, "refused: "+text)
			}
		}
	}
	return r, err
}

// bulkConn takes requests from a common counter. It is a loop.Conn.
type bulkConn struct {
	*wire
	inbox   string
	next    *atomic.Int64
	request func(item int64) (subject string, body []byte)
	refusal string // the server's words to the first request that it refused
}

func dialBulk(ctx context.Context, o *generator.Options, next *atomic.Int64, request func(int64) (string, []byte)) (*bulkConn, error) {
	w, err := dialWire(ctx, o.Addr, max(o.AnswerTimeout, time.Second))
	if err != nil {
		return nil, err
	}
	c := &bulkConn{wire: w, inbox: inbox(), next: next, request: request}
	w.subscribe(c.inbox+"*", 1)
	if err := w.roundTrip(); err != nil {
		w.Close()
		return nil, err
	}
	return c, nil
}

func (c *bulkConn) Send(slot, _ int64) {
	subject, body := c.request(c.next.Add(1) - 1)
	c.publish(subject, c.inbox+strconv.FormatInt(slot, 10), body)
}

func (c *bulkConn) Next() (slot int64, stored, more bool, err error) {
	m, more, err := c.wire.next()
	if err != nil || !more {
		return 0, false, false, err
	}
	if slot, err = strconv.ParseInt(string(bytes.TrimPrefix(m.subject, []byte(c.inbox))), 10, 64); err != nil {
		return 0, false, false, fmt.Errorf("answer on %q: %w", m.subject, err)
	}
	stored = len(m.header) == 0 && !bytes.Contains(m.body, []byte(`"error":`))
	if !stored && c.refusal == "" {
		c.refusal = fmt.Sprintf("%.200s%.200s", m.header, m.body)
	}
	return slot, stored, true, nil
}
