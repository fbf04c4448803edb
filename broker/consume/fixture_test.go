package consume

import (
	"math"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// queueTypes says that the topic "batches" has queues of inner batches.
type queueTypes struct{}

func (queueTypes) BatchQueue(topic string) bool { return topic == "batches" }
func (queueTypes) Birth(string) int64           { return 0 }

// openStore opens a store in memory that does nothing by the clock.
func openStore(t testing.TB, edit func(*store.Options)) *store.Store {
	t.Helper()
	o := store.Options{
		FS: vfs.NewMem(), Root: "store", Log: commitlog.Options{SegmentSize: 64 << 10, FlushInterval: time.Hour}, NoIndex: true, Topics: queueTypes{},
		QueueFile: 4000, CheckpointInterval: time.Hour, CleanInterval: time.Hour,
	}
	if edit != nil {
		edit(&o)
	}
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// put stores messages of a tag and waits until they stand in the queue.
func put(t testing.TB, s *store.Store, q *store.Queue, tag string, bodies ...string) {
	t.Helper()
	ds := make([]record.Draft, len(bodies))
	for i, body := range bodies {
		ds[i] = record.Draft{Topic: q.Topic, QueueID: q.ID, Body: []byte(body), Queue: q}
		if tag != "" {
			ds[i].Properties = record.AppendProperty(nil, record.PropTags, tag)
		}
	}
	if err := s.Append(ds); err != nil {
		t.Fatal(err)
	}
	for i := range ds {
		if ds[i].Err != nil {
			t.Fatal(ds[i].Err)
		}
	}
	arrive(t, q, ds[len(ds)-1].QueueOffset)
}

// arrive waits until the queue has a message of that offset.
func arrive(t testing.TB, q *store.Queue, queueOffset int64) {
	t.Helper()
	here := make(chan struct{})
	a := store.Arrival{From: queueOffset, Wake: func(*store.Arrival) { close(here) }}
	if !q.Await(&a) {
		return
	}
	select {
	case <-here:
	case <-time.After(10 * time.Second):
		t.Fatalf("queue offset %d of %s/%d didn't arrive", queueOffset, q.Topic, q.ID)
	}
}

// wide are limits that nothing here reaches.
var wide = Limits{Messages: 1000, Bytes: 1 << 20, ColdMessages: 1000, ColdBytes: 1 << 20, HotBytes: math.MaxInt64}

func tags(t testing.TB, expression string) *TagFilter {
	t.Helper()
	f := new(TagFilter)
	if err := f.Parse([]byte(expression)); err != nil {
		t.Fatal(err)
	}
	return f
}

// outcome is a Result that may be kept.
type outcome struct {
	Status         Status
	Next, Min, Max int64
	Messages       int
	Bodies         string // separated by spaces
}

func read(t testing.TB, s *store.Store, q *store.Queue, from int64, most int, f *TagFilter, l Limits) outcome {
	t.Helper()
	r, err := Read(s, q, from, most, f, l)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var bodies []string
	bytes := 0
	for _, p := range r.Parts {
		var rec record.Record
		if err := record.Decode(p, &rec); err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(rec.Body))
		bytes += len(p)
	}
	if bytes != r.Bytes {
		t.Errorf("the result says %d bytes and has %d", r.Bytes, bytes)
	}
	return outcome{r.Status, r.Next, r.Min, r.Max, r.Messages, strings.Join(bodies, " ")}
}
