package produce

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/broker/topics"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a Service on an in-memory store with the topics "orders" (4 queues), "batches" (2 queues of inner batches), and TBW102.
type fixture struct {
	*Service
	mem     *vfs.Mem
	store   *store.Store
	table   *meta.Topics
	ordered map[string]bool
	changed int // how often the name servers would have been told
}

type setup struct {
	config *config.Config
	store  *store.Options
}

type batchTopics struct{ *meta.Topics }

func (t batchTopics) BatchQueue(topic string) bool { return topic == "batches" }

func newFixture(t testing.TB, edit func(*setup)) *fixture {
	t.Helper()
	f := &fixture{mem: vfs.NewMem(), ordered: map[string]bool{}}
	dir := meta.Options{FS: f.mem, Dir: "store/config"}
	var err error
	if f.table, err = meta.OpenTopics(dir, nil); err != nil {
		t.Fatal(err)
	}
	groups, err := meta.OpenGroups(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	offsets, err := meta.OpenOffsets(dir, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.BrokerName = "broker-a"
	s := setup{cfg, &store.Options{
		FS: f.mem, Root: "store", Log: commitlog.Options{SegmentSize: 1 << 20}, NoIndex: true, Topics: batchTopics{f.table},
		Logger: slog.New(slog.DiscardHandler),
	}}
	if edit != nil {
		edit(&s)
	}
	s.store.Log.MaxMessageSize = int(cfg.MaxMessageBytes)
	if f.store, err = store.Open(*s.store); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.store.Close() })
	model := meta.NewTopic(meta.DefaultTopic, 8)
	model.Perm |= meta.PermInherit
	f.table.Reserve([]meta.TopicConfig{model, meta.NewTopic(meta.ScheduleTopic, 18)})
	for name, queues := range map[string]int32{"orders": 4, "batches": 2} {
		if _, err := f.table.Put(meta.NewTopic(name, queues), 0); err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	f.Service = New(Options{
		Config: config.NewLive(cfg), Store: f.store, Groups: groups, Now: time.Now, Logger: log,
		Topics:    &topics.Life{Table: f.table, Store: f.store, Offsets: offsets, Changed: func(...string) { f.changed++ }, Logger: log},
		StoreHost: record.Host{IP: netip.MustParseAddr("10.0.0.9"), Port: 10911},
		Ordered:   func(group string) bool { return f.ordered[group] },
	})
	return f
}

// order is a request that is fine.
func order() *Request {
	return &Request{
		Topic: []byte("orders"), QueueID: 1, Flag: 7, BornTimestamp: 1_700_000_000_000, Body: []byte("one book"),
		BornHost:   record.Host{IP: netip.MustParseAddr("192.0.2.1"), Port: 5555},
		Properties: props("UNIQ_KEY", "k1", "WAIT", "true"), MaxReconsume: -1,
		DefaultTopic: []byte(meta.DefaultTopic), DefaultQueues: 4,
	}
}

func props(pairs ...string) (b []byte) {
	for i := 0; i < len(pairs); i += 2 {
		b = record.AppendProperty(b, pairs[i], pairs[i+1])
	}
	return b
}

// send submits requests as one batch and waits for its outcome.
func (f *fixture) send(t testing.TB, rs ...*Request) *Batch {
	t.Helper()
	b := NewBatch()
	for _, r := range rs {
		f.Add(b, r)
	}
	f.submit(t, b)
	return b
}

func (f *fixture) submit(t testing.TB, b *Batch) {
	t.Helper()
	done := make(chan struct{})
	if f.Submit(b, func() { close(done) }) {
		return
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the batch was never confirmed")
	}
}

// one expects request i to be stored as one record, and reads it.
func (f *fixture) one(t testing.TB, b *Batch, i int) record.Record {
	t.Helper()
	all := f.all(t, b, i)
	if len(all) != 1 {
		t.Fatalf("request %d became %d records", i, len(all))
	}
	return all[0]
}

func (f *fixture) all(t testing.TB, b *Batch, i int) (all []record.Record) {
	t.Helper()
	stored, refused := b.Stored(i)
	if refused != nil {
		t.Fatalf("request %d: %d %s", i, refused.Reason, refused.Remark)
	}
	for k := range stored {
		all = append(all, f.read(t, stored[k].LogOffset))
	}
	return all
}

func (f *fixture) read(t testing.TB, logOffset int64) (r record.Record) {
	t.Helper()
	buf, err := f.store.Record(logOffset, nil)
	if err == nil {
		err = record.Decode(buf, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// refusal sends one request that must not be taken.
func (f *fixture) refusal(t testing.TB, r *Request) *Refusal {
	t.Helper()
	before := f.store.Log.Max()
	b := f.send(t, r)
	stored, refused := b.Stored(0)
	if refused == nil {
		t.Fatal("the message was taken")
	}
	if len(stored) > 0 || f.store.Log.Max() != before {
		t.Fatalf("the message was refused, %s, and stored", refused.Remark)
	}
	return refused
}

func property(r record.Record, name string) string {
	v, _ := record.Property(r.Properties, name)
	return string(v)
}

type item struct {
	body, properties string
}

// batchOf is the body of a batch as clients write it.
func batchOf(items ...item) (b []byte) {
	for _, it := range items {
		b = binary.BigEndian.AppendUint32(b, uint32(22+len(it.body)+len(it.properties)))
		b = append(b, make([]byte, 8)...)
		b = binary.BigEndian.AppendUint32(b, 3) // flag
		b = binary.BigEndian.AppendUint32(b, uint32(len(it.body)))
		b = append(b, it.body...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(it.properties)))
		b = append(b, it.properties...)
	}
	return b
}
