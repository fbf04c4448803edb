package topics

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fixture struct {
	*Life
	mem     *vfs.Mem
	changed atomic.Int32
}

type plainTopics struct{ *meta.Topics }

func (plainTopics) BatchQueue(string) bool { return false }

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{mem: vfs.NewMem()}
	dir := meta.Options{FS: f.mem, Dir: "store/config"}
	table, err := meta.OpenTopics(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	offsets, err := meta.OpenOffsets(dir, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Options{FS: f.mem, Root: "store", Log: commitlog.Options{SegmentSize: 64 << 10}, NoIndex: true, Topics: plainTopics{table}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	f.Life = &Life{Table: table, Store: s, Offsets: offsets, Changed: func(...string) { f.changed.Add(1) }, Logger: slog.New(slog.DiscardHandler)}
	return f
}

func (f *fixture) send(t *testing.T, topic string) (queueOffset int64) {
	t.Helper()
	ds := []record.Draft{{Topic: topic, Body: []byte("x"), Queue: f.Store.Queue(topic, 0)}}
	if err := f.Store.Append(ds); err != nil || ds[0].Err != nil {
		t.Fatal(err, ds[0].Err)
	}
	return ds[0].QueueOffset
}

func (f *fixture) put(t *testing.T, c meta.TopicConfig, changes map[string]string) {
	t.Helper()
	if err := f.Put(Change{Topic: c, Attributes: changes}); err != nil {
		t.Fatal(err)
	}
}

func TestATopicThatIsAdoptedKeepsTheMessagesOfItsName(t *testing.T) {
	f := newFixture(t)
	f.send(t, "orders")
	for _, queues := range []int32{3, 8} { // the second finds it there
		c, err := f.Adopt(meta.NewTopic("orders", queues))
		if err != nil || c.WriteQueues != 3 {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	if off := f.send(t, "orders"); off != 1 || f.Table.Birth("orders") != 0 || f.changed.Load() != 1 {
		t.Errorf("queue offset %d, born at %d, told %d times", off, f.Table.Birth("orders"), f.changed.Load())
	}
	if _, err := f.Adopt(meta.NewTopic("a/b", 1)); !errors.Is(err, meta.ErrName) {
		t.Errorf("a topic that can't be: %v", err)
	}
}

func TestATopicThatIsDeletedAndComesAgainBeginsAnew(t *testing.T) {
	for name, again := range map[string]func(*fixture) error{
		"put": func(f *fixture) error { return f.Put(Change{Topic: meta.NewTopic("orders", 1)}) },
		"ensured": func(f *fixture) error {
			_, err := f.Ensure(meta.NewTopic("orders", 1))
			return err
		},
		"inherited": func(f *fixture) error {
			_, err := f.Inherit(meta.Inherit{Topic: "orders", Default: meta.DefaultTopic, Queues: 1, AutoCreate: true})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			model := meta.NewTopic(meta.DefaultTopic, 1)
			model.Perm |= meta.PermInherit
			f.put(t, model, nil)
			f.put(t, meta.NewTopic("orders", 1), nil)
			for range 3 {
				f.send(t, "orders")
			}
			f.Offsets.Commit("shop", "orders", 0, 2)
			if err := f.Delete("orders"); err != nil {
				t.Fatal(err)
			}
			if f.Table.Get("orders") != nil || f.Offsets.Query("shop", "orders", 0) >= 0 {
				t.Error("topic or offsets are still there")
			}
			// Somebody who had looked the topic up before it was deleted comes late.
			f.send(t, "orders")
			f.Offsets.Commit("shop", "orders", 0, 4)

			if err := again(f); err != nil {
				t.Fatal(err)
			}
			if n := f.Offsets.Query("shop", "orders", 0); n >= 0 {
				t.Errorf("the group has consumed %d messages of the new topic", n)
			}
			if n := f.send(t, "orders"); n != 0 {
				t.Errorf("the first message has queue offset %d", n)
			}
		})
	}
}

func TestAChangeIsWrittenBeforeItIsToldOf(t *testing.T) {
	f := newFixture(t)
	f.Changed = func(...string) {
		f.changed.Add(1)
		table, err := meta.OpenTopics(meta.Options{FS: f.mem, Dir: "store/config"}, nil)
		if err != nil || (table.Get("orders") == nil) != (f.Table.Get("orders") == nil) {
			t.Errorf("told of what isn't written: %v", err)
		}
	}
	f.put(t, meta.NewTopic("orders", 1), nil)
	if err := f.Delete("orders"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Ensure(meta.NewTopic("orders", 1)); err != nil {
		t.Fatal(err)
	}
	if n := f.changed.Load(); n != 3 {
		t.Errorf("told %d times", n)
	}
}

func TestATopicIsMadeOnce(t *testing.T) {
	f := newFixture(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if c, err := f.Ensure(meta.NewTopic("orders", 2)); err != nil || c.WriteQueues != 2 {
				t.Errorf("%+v %v", c, err)
			}
		})
	}
	wg.Wait()
	if n := f.changed.Load(); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestDeletingWhatIsNotThereDoesNothing(t *testing.T) {
	f := newFixture(t)
	if err := f.Delete("orders"); err != nil || f.changed.Load() != 0 {
		t.Errorf("%v, told %d times", err, f.changed.Load())
	}
}

func TestAttributesAreAlteredRatherThanReplaced(t *testing.T) {
	f := newFixture(t)
	c := meta.NewTopic("orders", 1)
	f.put(t, c, map[string]string{"+message.type": "FIFO"})
	f.put(t, c, map[string]string{"+reserve.time": "24"})
	if a := f.Table.Get("orders").Attributes; a["message.type"] != "FIFO" || a["reserve.time"] != "24" {
		t.Errorf("attributes %v", a)
	}
	f.put(t, c, map[string]string{"-message.type": ""})
	if a := f.Table.Get("orders").Attributes; len(a) != 1 {
		t.Errorf("attributes %v", a)
	}
}

func TestAConfigurationThatCannotBeIsRefused(t *testing.T) {
	f := newFixture(t)
	f.put(t, meta.NewTopic("orders", 1), nil)
	name, perm := meta.NewTopic("a/b", 1), meta.NewTopic("orders", 1)
	perm.Perm = 64
	for what, err := range map[string]error{
		"name":       f.Put(Change{Topic: name}),
		"permission": f.Put(Change{Topic: perm}),
		"attribute":  f.Put(Change{Topic: meta.NewTopic("orders", 1), Attributes: map[string]string{"+colour": "red"}}),
		"queue type": f.Put(Change{Topic: meta.NewTopic("orders", 1), Attributes: map[string]string{"+queue.type": "BatchCQ"}}),
	} {
		if r := (*Refused)(nil); !errors.As(err, &r) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := f.changed.Load(); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestAListOfChangesIsMadeAsAWholeAndToldOfOnce(t *testing.T) {
	f := newFixture(t)
	good := []Change{{Topic: meta.NewTopic("one", 1)}, {Topic: meta.NewTopic("two", 2), Attributes: map[string]string{"+message.type": "FIFO"}}}
	err := f.Put(append(good[:2:2], Change{Topic: meta.NewTopic("three", -1)})...)
	if r := (*Refused)(nil); !errors.As(err, &r) || f.Table.Get("one") != nil || f.changed.Load() != 0 {
		t.Errorf("%v, topic %v, told %d times", err, f.Table.Get("one"), f.changed.Load())
	}
	if err := f.Put(good...); err != nil {
		t.Fatal(err)
	}
	if two := f.Table.Get("two"); f.Table.Get("one") == nil || two.Attributes["message.type"] != "FIFO" || f.changed.Load() != 1 {
		t.Errorf("%+v, told %d times", two, f.changed.Load())
	}
	if err := f.Put(); err != nil || f.changed.Load() != 1 {
		t.Errorf("an empty list: %v, told %d times", err, f.changed.Load())
	}
}

func TestSweepingRemovesQueuesOfDeletedTopicsOnly(t *testing.T) {
	f := newFixture(t)
	f.put(t, meta.NewTopic("orders", 1), nil)
	f.put(t, meta.NewTopic("gone", 1), nil)
	f.send(t, "orders")
	f.send(t, "gone")
	f.Table.Delete("gone", f.Store.Log.Max()) // and no more, as when the disk is full
	if err := f.Sweep(); err != nil {
		t.Fatal(err)
	}
	if f.Store.Lookup("orders", 0) == nil || f.Store.Lookup("gone", 0) != nil {
		t.Errorf("orders %v, gone %v", f.Store.Lookup("orders", 0), f.Store.Lookup("gone", 0))
	}
}
