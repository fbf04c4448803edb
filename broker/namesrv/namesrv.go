package namesrv

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// Options are the choices of a name server's owner. The zero value behaves like RocketMQ without a configuration.
type Options struct {
	Logger *slog.Logger     // nil: slog.Default
	Now    func() time.Time // nil: time.Now
	Scan   time.Duration    // between two looks for silent brokers; 0: 5 s

	DeleteMissing    bool // forget a broker's topics that its registration leaves out
	OrderInRoutes    bool // put the configuration of ordered topics into routes
	NoOrderInReplies bool // leave it out of the answers to registrations
	NoAllTopics      bool // refuse to list all topics
	NoClusterTopics  bool // refuse to list the topics of a cluster

	// KV is what SaveKV was last given, to begin with. SaveKV makes the key-value table durable; nil: it is lost with
	// the process. It is called by one goroutine at a time.
	KV     []byte
	SaveKV func([]byte) error

	// Settings is the answer to a request for the configuration, as properties; nil: none.
	Settings func() []byte
}

// Namesrv is a name server. It is a remoting.Handler; the same can be done in the process by its other methods. All are
// safe for concurrent use.
type Namesrv struct {
	o   Options
	log *slog.Logger
	kv  *kvTable

	// mu guards what follows, the kept answers within the topics excepted: they are atomic, and stored by readers.
	mu         sync.RWMutex
	topics     map[string]*topic
	brokers    map[string]*broker // by name
	live       map[address]*live
	generation uint64 // of what routes say about brokers
}

// New makes a name server that knows nothing. It fails if Options.KV isn't a key-value table.
func New(o Options) (*Namesrv, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Scan <= 0 {
		o.Scan = 5 * time.Second
	}
	kv, err := newKVTable(o.KV, o.SaveKV)
	if err != nil {
		return nil, err
	}
	return &Namesrv{
		o: o, log: o.Logger, kv: kv,
		topics: map[string]*topic{}, brokers: map[string]*broker{}, live: map[address]*live{},
	}, nil
}

// Run forgets silent brokers until ctx is done.
func (n *Namesrv) Run(ctx context.Context) {
	ticker := time.NewTicker(n.o.Scan)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			n.Expire()
		}
	}
}

// Closed forgets the brokers that registered over a connection that has ended.
func (n *Namesrv) Closed(c *remoting.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for a, l := range n.live {
		if l.conn == c {
			n.log.Warn("namesrv: the connection of a broker ended", "broker", l.name, "addr", a.addr)
			n.remove(a, l.name)
		}
	}
}
