package namesrv

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// Options are the choices of a name server's owner. The zero value behaves like RocketMQ without a configuration.
type Options struct {
	Logger *slog.Logger     // nil: slog.Default
	Now    func() time.Time // nil: time.Now
	Scan   time.Duration    // between two looks for silent brokers; 0: 5 s

	Rules Rules // to begin with

	// KV is what SaveKV was last given, to begin with. SaveKV makes the key-value table durable; nil: it is lost with
	// the process. It is called by one goroutine at a time.
	KV     []byte
	SaveKV func([]byte) error

	// Settings is the answer to a request for the configuration, as properties; nil: none.
	Settings func() []byte
	// Update takes a change of the configuration, as properties. Its error may wrap ErrForbidden. nil: every change is refused.
	Update func(properties []byte) error
}

// Rules are what an administrator may change while a name server runs.
type Rules struct {
	DeleteMissing    bool // forget a broker's topics that its registration leaves out
	OrderInRoutes    bool // put the configuration of ordered topics into routes
	NoOrderInReplies bool // leave it out of the answers to registrations
	NoAllTopics      bool // refuse to list all topics
	NoTopicLists     bool // refuse to list some topics: those of a cluster, those of units
	ActingMaster     bool // in routes, the first replica of a broker that allows it stands in for a missing master
	NotifyMinID      bool // tell the processes of a broker when the lowest id among them is another one
	// Wait is how long after the start routes are refused: clients then stay with what they know until the brokers have registered.
	Wait time.Duration
}

// Namesrv is a name server. It is a remoting.Handler; the same can be done in the process by its other methods. All are
// safe for concurrent use.
type Namesrv struct {
	o   Options
	log *slog.Logger
	kv  *kvTable

	rules   atomic.Pointer[Rules]
	started time.Time
	notices chan notice // to be sent by Run

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
	n := &Namesrv{
		o: o, log: o.Logger, kv: kv, started: o.Now(), notices: make(chan notice, maxNotices),
		topics: map[string]*topic{}, brokers: map[string]*broker{}, live: map[address]*live{},
	}
	n.rules.Store(&o.Rules)
	return n, nil
}

// SetRules replaces the rules.
func (n *Namesrv) SetRules(r Rules) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rules.Store(&r)
	n.generation++ // routes may differ by them
}

// Run forgets silent brokers and sends notices until ctx is done.
func (n *Namesrv) Run(ctx context.Context) {
	ticker := time.NewTicker(n.o.Scan)
	defer ticker.Stop()
	var sending sync.WaitGroup // ends soon after ctx
	defer sending.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			n.Expire()
		case m := <-n.notices:
			sending.Go(func() { n.send(ctx, m) })
		}
	}
}

// Counts returns how many processes of brokers are registered, and how many topics they have.
func (n *Namesrv) Counts() (brokers, topics int) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.live), len(n.topics)
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
