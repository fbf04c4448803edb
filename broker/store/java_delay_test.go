package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/internal/peer"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// TestTheJavaBrokerDeliversWhatWaitsInAGantryStore has it take over delayed messages of which some were delivered, and copies that
// say which.
func TestTheJavaBrokerDeliversWhatWaitsInAGantryStore(t *testing.T) {
	p := meetJava(t)
	o := javaStoreOptions(t, t.TempDir())
	dir := meta.Options{FS: vfs.OS(), Dir: filepath.Join(o.Root, "config")}
	const waiting, delivered = 10, 4
	s := mustOpen(t, o)
	for i := range waiting {
		real := fmt.Sprintf("DELAY\x011\x02UNIQ_KEY\x01delayed-%d\x02REAL_TOPIC\x01JNormal\x02REAL_QID\x01%d\x02", i, i%4)
		was := appendTo(t, s, record.TopicSchedule, 0, real)
		if i < delivered {
			d := draftTo(s, "JNormal", int32(i%4), real)
			d.PreparedTransactionOffset = was.LogOffset
			appendAll(t, s, d)
		}
	}
	offsets, err := meta.OpenDelayOffsets(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := offsets.Save(meta.DelayState{Offsets: map[int32]int64{1: delivered}, LogOffset: s.Log.Max()}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)

	broker := p.serve(t, o)
	var got map[seen]bool
	for deadline := time.Now().Add(peer.Patience); len(got) < waiting && time.Now().Before(deadline); {
		time.Sleep(200 * time.Millisecond) // another process: there is no event to wait for
		got = seenOf(p.client.Ask(t, "read JNormal *"))
	}
	broker.Stop(t)
	unique := map[string]bool{}
	for m := range got {
		unique[m.unique] = true
	}
	if len(got) != waiting || len(unique) != waiting {
		t.Errorf("the Java consumer gets %d messages, %d different ones, expected %d", len(got), len(unique), waiting)
	}
	if offsets, err = meta.OpenDelayOffsets(dir, nil); err != nil {
		t.Fatal(err)
	}
	if left, _ := offsets.Last(); left.Offsets[1] != waiting || left.LogOffset >= 0 {
		t.Errorf("the Java broker leaves the offsets %+v", left)
	}
}
