package delay

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/broker/topics"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

var levels = []time.Duration{time.Second, 5 * time.Second, 10 * time.Second}

// machine is a disk and a wall clock that can be set.
type machine struct {
	mem   *vfs.Mem
	clock func() time.Time
	log   logLines
}

func newMachine() *machine { return &machine{mem: vfs.NewMem(), clock: time.Now} }

func (m *machine) now() time.Time { return m.clock() }

// process is a store with its tables and the deliveries, on a machine.
type process struct {
	*Service
	m      *machine
	store  *store.Store
	topics *topics.Life
}

type setup struct {
	store  store.Options
	levels []time.Duration
	fs     vfs.FS
}

// boot starts a process; what it delivers, it delivers by itself.
func (m *machine) boot(t testing.TB, edit func(*setup)) *process {
	t.Helper()
	p := m.open(t, edit)
	p.Start()
	return p
}

// open is boot without deliveries.
func (m *machine) open(t testing.TB, edit func(*setup)) *process {
	t.Helper()
	p, err := m.attempt(edit)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// attempt is open, which may fail.
func (m *machine) attempt(edit func(*setup)) (_ *process, err error) {
	log := slog.New(slog.NewTextHandler(&m.log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	s := setup{levels: levels, fs: m.mem}
	s.store = store.Options{
		Root: "store", Log: commitlog.Options{SegmentSize: 64 << 10, CRCProperty: true}, QueueFile: 2000, NoIndex: true, Now: m.now, Logger: log,
	}
	if edit != nil {
		edit(&s)
	}
	dir := meta.Options{FS: s.fs, Dir: s.store.Root + "/config", Logger: log}
	table, err := meta.OpenTopics(dir, m.now)
	if err != nil {
		return nil, err
	}
	offsets, err := meta.OpenOffsets(dir, false, m.now)
	if err != nil {
		return nil, err
	}
	delivered, err := meta.OpenDelayOffsets(dir, m.now)
	if err != nil {
		return nil, err
	}
	s.store.FS, s.store.DelayLevels, s.store.Topics = s.fs, s.levels, simpleTopics{table}
	p := &process{m: m}
	if p.store, err = store.Open(s.store); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.store.Close() // the process has died
		}
	}()
	table.FitBirths(p.store.Log.Min(), p.store.Log.Max())
	p.topics = &topics.Life{Table: table, Store: p.store, Offsets: offsets, Changed: func(...string) {}, Logger: log}
	if p.Service, err = Open(Options{Store: p.store, Topics: p.topics, Offsets: delivered, Levels: s.levels, Now: m.now, Logger: log}); err != nil {
		return nil, err
	}
	_, err = p.topics.Ensure(meta.NewTopic("orders", 4))
	return p, err
}

type simpleTopics struct{ *meta.Topics }

func (simpleTopics) BatchQueue(string) bool { return false }

// stop ends the process in order.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.store.Close(); err != nil {
		t.Error(err)
	}
}

// die ends the process; its machine goes on with what after makes of the disk.
func (p *process) die(after func(*vfs.Mem) *vfs.Mem) {
	p.m.mem = after(p.m.mem)
	// What follows happens on a disk that nobody looks at any more.
	_ = p.Close()
	_ = p.store.Close()
}

var host = record.Host{IP: netip.AddrFrom4([4]byte{10, 0, 0, 7}), Port: 10911}

// wait is a message that waits at a level.
func (p *process) wait(key string, level int, topic string, queue int, more ...string) record.Draft {
	props := []string{"UNIQ_KEY", key, "TAGS", "red", "DELAY", strconv.Itoa(level), "REAL_TOPIC", topic, "REAL_QID", strconv.Itoa(queue)}
	var b []byte
	for i := 0; i < len(props); i += 2 {
		b = record.AppendProperty(b, props[i], props[i+1])
	}
	for i := 0; i < len(more); i += 2 {
		b = record.AppendProperty(b, more[i], more[i+1])
	}
	return record.Draft{
		Topic: meta.ScheduleTopic, QueueID: int32(level - 1), Queue: p.store.Queue(meta.ScheduleTopic, int32(level-1)), Flag: 3, ReconsumeTimes: 2,
		Body: []byte("body of " + key), Properties: b, BornTimestamp: 1_700_000_000_000, BornHost: host, StoreHost: host,
	}
}

// send stores messages.
func (p *process) send(t testing.TB, ds ...record.Draft) []record.Draft {
	t.Helper()
	err := p.store.Append(ds)
	for i := range ds {
		if err == nil {
			err = ds[i].Err
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// found is a message in its queue.
type found struct {
	record.Record
	key    string
	stored time.Time
	unit   int64 // the tag code in the queue
}

// in reads a queue of a topic.
func (p *process) in(t testing.TB, topic string, id int32) (all []found) {
	t.Helper()
	q := p.store.Queue(topic, id)
	lowest, next := q.Bounds()
	for off := lowest; off < next; off++ {
		u := unitAt(t, q, off)
		b, err := p.store.Record(u.LogOffset, nil)
		if err != nil {
			t.Fatal(err)
		}
		f := found{unit: u.TagCode}
		if err := record.Decode(b, &f.Record); err != nil {
			t.Fatal(err)
		}
		f.key = property(f.Record, "UNIQ_KEY")
		f.stored = time.UnixMilli(f.StoreTimestamp)
		all = append(all, f)
	}
	return all
}

// keys are the keys of the messages in a queue.
func (p *process) keys(t testing.TB, topic string, id int32) string {
	t.Helper()
	var all []string
	for _, f := range p.in(t, topic, id) {
		all = append(all, f.key)
	}
	return strings.Join(all, " ")
}

func property(r record.Record, name string) string {
	v, _ := record.Property(r.Properties, name)
	return string(v)
}

// sleep lets time pass, and all that is to happen meanwhile happen.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// logLines collects what is logged.
type logLines struct {
	mu sync.Mutex // guards b
	b  strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// logged expects a line of the log that has all the words.
func (m *machine) logged(t testing.TB, words ...string) {
	t.Helper()
	for line := range strings.Lines(m.log.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return
		}
	}
	t.Errorf("no line with %q was logged:\n%s", words, m.log.String())
}

func keyOf(n int) string { return fmt.Sprintf("m%d", n) }
