package store

import (
	"math"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

// checkExtended expects every unit of a queue to point to the tag code of its tag, each to another place.
func checkExtended(t *testing.T, s *Store, q *Queue, tag string) {
	t.Helper()
	last := int64(0)
	for i, u := range readAll(t, q) {
		code, err := s.TagCode(q, u.TagCode)
		if !consumequeue.IsExtAddress(u.TagCode) || code != record.TagCode([]byte(tag)) || err != nil || i > 0 && u.TagCode <= last {
			t.Fatalf("unit %d has %d, that is tag code %d, %v; the one before has %d", i, u.TagCode, code, err, last)
		}
		last = u.TagCode
	}
}

func TestExtensionsAreWholeAfterAKillAtAnyMoment(t *testing.T) {
	for _, checkpointed := range []int{0, 1, 40, 99} {
		mem := vfs.NewMem()
		o := memOptions(t, mem)
		o.QueueExt = true
		s := mustOpen(t, o)
		for i := range 100 {
			appendTo(t, s, "T", 0, "TAGS\x01red\x02")
			if i == checkpointed {
				if err := s.checkpoint(true, false); err != nil {
					t.Fatal(err)
				}
			}
			if i == checkpointed+10 { // what reached the files without being noted
				if err := s.exts.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		mem = killed(s, mem)
		o.FS = mem
		s = mustOpen(t, o)
		wantNext(t, s, "T", 0, 0, 100)
		checkExtended(t, s, s.Queue("T", 0), "red")
		const perFile = (1024 - 4) / extHeaderSize
		for i, u := range readAll(t, s.Queue("T", 0)) {
			// Were anything left from before the kill, later units would lie behind it.
			if want := int64(i/perFile*1024+i%perFile*extHeaderSize) + math.MinInt64; u.TagCode != want {
				t.Fatalf("checkpoint at %d: unit %d has address %d, expected %d", checkpointed, i, u.TagCode, want)
			}
		}
	}
}

func TestExtensionFilesAreRetiredWithTheirQueue(t *testing.T) {
	mem := vfs.NewMem()
	o := memOptions(t, mem)
	o.QueueExt = true
	o.Retention = commitlog.Retention{Age: time.Nanosecond, Clean: 0.9, Force: 0.95, Refuse: 0.99}
	s := mustOpen(t, o)
	for range 600 {
		appendTo(t, s, "T", 0, "TAGS\x01red\x02")
	}
	if err := s.checkpoint(true, false); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Clean(true); n == 0 || err != nil {
		t.Fatalf("%d segments went, %v", n, err)
	}
	q := s.Queue("T", 0)
	checkExtended(t, s, q, "red")
	first, _, err := q.ext.Bounds()
	if smallest := readAll(t, q)[0].TagCode; err != nil || first > smallest || first+o.ExtFile <= smallest {
		t.Errorf("the extension begins at %d, %v; the first unit points to %d", first, err, smallest)
	}
}
