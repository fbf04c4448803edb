package namesrv

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

const (
	dialWait       = 3 * time.Second
	unregisterWait = 3 * time.Second
	firstRetry     = time.Second
)

// link keeps a broker registered with one name server.
type link struct {
	r     *Registrar
	addr  string
	log   *slog.Logger
	drop  context.CancelFunc
	tried chan struct{} // closed after the first attempt
	kick  chan struct{} // there is a batch

	// What follows belongs to the goroutine of run.
	client  *remoting.Client // nil: not connected
	known   bool             // the name server has the whole table from this connection
	failing bool             // the last attempt failed, and was reported
	retry   time.Duration    // until the next attempt after a failure
	told    meta.DataVersion // the last version of the table that was sent
	interim int64            // versions so far that are no table's

	mu   sync.Mutex // guards what follows
	up   bool       // known, and the connection lives: changes are registered by themselves
	slow bool       // the last change took too long to wait for
	next *batch     // nil: nothing changed
}

// batch are topics that changed while those before them were registered.
type batch struct {
	topics map[string]bool
	all    bool          // everything is to be registered
	done   chan struct{} // closed when the name server knows, or doesn't and will be told everything
}

func newLink(r *Registrar, addr string) *link {
	return &link{r: r, addr: addr, log: r.o.Logger.With("namesrv", addr), tried: make(chan struct{}), kick: make(chan struct{}, 1)}
}

// add puts topics into the next batch, all of them if it is given none. It returns nil if there is nothing to wait for: the name server can't be reached, and
// will be told everything, or is slow.
func (l *link) add(topics []string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.up {
		return nil
	}
	if l.next == nil {
		l.next = &batch{topics: map[string]bool{}, done: make(chan struct{})}
	}
	for _, topic := range topics {
		l.next.topics[topic] = true
	}
	l.next.all = l.next.all || len(topics) == 0
	select {
	case l.kick <- struct{}{}:
	default:
	}
	if l.slow {
		return nil
	}
	return l.next.done
}

// tooSlow says that somebody has waited long enough for a batch. Nobody waits for the next, until one is done.
func (l *link) tooSlow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slow = true
}

// take returns the batch that is to be registered, nil if there is none.
func (l *link) take() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.next
	l.next = nil
	return b
}

// setUp says whether changes are worth waiting for. Whoever waits when they cease to be is let go.
func (l *link) setUp(up bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up, l.slow = up, false
	if !up && l.next != nil {
		close(l.next.done)
		l.next = nil
	}
}

// run registers until ctx is done, and unregisters then.
func (l *link) run(ctx context.Context) {
	defer l.end()
	again := time.NewTimer(0)
	defer again.Stop()
	first := true
	for {
		var gone <-chan struct{}
		if l.client != nil {
			gone = l.client.Done()
		}
		var err error
		select {
		case <-ctx.Done():
			return
		case <-gone:
			l.log.Warn("namesrv: the connection to a name server ended")
			l.disconnect()
			err = l.everything(ctx)
		case <-again.C:
			err = l.everything(ctx)
		case <-l.kick:
			b := l.take()
			if b == nil {
				continue // what was in it is known by other ways
			}
			err = l.changes(ctx, b)
			close(b.done)
		}
		again.Reset(l.outcome(ctx, err))
		if first {
			first = false
			close(l.tried)
		}
	}
}

// outcome reports how an attempt went and returns how long to wait before the next.
func (l *link) outcome(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	if err == nil {
		if l.failing || !l.known {
			l.log.Info("namesrv: registered", "broker", l.r.broker.Name, "addr", l.r.broker.Addr)
		}
		l.failing, l.known, l.retry = false, true, 0
		l.setUp(true)
		return l.r.o.Period
	}
	var refused *remoting.CodeError
	if !errors.As(err, &refused) {
		l.disconnect() // whether the name server took it is unknown
	}
	l.known = false
	l.setUp(false)
	if !l.failing {
		l.failing = true
		l.log.Warn("namesrv: not registered, trying again", "broker", l.r.broker.Name, "err", err)
	}
	l.retry = min(max(2*l.retry, firstRetry), l.r.o.Period)
	return l.retry
}

// everything registers the whole table, unless the name server says that it has it.
func (l *link) everything(ctx context.Context) error {
	if err := l.connect(ctx); err != nil {
		return err
	}
	if l.r.o.Ask && l.known {
		changed, err := l.ask(ctx)
		if err != nil || !changed {
			return err
		}
	}
	topics, version := l.r.topics.All()
	req, err := l.r.broker.registration(&Registration{Topics: topics, Version: version}, l.r.o.Compress)
	if err != nil {
		return err
	}
	l.told = version
	_, err = l.call(ctx, req)
	return err
}

// changes registers some topics, each by itself: name servers take a registration of one topic for a change, and of more
// for everything that the broker has.
//
// RocketMQ's take nothing from a registration whose version is the one that they have. So each of a batch gets a version that
// no table ever has, but the last, which gets the table's: else the next registration of everything would look like a change,
// and give back write permissions that were wiped.
func (l *link) changes(ctx context.Context, b *batch) error {
	if b.all {
		return l.everything(ctx)
	}
	version := l.r.topics.Version()
	var topics []*meta.TopicConfig
	for name := range b.topics {
		if c := l.r.topics.Get(name); c != nil { // nil: deleted meanwhile
			topics = append(topics, c)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	last := len(topics) - 1
	interim := topics[:last]
	if len(topics) == 1 && l.told == version {
		interim = topics
	}
	err := l.each(interim, func(c *meta.TopicConfig, n int64) error {
		return l.change(ctx, c, meta.DataVersion{StateVersion: version.StateVersion, Timestamp: version.Timestamp, Counter: -n})
	})
	if err == nil {
		err = l.change(ctx, topics[last], version)
	}
	var refused *remoting.CodeError
	if errors.As(err, &refused) {
		l.known = false // the name server has forgotten the broker
		return l.everything(ctx)
	}
	l.told = version
	return err
}

// each calls f for all topics, up to 32 at a time, with numbers from 1 that are never the same for one link.
func (l *link) each(topics []*meta.TopicConfig, f func(c *meta.TopicConfig, n int64) error) error {
	errs := make([]error, len(topics))
	room := make(chan struct{}, 32)
	var wg sync.WaitGroup
	for i, c := range topics {
		l.interim++
		n := l.interim
		room <- struct{}{}
		wg.Go(func() {
			errs[i] = f(c, n)
			<-room
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (l *link) change(ctx context.Context, c *meta.TopicConfig, version meta.DataVersion) (err error) {
	var req *remoting.Request
	if l.r.o.TopicAlone {
		req, err = l.r.broker.topicAlone(c)
	} else {
		req, err = l.r.broker.registration(&Registration{Topics: []*meta.TopicConfig{c}, Version: version}, l.r.o.Compress)
	}
	if err != nil {
		return err
	}
	_, err = l.call(ctx, req)
	return err
}

// ask tells whether the name server needs a registration.
func (l *link) ask(ctx context.Context) (bool, error) {
	req, err := l.r.broker.versionQuery(l.r.topics.Version())
	if err != nil {
		return false, err
	}
	resp, err := l.call(ctx, req)
	if err != nil {
		return false, err
	}
	changed, err := resp.Fields.Bool("changed", true)
	return changed || err != nil, nil
}

func (l *link) call(ctx context.Context, req *remoting.Request) (*remoting.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, l.r.o.Wait)
	defer cancel()
	resp, err := l.client.Call(ctx, req)
	if err != nil {
		return nil, err
	}
	return resp, resp.Err()
}

// connect makes a connection if there is none.
func (l *link) connect(ctx context.Context) error {
	if l.client != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	client, err := l.r.o.Dial(ctx, l.addr)
	if err != nil {
		return err
	}
	l.client = client
	return nil
}

func (l *link) disconnect() {
	l.known = false
	l.setUp(false)
	if l.client != nil {
		_ = l.client.Close() // nothing is left to be lost
		l.client = nil
	}
}

// end unregisters, if there is still a connection.
func (l *link) end() {
	l.setUp(false)
	if l.client != nil {
		ctx, cancel := context.WithTimeout(context.Background(), unregisterWait)
		defer cancel()
		if _, err := l.call(ctx, l.r.broker.unregistration()); err != nil {
			l.log.Warn("namesrv: not unregistered, the name server will find out", "broker", l.r.broker.Name, "err", err)
		}
	}
	l.disconnect()
}
