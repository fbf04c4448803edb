package namesrv

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

const (
	// changeWait bounds how long Start and Changed wait for name servers.
	changeWait = 3 * time.Second
	// maxPeriod keeps the connections of a registrar from being taken for idle ones, and its broker for a dead one.
	maxPeriod = time.Minute
)

// Topics are what a broker registers; meta.Topics is one. What it returns is not changed.
type Topics interface {
	Get(name string) *meta.TopicConfig
	All() ([]*meta.TopicConfig, meta.DataVersion)
	Version() meta.DataVersion
}

// RegistrarOptions are the choices of a Registrar's owner. The zero value registers nowhere, and otherwise as RocketMQ does.
type RegistrarOptions struct {
	Addrs  []string      // of the name servers
	Logger *slog.Logger  // nil: slog.Default
	Period time.Duration // between two registrations; 0: 30 s, at most 1 min
	Wait   time.Duration // for an answer to one; 0: 24 s

	Compress   bool // compress small registrations, too
	Ask        bool // ask a name server first whether it needs a registration that is repeated
	TopicAlone bool // register a topic that changed as a tool would: the name server's version of the table stays behind

	// Resolve takes the hosts in Addrs for names that stand for several name servers, and looks them up again every so
	// often; 0: each is one name server.
	Resolve time.Duration

	// Dial connects to a name server; nil: remoting.Dial.
	Dial func(ctx context.Context, addr string) (*remoting.Client, error)
}

// Registrar keeps a broker registered with name servers. Each of them has a connection and a goroutine of its own, so that
// one that is dead or slow keeps nobody waiting for the others:
//
//	connect ──► register everything ──► a topic changed: register it
//	   ▲                                every period: register everything
//	   └── connection or answer lost: again at once, then after 1, 2, 4 … s, at most a period
//
// The connection stays open, since name servers forget brokers whose connection ends. Its methods are safe for concurrent use.
type Registrar struct {
	o  RegistrarOptions
	wg sync.WaitGroup // of links and the look-ups

	mu     sync.Mutex      // guards what follows; links read broker and topics without it, which don't change once they run
	ctx    context.Context // nil before Start
	stop   context.CancelFunc
	broker Broker
	topics Topics
	links  map[string]*link // by address
}

// NewRegistrar makes one that does nothing before Start.
func NewRegistrar(o RegistrarOptions) *Registrar {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Dial == nil {
		o.Dial = remoting.Dial
	}
	o.Period = min(cmp.Or(max(o.Period, 0), 30*time.Second), maxPeriod)
	o.Wait = cmp.Or(max(o.Wait, 0), 24*time.Second)
	return &Registrar{o: o, links: map[string]*link{}}
}

// Start begins to keep a broker registered, until Close. It returns when every name server has answered or failed once, at
// the latest after 3 s.
func (r *Registrar) Start(b Broker, t Topics) {
	ctx, stop := context.WithCancel(context.Background())
	r.mu.Lock()
	r.ctx, r.stop, r.broker, r.topics = ctx, stop, b, t
	r.mu.Unlock()
	addrs := r.o.Addrs
	if r.o.Resolve > 0 {
		addrs = r.resolve(ctx, nil)
		r.wg.Go(func() { r.keepResolving(ctx, addrs) })
	}
	r.SetAddrs(addrs)
	if len(addrs) == 0 {
		r.o.Logger.Warn("namesrv: no name server is known, clients won't find this broker", "broker", b.Name)
	}
	r.mu.Lock()
	first := map[*link]<-chan struct{}{}
	for _, l := range r.links {
		first[l] = l.tried
	}
	r.mu.Unlock()
	await(first)
}

// SetAddrs changes the name servers: it unregisters from those that are not among addrs. Before Start and after Close it
// does nothing.
func (r *Registrar) SetAddrs(addrs []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx == nil || r.ctx.Err() != nil {
		return
	}
	wanted := make(map[string]bool, len(addrs))
	for _, addr := range addrs {
		wanted[addr] = true
		if r.links[addr] == nil {
			l := newLink(r, addr)
			ctx, drop := context.WithCancel(r.ctx)
			l.drop = drop
			r.links[addr] = l
			r.wg.Go(func() { l.run(ctx) })
		}
	}
	for addr, l := range r.links {
		if !wanted[addr] {
			delete(r.links, addr)
			l.drop()
		}
	}
}

// Changed registers topics that came or changed, or without any, everything. It returns when the name servers that can be
// reached know, at the latest after 3 s. Of topics that are gone there is nothing to tell: name servers forget them when tools
// tell them to.
func (r *Registrar) Changed(topics ...string) {
	r.mu.Lock()
	if r.ctx == nil {
		r.mu.Unlock()
		return // Start will register everything
	}
	there := slices.DeleteFunc(slices.Clone(topics), func(topic string) bool { return r.topics.Get(topic) == nil })
	done := map[*link]<-chan struct{}{}
	if len(there) > 0 || len(topics) == 0 {
		for _, l := range r.links {
			if d := l.add(there); d != nil {
				done[l] = d
			}
		}
	}
	r.mu.Unlock()
	for _, l := range await(done) {
		l.tooSlow()
	}
}

// Close unregisters the broker where it is registered, and ends all connections. It takes a few seconds at most.
func (r *Registrar) Close() {
	r.mu.Lock()
	if r.ctx != nil {
		r.stop()
	}
	r.mu.Unlock()
	r.wg.Wait()
}

// await waits for something of each link, for changeWait at most, and returns those of which it was in vain.
func await(events map[*link]<-chan struct{}) (late []*link) {
	if len(events) == 0 {
		return nil
	}
	end := time.NewTimer(changeWait)
	defer end.Stop()
	ended := false
	for l, e := range events {
		if !ended {
			select {
			case <-e:
				continue
			case <-end.C:
				ended = true
			}
		}
		select {
		case <-e:
		default:
			late = append(late, l)
		}
	}
	return late
}
