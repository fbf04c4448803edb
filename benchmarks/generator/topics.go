package generator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// routePause is how long to wait before asking again whether the name server knows a topic: nothing tells.
const routePause = 10 * time.Millisecond

// topicLoad creates many topics, sends to each, and asks for their routes.
type topicLoad struct {
	*run
	body []byte
	rep  *Report
}

func runTopics(ctx context.Context, r *run) (*Report, error) {
	t := &topicLoad{run: r, body: measure.NewBody(r.options.SizeBytes), rep: r.newReport()}
	t.rep.Topics = &TopicsReport{Topics: r.options.Topics}
	r.start = time.Now()
	return t.rep, t.drive(ctx)
}

// drive does one step after the other until one breaks off.
func (t *topicLoad) drive(ctx context.Context) error {
	o, rep := &t.options, t.rep.Topics
	u := &measure.Usage{PID: o.PID}
	rep.RSSAnonBefore = u.RSSAnon()
	create, err := t.step(ctx, &bulk{
		name: "topics", addr: o.Addr, total: int64(o.Topics),
		request: func(item int64, opaque int32) []byte { return createTopicFrame(opaque, t.topic(item), o.Queues) },
		check:   func(int64, *answer) string { return "" },
	})
	rep.Created, rep.CreatedPerSecond, rep.CreateSeconds, rep.CreateLatency = create.right, create.perSecond(), create.seconds(), t.rep.Keep("creations", create.latency)
	rep.RSSAnonCreated = u.RSSAnon()
	if err != nil || t.stopped.Load() {
		return err
	}

	u.Begin()
	each := max(1, o.Count)
	send, err := t.step(ctx, &bulk{name: "msg", addr: o.Addr, total: int64(o.Topics) * each, request: t.send, check: t.checkSend})
	t.rep.Count(send.right, send.lastAnswer)
	t.rep.Latency = t.rep.Keep("", send.latency)
	u.End()
	t.rep.Use(u)
	if err != nil || t.stopped.Load() || o.Namesrv == "" {
		return err
	}

	if err := t.awaitRoute(ctx); err != nil {
		return err
	}
	routes, err := t.step(ctx, &bulk{
		name: "routes", addr: o.Namesrv, total: int64(o.Topics),
		request: func(item int64, opaque int32) []byte { return routeFrame(opaque, t.topic(item)) },
		check: func(item int64, a *answer) string {
			if err := checkRoute(a.body, o.Queues); err != nil {
				return fmt.Sprintf("topic %s: %v", t.topic(item), err)
			}
			return ""
		},
	})
	rep.Routes = &RoutesReport{
		Namesrv: o.Namesrv, Right: routes.right, Seconds: routes.seconds(), PerSecond: routes.perSecond(), Latency: t.rep.Keep("routes", routes.latency),
	}
	return err
}

// step does a bulk and notes what went wrong.
func (t *topicLoad) step(ctx context.Context, b *bulk) (*bulkResult, error) {
	b.run = t.run
	r, err := b.do(ctx)
	t.rep.Failures = append(t.rep.Failures, r.failures.list()...)
	t.rep.Problems = append(t.rep.Problems, r.problems(b.name)...)
	return r, err
}

func (t *topicLoad) topic(item int64) string { return fmt.Sprintf("%s-%06d", t.options.Topic, item) }

// place is where the message of that number goes: topics take turns, and each topic's queues do.
func (t *topicLoad) place(item int64) (topic int64, queueID int) {
	topics := int64(t.options.Topics)
	return item % topics, int(item / topics % int64(t.options.Queues))
}

func (t *topicLoad) send(item int64, opaque int32) []byte {
	topic, queueID := t.place(item)
	f := newSendFrame(t.topic(topic), queueID, t.options.Queues, keyPrefix(t.nonce, 0), t.body)
	return f.appendTo(nil, opaque, time.Now().UnixMilli(), uint64(item))
}

func (t *topicLoad) checkSend(item int64, a *answer) string {
	topic, queueID := t.place(item)
	if !a.stored || int(a.queueID) != queueID || a.queueOffset < 0 {
		return fmt.Sprintf("topic %s: queue %d, offset %d (there: %v), expected queue %d and an offset", t.topic(topic), a.queueID, a.queueOffset, a.stored, queueID)
	}
	return ""
}

// awaitRoute waits until the name server knows the last topic: brokers may register topics a while after they created them.
func (t *topicLoad) awaitRoute(ctx context.Context) (err error) {
	last := t.topic(int64(t.options.Topics) - 1)
	defer func() {
		if err != nil {
			err = fmt.Errorf("generator: route of topic %s from %s: %w", last, t.options.Namesrv, err)
		}
	}()
	w, err := dialWire(ctx, t.options.Namesrv, 4<<10)
	if err != nil {
		return err
	}
	defer w.conn.Close()
	again := time.NewTicker(routePause)
	defer again.Stop()
	for began := time.Now(); ; {
		a, err := w.ask(routeFrame(firstOpaque, last), t.options.AnswerTimeout)
		if err != nil {
			return err
		}
		if a.code == 0 {
			return nil
		}
		if time.Since(began) > t.options.AnswerTimeout {
			return fmt.Errorf("still answer code %d after %v: %s", a.code, t.options.AnswerTimeout, a.remark())
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.New("stopped while waiting for it")
		}
	}
}
