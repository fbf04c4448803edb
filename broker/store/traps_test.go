package store

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

// What RocketMQ's format and its brokers have in store for a store that reads them, and why it can't happen here:
//
//   - `abort` alone decides whether the last stop was in order, its content doesn't: golden stores, and
//     TestOnlyTheAbortFileTellsOfACrash. A checkpoint full of zeros is normal: the clean golden store has one.
//   - File sizes must match the configuration, index files aren't even checked: TestFilesOfAnotherSizeAreRefused….
//   - The peer takes the lock after recovery: TestNothingIsReadBeforeTheLockIsHeld.
//   - A point to dispatch from may be the end of a record or the start of one that was not dispatched: we read from there on,
//     inclusive. The last record of the crashed golden store has no queue unit, and gets one.
//   - The peer's index is not complete after a crash, and may have an entry twice: golden stores that died; package index drops
//     doubles. Its tags are keys, too: TestAMessageIsFoundByPlaceByIdAndByKey.
//   - Delivered delayed messages keep DELAY: their tag code is no deliver time. TestADelayLevelCountsInTheScheduleTopicAlone.
//   - Half messages that the transaction service stores are of type none and stand in their queue, those of type prepared or
//     rollback don't: TestPreparedAndRolledBackMessagesTakeNoPlace.
//   - A gap in queue offsets: TestAGapInALogOfAnotherBrokerStopsNothing. A batch topic gets a single message:
//     TestABatchTopicKeepsItsNumbersWhenASingleMessageComes.
//   - Stale bytes behind the end, CRCs of 31 bits with reversed digits, empty property values, ports of 32 bits, signed lengths,
//     hashes over UTF-16, offset files: packages commitlog, record, index and meta.
//   - Messages that the broker stores for itself need not wait for the disk, but what is derived from them must not be ahead of
//     it: TestTheStateOfBeforeACutIsNotBelievedAfterIt.
//   - Timer wheel, pop, compaction and tiered store: not here.

func TestOnlyTheAbortFileTellsOfACrash(t *testing.T) {
	for _, g := range []goldenStore{goldenClean, goldenCrashed} {
		root := g.unpack(t)
		if g.died {
			remove(t, root, "abort")
		}
		o := g.options(t, root)
		o.ReadOnly = true
		if s := mustOpen(t, o); !s.Recovery().Clean {
			t.Errorf("%s: recovery %+v, expected clean", g.name, s.Recovery())
		}
	}
	mem := vfs.NewMem()
	if err := mem.MkdirAll("store"); err != nil {
		t.Fatal(err)
	}
	if err := vfs.WriteFileAtomic(mem, "store/abort", nil); err != nil {
		t.Fatal(err)
	}
	if s := mustOpen(t, memOptions(t, mem)); s.Recovery().Clean {
		t.Error("an empty abort file, as old brokers wrote it, was not seen")
	}
}

func TestNothingIsReadBeforeTheLockIsHeld(t *testing.T) {
	var kinds []vfs.OpKind
	mem := vfs.Fault(vfs.NewMem(), func(op vfs.Op) error {
		kinds = append(kinds, op.Kind)
		if op.Kind == vfs.OpLock {
			return vfs.ErrLocked
		}
		return nil
	})
	if _, err := Open(memOptions(t, mem)); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("got %v", err)
	}
	if want := []vfs.OpKind{vfs.OpMkdir, vfs.OpLock}; !slices.Equal(kinds, want) {
		t.Errorf("operations %v, expected %v", kinds, want)
	}
}

func TestADelayLevelCountsInTheScheduleTopicAlone(t *testing.T) {
	s := mustOpen(t, memOptions(t, vfs.NewMem()))
	for _, c := range []struct {
		topic, level string
		delay        int64 // ms; -1: the tag code is that of the tag
	}{
		{"T", "3", -1}, {record.TopicSchedule, "3", 10_000}, {record.TopicSchedule, "18", 7_200_000},
		{record.TopicSchedule, "99", 7_200_000}, {record.TopicSchedule, "0", -1}, {record.TopicSchedule, "x", -1},
	} {
		d := appendTo(t, s, c.topic, 0, "TAGS\x01red\x02DELAY\x01"+c.level+"\x02")
		us := readAll(t, s.Queue(c.topic, 0))
		want := record.TagCode([]byte("red"))
		if c.delay >= 0 {
			want = d.StoreTimestamp + c.delay
		}
		if got := us[len(us)-1].TagCode; got != want {
			t.Errorf("level %s in %s: tag code %d, expected %d", c.level, c.topic, got, want)
		}
	}
}

func TestPreparedAndRolledBackMessagesTakeNoPlace(t *testing.T) {
	s := mustOpen(t, memOptions(t, vfs.NewMem()))
	for _, kind := range []int32{0, record.SysTransactionPrepared, record.SysTransactionCommit, record.SysTransactionRollback, 0} {
		d := draftTo(s, "T", 0, "KEYS\x01k\x02")
		d.SysFlag = kind
		appendAll(t, s, d)
	}
	wantNext(t, s, "T", 0, 0, 3)
	if found, err := s.Query("T", "k", UserKey, 0, math.MaxInt64, 10); len(found) != 4 || err != nil {
		t.Errorf("%d found by key, %v; expected all but the one rolled back", len(found), err)
	}
}

// copyLog gives the records of one store, changed, to another: as a log that a broker with other habits wrote.
func copyLog(t *testing.T, from *Store, to *Store, change func(*record.Record, []byte)) {
	t.Helper()
	all := allRecords(t, from)
	for i := range all {
		b, err := from.Log.Record(all[i].LogOffset, nil)
		if err != nil {
			t.Fatal(err)
		}
		change(&all[i], b)
		if err := to.AppendRaw(all[i].LogOffset, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.dispatcher.catchUp(); err != nil {
		t.Fatal(err)
	}
	to.Renumber()
}

func TestAGapInALogOfAnotherBrokerStopsNothing(t *testing.T) {
	o := memOptions(t, vfs.NewMem())
	from := mustOpen(t, o)
	for i := range 6 {
		appendTo(t, from, "T", int32(i%2), "KEYS\x01k\x02")
	}
	o.FS = vfs.NewMem()
	s := mustOpen(t, o)
	copyLog(t, from, s, func(r *record.Record, b []byte) {
		if r.QueueID == 0 && r.QueueOffset == 1 {
			b[27] = 7 // the low byte of the queue offset
		}
	})
	wantNext(t, s, "T", 1, 0, 3)
	wantNext(t, s, "T", 0, 0, 1) // the third one has its right number, but nothing stands before it
	if n := s.Unqueued(); n != 2 {
		t.Errorf("%d messages not queued, expected 2", n)
	}
	if found, err := s.Query("T", "k", UserKey, 0, math.MaxInt64, 10); len(found) != 6 || err != nil {
		t.Errorf("%d found by key, %v", len(found), err)
	}
	appendTo(t, s, "T", 0, "")
	wantNext(t, s, "T", 0, 0, 2)
}

func TestABatchTopicKeepsItsNumbersWhenASingleMessageComes(t *testing.T) {
	s := mustOpen(t, memOptions(t, vfs.NewMem()))
	for _, single := range []bool{false, true, false} {
		d := draftTo(s, "Batch", 0, "KEYS\x01k\x02")
		if !single {
			d, _ = innerBatch(s, "Batch", 0, 3)
		}
		appendAll(t, s, d)
	}
	wantNext(t, s, "Batch", 0, 0, 6)
	var us [3]consumequeue.BatchUnit
	if n, err := s.Queue("Batch", 0).ReadBatch(us[:], 4); n != 1 || err != nil || us[0].BaseOffset != 3 {
		t.Errorf("the batch with offset 4: %d, %+v, %v", n, us[0], err)
	}
	if n := s.Unqueued(); n != 0 {
		t.Errorf("%d messages not queued", n)
	}
	d, _ := innerBatch(s, "T", 0, 3)
	ds := []record.Draft{d}
	if _ = s.Append(ds); !errors.Is(ds[0].Err, ErrQueueType) {
		t.Errorf("an inner batch on an ordinary topic: %v", ds[0].Err)
	}
	if _, err := s.Queue("Batch", 0).Read(nil, 0); !errors.Is(err, ErrQueueType) {
		t.Errorf("single units of a batch queue: %v", err)
	}
	if _, err := s.Queue("T", 0).ReadBatch(nil, 0); !errors.Is(err, ErrQueueType) {
		t.Errorf("batch units of a simple queue: %v", err)
	}
}

// What a client writes into the properties of multi-dispatch must neither reach queues that aren't light nor stop anything.
func TestNobodyWritesIntoQueuesByProperties(t *testing.T) {
	o := memOptions(t, vfs.NewMem())
	o.MultiDispatch = true
	s := mustOpen(t, o)
	appendTo(t, s, "Victim", 0, "")
	for _, props := range []string{
		"INNER_MULTI_DISPATCH\x01Victim\x02INNER_MULTI_QUEUE_OFFSET\x011\x02",
		"INNER_MULTI_DISPATCH\x01%LMQ%a,Victim\x02INNER_MULTI_QUEUE_OFFSET\x017,1\x02",
		"INNER_MULTI_DISPATCH\x01%LMQ%a/b\x02INNER_MULTI_QUEUE_OFFSET\x010\x02",
		"INNER_MULTI_DISPATCH\x01,\x02",
		"INNER_MULTI_DISPATCH\x01%LMQ%b,%LMQ%b\x02INNER_MULTI_QUEUE_OFFSET\x015,9\x02",
	} {
		appendTo(t, s, "T", 0, props)
		d, _ := innerBatch(s, "Batch", 0, 2)
		d.Properties = append(d.Properties, props...)
		appendAll(t, s, d)
	}
	wantNext(t, s, "Victim", 0, 0, 1)
	wantNext(t, s, "%LMQ%b", 0, 0, 1) // named twice, it is one queue
	wantNext(t, s, "%LMQ%a", 0, 0, 0) // its list named a queue that isn't light: nobody numbered it
	wantNext(t, s, "T", 0, 0, 5)
	wantNext(t, s, "Batch", 0, 0, 10)
	appendTo(t, s, "T", 0, "INNER_MULTI_DISPATCH\x01%LMQ%b,%LMQ%c\x02")
	wantNext(t, s, "%LMQ%b", 0, 0, 2)
	wantNext(t, s, "%LMQ%c", 0, 0, 1)
}

func TestAMessageThatIsNotStoredGivesAllItsNumbersBack(t *testing.T) {
	full := false
	o := memOptions(t, vfs.Fault(vfs.NewMem(), func(op vfs.Op) error {
		if full && op.Kind == vfs.OpWrite {
			return vfs.ErrFull
		}
		return nil
	}))
	o.MultiDispatch = true
	s := mustOpen(t, o)
	batch, _ := innerBatch(s, "Batch", 0, 5)
	ds := []record.Draft{
		draftTo(s, "T", 0, "INNER_MULTI_DISPATCH\x01%LMQ%a,%LMQ%a\x02"), draftTo(s, "T", 0, ""), batch,
		draftTo(s, "Batch", 0, "INNER_MULTI_DISPATCH\x01%LMQ%a\x02"),
	}
	full = true
	if err := s.Append(ds); !errors.Is(err, vfs.ErrFull) {
		t.Fatalf("got %v", err)
	}
	full = false
	for i := range ds {
		ds[i].Err = nil
	}
	appendAll(t, s, ds...) // the same drafts again
	wantNext(t, s, "T", 0, 0, 2)
	wantNext(t, s, "%LMQ%a", 0, 0, 1)
	wantNext(t, s, "Batch", 0, 0, 5)
	b, err := s.Record(ds[0].LogOffset, nil)
	if err != nil {
		t.Fatal(err)
	}
	var r record.Record
	if err := record.Decode(b, &r); err != nil {
		t.Fatal(err)
	}
	if got := string(r.Properties); got[:len(got)-record.CRCPropertySize] != "INNER_MULTI_DISPATCH\x01%LMQ%a,%LMQ%a\x02INNER_MULTI_QUEUE_OFFSET\x010,0\x02" {
		t.Errorf("properties %q", got)
	}
}
