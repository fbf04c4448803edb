package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/namesrv"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/broker/telemetry"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// registry is what the name servers are told.
type registry struct {
	mu      sync.Mutex // guards what follows
	id      namesrv.Broker
	topics  namesrv.Topics
	changed []string
	closed  bool
}

func (r *registry) Start(id namesrv.Broker, topics namesrv.Topics) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.id, r.topics = id, topics
}

func (r *registry) Changed(topics ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = append(r.changed, topics...)
}

func (r *registry) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// running is a broker that serves.
type running struct {
	*Broker
	names *registry
	log   *bytes.Buffer // to be read when the broker has stopped
	addr  string
}

func options(fsys vfs.FS, edit func(*config.Config)) (Options, *running) {
	r := &running{names: new(registry), log: new(bytes.Buffer)}
	c := config.Default()
	c.BrokerName, c.BrokerHost, c.StoreDir = "broker-a", "127.0.0.1", "store"
	c.SegmentBytes, c.QueueFileBytes, c.IndexSlots, c.IndexEntries = 1<<20, 20*1000, 1000, 4000
	if edit != nil {
		edit(c)
	}
	return Options{Config: c, FS: fsys, Now: time.Now, Logger: slog.New(slog.NewTextHandler(r.log, nil)), Registry: r.names}, r
}

func run(t *testing.T, fsys vfs.FS, edit func(*config.Config)) *running {
	t.Helper()
	o, r := options(fsys, edit)
	var err error
	if r.Broker, err = Open(o); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	r.Serve(l)
	t.Cleanup(func() { r.Close(context.Background()) }) // of no effect if the test has stopped it
	return r
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	if err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// send sends n messages to queue 0 of a topic and waits until they can be read.
func (r *running) send(t *testing.T, topic string, n int) {
	t.Helper()
	c, err := remoting.Dial(context.Background(), r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var f remoting.Fields
	for name, value := range map[string]string{"b": topic, "c": meta.DefaultTopic, "d": "1", "e": "0"} {
		f.Add(name, value)
	}
	for range n {
		resp, err := c.Call(context.Background(), &remoting.Request{Code: remoting.CodeSendMessageV2, Fields: f, Body: []byte("x")})
		if err == nil {
			err = resp.Err()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r.await(t, topic, int64(n)-1)
}

// await waits until queue 0 of a topic has a message of that offset.
func (r *running) await(t *testing.T, topic string, queueOffset int64) {
	t.Helper()
	here := make(chan struct{})
	if !r.Store.Queue(topic, 0).Await(&store.Arrival{From: queueOffset, Wake: func(*store.Arrival) { close(here) }}) {
		return
	}
	select {
	case <-here:
	case <-time.After(10 * time.Second):
		t.Fatalf("queue offset %d of %s didn't arrive", queueOffset, topic)
	}
}

func TestARestartKeepsTopicsGroupsOffsetsAndMessages(t *testing.T) {
	mem := vfs.NewMem()
	b := run(t, mem, nil)
	b.send(t, "orders", 3)
	if _, err := b.Groups.Put(meta.NewGroup("shop")); err != nil {
		t.Fatal(err)
	}
	b.Offsets.Commit("shop", "orders", 0, 2)
	b.stop(t)

	b = run(t, mem, nil)
	if !b.Store.Recovery().Clean {
		t.Error("the stop wasn't clean")
	}
	if b.Topics.Get("orders") == nil || b.Groups.Get("shop") == nil || b.Offsets.Query("shop", "orders", 0) != 2 {
		t.Error("a table was lost")
	}
	if lowest, next := b.Store.Queue("orders", 0).Bounds(); lowest != 0 || next != 3 {
		t.Errorf("the queue holds [%d,%d)", lowest, next)
	}
}

func TestAGroupThatWasMadeByItsUseIsWrittenWithTheOffsets(t *testing.T) {
	written := make(chan struct{})
	var once sync.Once
	fsys := vfs.Fault(vfs.NewMem(), func(op vfs.Op) error {
		if op.Kind == vfs.OpRename && strings.HasSuffix(op.NewName, "subscriptionGroup.json") {
			once.Do(func() { close(written) })
		}
		return nil
	})
	b := run(t, fsys, func(c *config.Config) { c.PersistOffsets = 10 * time.Millisecond })
	if _, err := b.Groups.Ensure("shop", true); err != nil {
		t.Fatal(err)
	}
	select {
	case <-written:
	case <-time.After(10 * time.Second):
		t.Error("the groups weren't written")
	}
}

func TestOffsetsBeyondTheRecoveredEndComeDownToIt(t *testing.T) {
	mem := vfs.NewMem()
	// Nothing but the tables is flushed, as with a machine that dies early.
	b := run(t, mem, func(c *config.Config) { c.FlushLogEvery = time.Hour; c.FlushQueuesEvery = time.Hour })
	b.send(t, "orders", 5)
	b.Offsets.Commit("shop", "orders", 0, 5)
	b.Offsets.Commit("audit", "orders", 0, 0)
	if err := b.Offsets.Persist(); err != nil {
		t.Fatal(err)
	}
	left := mem.Crash(rand.New(rand.NewPCG(1, 1)))
	b.Close(context.Background())

	b = run(t, left, nil)
	_, next := b.Store.Queue("orders", 0).Bounds()
	if next >= 5 {
		t.Skip("the crash wrote everything back")
	}
	if n := b.Offsets.Query("shop", "orders", 0); n != next {
		t.Errorf("the group has committed %d of %d messages", n, next)
	}
	if n := b.Offsets.Query("audit", "orders", 0); n != 0 {
		t.Errorf("an offset that was fine is %d", n)
	}
	b.stop(t)
	if !strings.Contains(b.log.String(), "beyond the end") {
		t.Errorf("nobody says so:\n%s", b.log)
	}
}

func TestATopicWhoseTableWasNotWrittenYetKeepsItsMessages(t *testing.T) {
	mem := vfs.NewMem()
	b := run(t, mem, nil)
	b.send(t, "orders", 3)
	b.send(t, "gone", 1)
	b.stop(t)
	// As after a death between the first message of a topic and the end of its creation: neither table knows it.
	for _, name := range []string{"topics.json", "topics.json.bak", "topicBirths.json", "topicBirths.json.bak"} {
		if err := mem.Remove("store/config/" + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	b = run(t, mem, nil)
	if c := b.Topics.Get("orders"); c == nil || c.ReadQueues != 1 || b.Topics.Birth("orders") != 0 {
		t.Fatalf("topic %+v", c)
	}
	if lowest, next := b.Store.Queue("orders", 0).Bounds(); lowest != 0 || next != 3 {
		t.Errorf("the queue holds [%d,%d)", lowest, next)
	}
	b.send(t, "orders", 4) // waits for offset 3, which is behind those that were there
	if err := b.Handler.Life.Delete("gone"); err != nil {
		t.Fatal(err)
	}
	b.stop(t)
	if b = run(t, mem, nil); b.Topics.Get("gone") != nil {
		t.Error("a topic that was deleted is back")
	}
}

func TestABrokerIsReadyWhileItTakesMessages(t *testing.T) {
	o, r := options(vfs.NewMem(), nil)
	b, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if b.Ready() == nil {
		t.Error("ready before it serves")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.Serve(l)
	if err := b.Ready(); err != nil {
		t.Errorf("%v", err)
	}
	full := errors.New("disk full")
	b.Store.Log.SetRefuse(full)
	if err := b.Ready(); !errors.Is(err, full) {
		t.Errorf("with a full disk: %v", err)
	}
	b.Store.Log.SetRefuse(nil)
	if err := b.Close(context.Background()); err != nil {
		t.Errorf("%v", err)
	}
	if b.Ready() == nil {
		t.Error("ready after the end")
	}
	if err := b.Close(context.Background()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a second Close: %v", err)
	}
	if r.names.topics == nil || !r.names.closed {
		t.Error("not registered, or not unregistered")
	}
}

func TestABrokerThatWasOnlyOpenedIsClosed(t *testing.T) {
	o, _ := options(vfs.NewMem(), nil)
	b, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestAStoreInUseIsNotOpened(t *testing.T) {
	mem := vfs.NewMem()
	run(t, mem, nil)
	o, _ := options(mem, nil)
	if _, err := Open(o); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("%v", err)
	}
}

func TestNameServersHearOfNewTopics(t *testing.T) {
	b := run(t, vfs.NewMem(), func(c *config.Config) { c.ListenPort = 4711 })
	b.send(t, "orders", 1)
	if got := b.names.changed; !slices.Equal(got, []string{"orders"}) {
		t.Errorf("told of changes of %v", got)
	}
	if all, version := b.names.topics.All(); !slices.ContainsFunc(all, func(c *meta.TopicConfig) bool { return c.Name == "orders" }) || version != b.names.topics.Version() {
		t.Error("the topic isn't registered")
	}
	if id := b.names.id; id.Name != "broker-a" || id.Cluster != "DefaultCluster" || id.Addr != "127.0.0.1:4711" || id.HAAddr != "127.0.0.1:4712" {
		t.Errorf("registered as %+v", id)
	}
}

func TestNameServersAreToldWhatTheBrokerPermits(t *testing.T) {
	b := run(t, vfs.NewMem(), func(c *config.Config) { c.BrokerPerm = meta.PermRead })
	all, _ := b.names.topics.All()
	for _, c := range append(all, b.names.topics.Get(meta.DefaultTopic)) {
		if c.Perm&meta.PermWrite != 0 {
			t.Errorf("%s has permission %d", c.Name, c.Perm)
		}
	}
	if b.names.topics.Get("none") != nil {
		t.Error("a topic that isn't there is")
	}
	if b.Topics.Get(meta.DefaultTopic).Perm&meta.PermWrite == 0 {
		t.Error("the table was changed")
	}
}

func TestABrokerListensAtSeveralPorts(t *testing.T) {
	o, _ := options(vfs.NewMem(), nil)
	b, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	var ls []net.Listener
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ls = append(ls, l)
	}
	b.Serve(ls...)
	for _, l := range ls {
		(&running{Broker: b, addr: l.Addr().String()}).send(t, "orders", 1)
	}
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestSystemTopicsAreThere(t *testing.T) {
	b := run(t, vfs.NewMem(), nil)
	for _, name := range []string{meta.DefaultTopic, meta.ScheduleTopic, "DefaultCluster", "broker-a", "DefaultCluster_REPLY_TOPIC", "rmq_sys_REVIVE_LOG_DefaultCluster"} {
		if b.Topics.Get(name) == nil || !b.Topics.IsSystem(name) {
			t.Errorf("%s is missing or not protected", name)
		}
	}
}

func TestMetricsTellWhatHappened(t *testing.T) {
	b := run(t, vfs.NewMem(), nil)
	b.send(t, "orders", 3)
	b.Offsets.Commit("shop", "orders", 0, 1)
	b.Offsets.Commit("shop", "gone", 0, 1)
	b.Handler.Stats().CountGot("shop", "orders", 2, 200)
	seen := map[string]float64{}
	var labels []telemetry.Label
	for _, m := range b.Metrics() {
		series := fmt.Sprint(m.Name, m.Labels)
		if _, twice := seen[series]; twice {
			t.Errorf("%s comes twice", series)
		}
		seen[series] = m.Value
		if m.Help == "" || m.Kind == telemetry.Counter != (strings.HasSuffix(m.Name, "_total")) {
			t.Errorf("%s is a %s: %q", m.Name, m.Kind, m.Help)
		}
		if seen[m.Name] = m.Value; m.Name == "rocketmq_consumer_lag_messages" {
			labels = m.Labels
		}
		if l := m.Labels; len(l) < 3 || l[0] != (telemetry.Label{Name: "cluster", Value: "DefaultCluster"}) || l[1] != (telemetry.Label{Name: "node_type", Value: "broker"}) || l[2] != (telemetry.Label{Name: "node_id", Value: "broker-a"}) {
			t.Errorf("%s has the labels %v", m.Name, m.Labels)
		}
	}
	for name, want := range map[string]float64{
		"rocketmq_messages_in_total": 3, "rocketmq_messages_out_total": 2, "rocketmq_throughput_out_total": 200, "rocketmq_broker_permission": 6, "rocketmq_consumer_lag_messages": 2,
		"gantry_log_messages_total": 3, "gantry_log_appends_total": 3,
		"rocketmq_throughput_in_total": float64(b.Store.Log.Max()), "rocketmq_storage_size_bytes": float64(b.Store.Log.Max()),
	} {
		if v, ok := seen[name]; !ok || v != want {
			t.Errorf("%s is %v (%v), expected %v", name, v, ok, want)
		}
	}
	if got := labels[3:]; len(got) != 4 || got[0].Value != "shop" || got[1].Value != "orders" || got[2].Value != "false" || got[3].Value != "false" {
		t.Errorf("the lag has the labels %v", labels)
	}
}
