package delay

import (
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/internal/golden"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/broker/topics"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// peerLevels are RocketMQ's.
var peerLevels = []time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 5 * time.Minute,
	6 * time.Minute, 7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
}

// TestWhatWaitsInAJavaStoreIsDelivered takes over a store of RocketMQ 5.5.0 that was stopped with messages delivered and pending.
func TestWhatWaitsInAJavaStoreIsDelivered(t *testing.T) {
	dir := golden.Unpack(t, "java-store-5.5.0", "timerwheel", "index")
	p := openOS(t, dir, 4<<20)
	if all := p.Levels(); all[0].Offset != 5 || all[2].Offset != 6 || all[13].Offset != 0 || all[13].Next != 3 || all[17].Next != 2 {
		t.Fatalf("levels %+v", all)
	}
	p.drain(t)
	p.stop(t)
	copies := p.copies(t, dir, 4<<20, "GoldenDelay")
	if len(copies) != 10+4 { // 4 are messages that RocketMQ's timer delivered
		t.Errorf("delivered %v", copies)
	}
	for key, n := range copies {
		if n != 1 {
			t.Errorf("%s was delivered %d times", key, n)
		}
	}
}

// TestWhatACrashedJavaBrokerDeliveredComesTwice as it does when RocketMQ itself starts again: nothing says that it was delivered.
func TestWhatACrashedJavaBrokerDeliveredComesTwice(t *testing.T) {
	dir := golden.Unpack(t, "java-store-5.5.0-crashed", "timerwheel", "index")
	p := openOS(t, dir, 1<<20)
	_, waiting := p.store.Queue(meta.ScheduleTopic, 1).Bounds()
	p.drain(t)
	p.stop(t)
	copies := p.copies(t, dir, 1<<20, "CrashDelay")
	var twice []string
	for key, n := range copies {
		if n == 2 {
			twice = append(twice, key)
		}
	}
	slices.Sort(twice)
	if len(copies) != int(waiting) || strings.Join(twice, " ") != "lv-18 lv-28 lv-8" {
		t.Errorf("%d messages of %d were delivered, twice %v", len(copies), waiting, twice)
	}
}

// openOS opens a real store, days after it was written.
func openOS(t *testing.T, dir string, segment int64) *process {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	now := func() time.Time { return time.UnixMilli(1795451299193).Add(72 * time.Hour) }
	o := meta.Options{FS: vfs.OS(), Dir: filepath.Join(dir, "config"), Logger: log}
	table, err := meta.OpenTopics(o, now)
	if err != nil {
		t.Fatal(err)
	}
	offsets, err := meta.OpenOffsets(o, true, now)
	if err != nil {
		t.Fatal(err)
	}
	delivered, err := meta.OpenDelayOffsets(o, now)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{}
	p.store, err = store.Open(store.Options{
		FS: vfs.OS(), Root: dir, Log: commitlog.Options{SegmentSize: segment}, QueueFile: 6000, NoIndex: true, DelayLevels: peerLevels,
		Retention: commitlog.Retention{Age: 1000 * time.Hour}, Topics: peerTopics{table}, Now: now, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.topics = &topics.Life{Table: table, Store: p.store, Offsets: offsets, Changed: func(...string) {}, Logger: log}
	if p.Service, err = Open(Options{Store: p.store, Topics: p.topics, Offsets: delivered, Levels: peerLevels, Now: now, Logger: log}); err != nil {
		t.Fatal(err)
	}
	return p
}

type peerTopics struct{ *meta.Topics }

func (t peerTopics) BatchQueue(topic string) bool {
	c := t.Get(topic)
	return c != nil && c.Attributes[meta.AttrQueueType] == "BatchCQ"
}

// drain delivers all that is due.
func (p *process) drain(t *testing.T) {
	t.Helper()
	for _, l := range p.levels {
		for wait := time.Duration(0); wait == 0; {
			var err error
			if wait, err = l.step(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// copies counts the messages of a topic by their keys, in the stopped store.
func (p *process) copies(t *testing.T, dir string, segment int64, topic string) map[string]int {
	t.Helper()
	again := openOS(t, dir, segment)
	defer again.stop(t)
	all := map[string]int{}
	err := again.eachRecord(0, again.store.Log.Max(), func(r *record.Record) error {
		if string(r.Topic) == topic {
			all[property(*r, "KEYS")]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
