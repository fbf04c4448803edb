package namesrv

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
)

// Local keeps a broker registered with a name server in its own process. Make it with NewLocal; its methods are safe for
// concurrent use.
type Local struct {
	names  *Namesrv
	period time.Duration
	log    *slog.Logger
	wg     sync.WaitGroup // of the repetition

	mu     sync.Mutex         // guards what follows, and is held while it registers: a later state isn't overtaken
	stop   context.CancelFunc // nil before Start
	broker Broker
	topics Topics
}

// NewLocal makes one that repeats its registration every period: tools may have made the name server forget a topic.
func NewLocal(n *Namesrv, period time.Duration) *Local {
	return &Local{names: n, period: period, log: n.log}
}

// Start registers a broker, and keeps it registered until Close.
func (l *Local) Start(b Broker, t Topics) {
	b.Silence = -1 // it lives and dies with this process
	ctx, stop := context.WithCancel(context.Background())
	l.mu.Lock()
	l.broker, l.topics, l.stop = b, t, stop
	l.mu.Unlock()
	l.everything()
	l.wg.Go(func() {
		ticker := time.NewTicker(l.period)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				l.everything()
			}
		}
	})
}

func (l *Local) everything() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.registerAll()
}

// registerAll needs mu.
func (l *Local) registerAll() {
	topics, version := l.topics.All()
	l.register(topics, version)
}

// Changed registers topics that came or changed, and forgets those that are gone; without any, it registers everything.
func (l *Local) Changed(topics ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop == nil {
		return // Start will register everything
	}
	if len(topics) == 0 {
		l.registerAll()
	}
	for _, topic := range topics {
		if c := l.topics.Get(topic); c != nil {
			l.register([]*meta.TopicConfig{c}, l.topics.Version())
		} else {
			l.names.DeleteQueues(topic, l.broker.Name)
		}
	}
}

func (l *Local) register(topics []*meta.TopicConfig, version meta.DataVersion) {
	if _, err := l.names.Register(l.broker, &Registration{Topics: topics, Version: version}); err != nil {
		l.log.Warn("namesrv: registration in this process", "broker", l.broker.Name, "err", err)
	}
}

// Close unregisters the broker.
func (l *Local) Close() {
	l.mu.Lock()
	stop := l.stop
	l.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	l.wg.Wait()
	l.names.Unregister(l.broker)
}
