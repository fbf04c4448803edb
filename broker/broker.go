package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/delay"
	"github.com/gantry-mq/gantry/broker/handler"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/namesrv"
	"github.com/gantry-mq/gantry/broker/produce"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/broker/topics"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Options say what a broker is made of.
type Options struct {
	Config *config.Config // StoreDir and BrokerHost are set
	FS     vfs.FS
	// ConfigFile is the file that Config came from, "" if there is none: what operators change while the broker runs is written there.
	ConfigFile string
	// Registry makes the broker known to name servers.
	Registry Registry
	// TLS is spoken with clients who begin with it, RequireTLS says that all must; nil: with none.
	TLS        *tls.Config
	RequireTLS bool
	Now        func() time.Time
	Logger     *slog.Logger
}

// Registry is what a broker needs of name servers: namesrv.Registrar for those elsewhere, namesrv.Local for one in the process.
type Registry interface {
	// Start registers the broker and keeps it registered until Close.
	Start(namesrv.Broker, namesrv.Topics)
	// Changed registers topics that came, changed or went; without any, everything. Before Start it does nothing.
	Changed(topics ...string)
	Close()
}

// Broker is a running broker.
type Broker struct {
	Store   *store.Store
	Topics  *meta.Topics
	Groups  *meta.Groups
	Offsets *meta.Offsets
	Handler *handler.Handler
	Delay   *delay.Service // of messages that wait at a delay level

	opts         Options
	delayOffsets *meta.DelayOffsets
	live         *config.Live
	holder       *consume.Holder
	server       *remoting.Server
	ready        atomic.Bool
	closed       atomic.Bool

	quit chan struct{}
	wg   sync.WaitGroup // listeners and housekeeping
}

// Open opens the store and the tables, which takes as long as recovery does. It serves nobody before Serve.
func Open(o Options) (*Broker, error) {
	// Before the tables are read: a broker that is just stopping still writes them.
	lock, err := store.Lock(o.FS, path.Clean(o.Config.StoreDir))
	if err != nil {
		return nil, err
	}
	b := &Broker{opts: o, quit: make(chan struct{})}
	if err = b.openTables(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	so := b.storeOptions()
	so.Lock = lock
	if b.Store, err = store.Open(so); err != nil {
		return nil, err
	}
	if err = b.fitTables(); err != nil {
		return nil, errors.Join(err, b.Store.Close())
	}
	if err = b.assemble(); err != nil {
		return nil, errors.Join(err, b.Store.Close())
	}
	return b, nil
}

func (b *Broker) openTables() (err error) {
	o := b.opts
	dir := meta.Options{FS: o.FS, Dir: path.Join(o.Config.StoreDir, "config"), Logger: o.Logger}
	if b.Topics, err = meta.OpenTopics(dir, o.Now); err != nil {
		return err
	}
	if b.Groups, err = meta.OpenGroups(dir, o.Now); err != nil {
		return err
	}
	if b.delayOffsets, err = meta.OpenDelayOffsets(dir, o.Now); err != nil {
		return err
	}
	b.Offsets, err = meta.OpenOffsets(dir, o.Config.EnableLMQ, o.Now)
	return err
}

// fitTables brings the tables in line with the log as it was recovered, and adds what every broker has.
func (b *Broker) fitTables() error {
	c := b.opts.Config
	b.Topics.FitBirths(b.Store.Log.Min(), b.Store.Log.Max())
	system := meta.System{
		Cluster: c.ClusterName, Broker: c.BrokerName, DefaultQueues: int32(c.DefaultTopicQueues), ReviveQueues: int32(c.ReviveQueues),
		AutoCreate: c.AutoCreateTopic, ClusterTopic: c.ClusterTopic, BrokerTopic: c.BrokerTopic, Timer: c.EnableTimer,
	}
	if c.TraceTopic {
		system.TraceTopic = c.TraceTopicName
	}
	b.Topics.Reserve(system.Topics())
	b.adoptTopics()
	for _, x := range b.Offsets.ClampTo(b.nextOffset) {
		b.opts.Logger.Warn("broker: committed offset beyond the end of its queue", "group", x.Group, "topic", x.Topic, "queue", x.Queue, "was", x.From, "now", x.To)
	}
	return errors.Join(b.Topics.Persist(), b.Groups.Persist(), b.Offsets.Persist())
}

// adoptTopics takes topics into the table that have queues and are not in it: a process that died while it made one may have
// stored messages, and acknowledged them, before the table was written. A topic that was deleted has a birth, and is left alone.
func (b *Broker) adoptTopics() {
	queues := map[string]int32{}
	b.Store.EachQueue(func(topic string, id int32) {
		if !strings.HasPrefix(topic, meta.LMQPrefix) && b.Topics.Get(topic) == nil && b.Topics.Birth(topic) == 0 {
			queues[topic] = max(queues[topic], id+1)
		}
	})
	for name, n := range queues {
		if err := b.Topics.Adopt(meta.NewTopic(name, n)); err != nil {
			b.opts.Logger.Warn("broker: queues of a topic that can't be", "topic", name, "error", err)
			continue
		}
		b.opts.Logger.Warn("broker: topic with queues and without configuration", "topic", name, "queues", n)
	}
}

func (b *Broker) nextOffset(topic string, id int32) (int64, bool) {
	if t := b.Topics.Get(topic); t == nil || id < 0 || id >= max(t.ReadQueues, t.WriteQueues) {
		return 0, false
	}
	_, next, err := consume.Bounds(b.Store.Queue(topic, id))
	return next, err == nil
}

func (b *Broker) assemble() error {
	o := b.opts
	ip, err := netip.ParseAddr(o.Config.BrokerHost)
	if err != nil {
		ip = lookup(o.Config.BrokerHost, o.Logger)
	}
	b.holder = consume.NewHolder()
	b.live = config.NewLive(o.Config)
	life := &topics.Life{Table: b.Topics, Store: b.Store, Offsets: b.Offsets, Changed: o.Registry.Changed, Logger: o.Logger}
	b.Delay, err = delay.Open(delay.Options{
		Store: b.Store, Topics: life, Offsets: b.delayOffsets, Levels: o.Config.DelayLevels, SaveEvery: o.Config.SaveDelayOffsets, Now: o.Now, Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	locks := consume.NewLocks(o.Now)
	b.Handler = handler.New(handler.Options{
		Config: b.live, Store: b.Store, Topics: b.Topics, Life: life, Groups: b.Groups, Offsets: b.Offsets, Holder: b.holder, Locks: locks,
		Produce: produce.New(produce.Options{
			Config: b.live, Store: b.Store, Topics: life, Groups: b.Groups, Ordered: locks.Held,
			StoreHost: record.Host{IP: ip, Port: int32(o.Config.ListenPort)},
			Now:       o.Now, Logger: o.Logger,
		}),
		Reconfigured: b.reconfigured, Delays: b.delays,
		Now: o.Now, Logger: o.Logger,
	})
	b.server = remoting.NewServer(b.Handler, remoting.ServerOptions{
		Logger: o.Logger, IdleTimeout: o.Config.MaxIdle, TLS: o.TLS, RequireTLS: o.RequireTLS,
	})
	return nil
}

// lookup is the address of a host name, for message ids.
func lookup(host string, log *slog.Logger) netip.Addr {
	addrs, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", host)
	if err != nil || len(addrs) == 0 {
		log.Warn("broker: message ids name 127.0.0.1, the broker's host has no address", "host", host, "error", err)
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return addrs[0].Unmap()
}

// Serve answers clients on the listeners, registers with the name servers and looks after the tables, until Close.
// It returns when the broker can be used.
func (b *Broker) Serve(listeners ...net.Listener) {
	for _, l := range listeners {
		b.wg.Go(func() {
			if err := b.server.Serve(l); !errors.Is(err, remoting.ErrServerClosed) {
				b.opts.Logger.Error("broker: listener", "error", err)
			}
		})
	}
	b.opts.Registry.Start(b.identity(), registered{b.Topics, b.live})
	b.wg.Go(b.housekeeping)
	b.Delay.Start()
	b.ready.Store(true)
}

// Ready tells whether the broker serves clients and takes messages.
func (b *Broker) Ready() error {
	if !b.ready.Load() {
		return errors.New("broker: not started")
	}
	return b.Store.Log.Err()
}

// clientScan is how often clients are looked for that have fallen silent.
const clientScan = 10 * time.Second

// housekeeping does what comes round by time.
func (b *Broker) housekeeping() {
	offsets := time.NewTicker(b.opts.Config.PersistOffsets)
	defer offsets.Stop()
	clients := time.NewTicker(clientScan)
	defer clients.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-offsets.C:
			if err := errors.Join(b.Offsets.Persist(), b.Groups.Persist()); err != nil {
				b.opts.Logger.Error("broker: consumer offsets, groups", "error", err)
			}
		case <-clients.C:
			b.Handler.ExpireClients()
			b.Handler.Stats().Sample() // every ten seconds, too
		}
	}
}

// Close stops the broker in order: no new requests, held ones are answered, what was stored is made durable. When ctx
// ends first, connections are cut. A second call does nothing and returns store.ErrClosed.
func (b *Broker) Close(ctx context.Context) error {
	if b.closed.Swap(true) {
		return store.ErrClosed
	}
	b.ready.Store(false)
	close(b.quit)
	b.opts.Registry.Close() // first, so that clients go elsewhere
	b.holder.Close()
	err := b.server.Shutdown(ctx)
	b.Handler.Close()
	b.wg.Wait()
	return errors.Join(err, b.Delay.Close(), b.Offsets.Persist(), b.Topics.Persist(), b.Groups.Persist(), b.Store.Close())
}
