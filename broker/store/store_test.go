package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

// memTopics are topics as a test sets them.
type memTopics struct {
	mu    sync.Mutex // guards both
	batch map[string]bool
	birth map[string]int64
}

func (t *memTopics) BatchQueue(topic string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.batch[topic]
}

func (t *memTopics) Birth(topic string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.birth[topic]
}

func (t *memTopics) setBirth(topic string, logOffset int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.birth[topic] = logOffset
}

// memOptions are those of a store in memory with small files, which does nothing by the clock.
func memOptions(t testing.TB, fsys vfs.FS) Options {
	return Options{
		FS: fsys, Root: "store", Log: commitlog.Options{SegmentSize: 16 << 10, FlushInterval: time.Hour, CRCProperty: true},
		QueueFile: 400, BatchFile: 460, ExtFile: 1024, IndexSlots: 97, IndexEntries: 400, DelayLevels: peerDelays,
		Topics:             &memTopics{batch: map[string]bool{"Batch": true}, birth: map[string]int64{}},
		CheckpointInterval: time.Hour, IndexInterval: time.Hour, CleanInterval: time.Hour, Logger: testLogger(t),
	}
}

// killed is what the process that had mem leaves to the next one.
func killed(s *Store, mem *vfs.Mem) *vfs.Mem {
	left := mem.Kill()
	s.Close() // of no effect but to end its goroutines
	return left
}

// contents describes all that can be read of a store: every unit of every queue.
func contents(t testing.TB, s *Store, queues ...string) map[string][]consumequeue.Unit {
	t.Helper()
	all := make(map[string][]consumequeue.Unit)
	for _, name := range queues {
		for id := range int32(3) {
			all[fmt.Sprintf("%s/%d", name, id)] = readAll(t, s.Queue(name, id))
		}
	}
	return all
}

func wantNext(t testing.TB, s *Store, topic string, id int32, lowest, next int64) {
	t.Helper()
	if l, n := s.Queue(topic, id).Bounds(); l != lowest || n != next {
		t.Errorf("%s/%d holds [%d,%d), expected [%d,%d)", topic, id, l, n, lowest, next)
	}
}

func TestAMessageIsFoundByPlaceByIdAndByKey(t *testing.T) {
	s := mustOpen(t, memOptions(t, vfs.NewMem()))
	d := appendTo(t, s, "T", 1, "KEYS\x01one two\x02TAGS\x01red\x02UNIQ_KEY\x01u1\x02")
	us := readAll(t, s.Queue("T", 1))
	if len(us) != 1 || us[0] != (consumequeue.Unit{LogOffset: d.LogOffset, Size: d.Size, TagCode: record.TagCode([]byte("red"))}) {
		t.Fatalf("units %+v of draft %+v", us, d)
	}
	if _, err := s.Record(d.LogOffset, nil); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		key  string
		kind KeyKind
		want int
	}{
		{"one", UserKey, 1}, {"two", UserKey, 1}, {"two", AnyKey, 1}, {"u1", AnyKey, 1}, {"u1", UniqueKey, 1}, {"red", TagKey, 1},
		{"one two", UserKey, 0}, {"u1", UserKey, 0}, {"one", UniqueKey, 0}, {"red", UserKey, 0}, {"", UserKey, 0},
	} {
		if found, err := s.Query("T", c.key, c.kind, 0, math.MaxInt64, 10); len(found) != c.want || err != nil {
			t.Errorf("%q of kind %d: %d found, %v; expected %d", c.key, c.kind, len(found), err, c.want)
		}
	}
	if found, err := s.Query("T", "one", UserKey, d.StoreTimestamp+1, math.MaxInt64, 10); len(found) != 0 || err != nil {
		t.Errorf("a query from after the message on: %d found, %v", len(found), err)
	}
}

func TestAQueryLooksBehindRecordsThatOnlyShareTheHash(t *testing.T) {
	s := mustOpen(t, memOptions(t, vfs.NewMem()))
	wanted := appendTo(t, s, "T", 0, "KEYS\x01Aa\x02")
	for range 5 {
		appendTo(t, s, "T", 0, "KEYS\x01BB\x02") // has the hash of Aa
	}
	if found, err := s.Query("T", "Aa", UserKey, 0, math.MaxInt64, 2); err != nil || len(found) != 1 || found[0].LogOffset != wanted.LogOffset {
		t.Errorf("found %d, %v", len(found), err)
	}
}

func TestQueueOffsetsGoOnWhereTheyWereAfterEveryKindOfStop(t *testing.T) {
	mem := vfs.NewMem()
	o := memOptions(t, mem)
	s := mustOpen(t, o)
	for range 3 {
		appendTo(t, s, "T", 0, "")
	}
	mustClose(t, s)
	s = mustOpen(t, o)
	if d := appendTo(t, s, "T", 0, ""); d.QueueOffset != 3 {
		t.Errorf("queue offset %d after a clean stop, expected 3", d.QueueOffset)
	}
	mem = killed(s, mem)
	o.FS = mem
	s = mustOpen(t, o)
	if s.Recovery().Clean || s.Recovery().Foreign {
		t.Errorf("recovery %+v, expected an unclean one of our own", s.Recovery())
	}
	if d := appendTo(t, s, "T", 0, ""); d.QueueOffset != 4 {
		t.Errorf("queue offset %d after a kill, expected 4", d.QueueOffset)
	}
	mem = killed(s, mem)
	o.FS = mem
	for _, gone := range []string{"store/consumequeue", "store/gantry.queues", "store/gantry.checkpoint"} {
		if err := mem.RemoveAll(gone); err != nil {
			t.Fatal(err)
		}
	}
	s = mustOpen(t, o)
	if d := appendTo(t, s, "T", 0, ""); d.QueueOffset != 5 {
		t.Errorf("queue offset %d after a rebuild, expected 5", d.QueueOffset)
	}
	wantNext(t, s, "T", 0, 0, 6)
}

// The state on disk must never speak of more than there is. Two quick deaths in a row used to be enough: the second run appended
// beyond what the first had noted, and what it had in memory of that was neither durable nor read again.
func TestTheStateOfBeforeACutIsNotBelievedAfterIt(t *testing.T) {
	for _, cut := range []string{"power", "truncate"} {
		t.Run(cut, func(t *testing.T) {
			mem := vfs.NewMem()
			o := memOptions(t, mem)
			s := mustOpen(t, o)
			first := appendTo(t, s, "T", 0, "KEYS\x01k\x02")
			if err := s.Log.Flush(); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				appendTo(t, s, "T", 0, "KEYS\x01k\x02")
			}
			if err := s.checkpoint(true, false); err != nil {
				t.Fatal(err)
			}
			if cut == "truncate" {
				if err := s.Truncate(first.LogOffset + int64(first.Size)); err != nil {
					t.Fatal(err)
				}
			} else {
				// The log loses its end, as with a disk that lied about its flush.
				mem = killed(s, mem)
				f, err := mem.Open("store/commitlog/00000000000000000000")
				if err != nil {
					t.Fatal(err)
				}
				if err := f.ZeroRange(int64(first.Size), 8000); err != nil {
					t.Fatal(err)
				}
				f.Close()
				o.FS = mem
				s = mustOpen(t, o)
			}
			wantNext(t, s, "T", 0, 0, 1)
			for range 30 {
				appendTo(t, s, "T", 0, "KEYS\x01k\x02")
			}
			mem = killed(s, mem)
			o.FS = mem
			s = mustOpen(t, o)
			wantNext(t, s, "T", 0, 0, 31)
			if n := s.Unqueued(); n != 0 {
				t.Errorf("%d messages not queued", n)
			}
			if found, err := s.Query("T", "k", UserKey, 0, math.MaxInt64, 100); len(found) != 31 || err != nil {
				t.Errorf("%d found by key, %v; expected 31", len(found), err)
			}
		})
	}
}

func TestTruncateTakesQueuesAndIndexBackAndNumbersGoOnThere(t *testing.T) {
	o := memOptions(t, vfs.NewMem())
	o.MultiDispatch, o.QueueExt = true, true
	s := mustOpen(t, o)
	var ds []record.Draft
	for i := range 60 {
		d := draftTo(s, "T", int32(i%3), "KEYS\x01k\x02TAGS\x01red\x02INNER_MULTI_DISPATCH\x01%LMQ%a\x02")
		if i%5 == 4 {
			d, _ = innerBatch(s, "Batch", 0, 4)
		}
		ds = append(ds, appendAll(t, s, d)...)
	}
	for _, keep := range []int{60, 41, 17, 0} {
		to := int64(0)
		if keep > 0 {
			to = ds[keep-1].LogOffset + int64(ds[keep-1].Size)
		}
		if err := s.Truncate(to); err != nil {
			t.Fatal(err)
		}
		next := map[string]int64{}
		for _, d := range ds[:keep] {
			count := int64(1)
			if d.Topic == "Batch" {
				count = 4
			} else {
				next["%LMQ%a/0"]++
			}
			next[fmt.Sprintf("%s/%d", d.Topic, d.QueueID)] += count
		}
		for _, q := range []*Queue{s.Queue("T", 0), s.Queue("T", 1), s.Queue("T", 2), s.Queue("Batch", 0), s.Queue("%LMQ%a", 0)} {
			name := fmt.Sprintf("%s/%d", q.Topic, q.ID)
			if _, n := q.Bounds(); n != next[name] || q.next != n {
				t.Errorf("%d kept: %s goes on at %d (%d for the next message), expected %d", keep, name, n, q.next, next[name])
			}
		}
		found, err := s.Query("T", "k", UserKey, 0, math.MaxInt64, 100)
		if want := int(next["%LMQ%a/0"]); len(found) != want || err != nil {
			t.Errorf("%d kept: %d found by key, %v; expected %d", keep, len(found), err, want)
		}
		if keep > 0 {
			q := s.Queue("T", 0)
			for _, u := range readAll(t, q) {
				if code, err := s.TagCode(q, u.TagCode); code != record.TagCode([]byte("red")) || err != nil {
					t.Fatalf("tag code %d, %v", code, err)
				}
			}
		}
	}
}

func TestTruncateRefusesWhatIsNoBorderAndChangesNothing(t *testing.T) {
	s := mustOpen(t, memOptions(t, vfs.NewMem()))
	d := appendTo(t, s, "T", 0, "")
	appendTo(t, s, "T", 0, "")
	if err := s.Truncate(d.LogOffset + 10); !errors.Is(err, commitlog.ErrNotBorder) {
		t.Errorf("got %v", err)
	}
	if err := s.Truncate(s.Log.Max() + 1); !errors.Is(err, commitlog.ErrOutOfRange) {
		t.Errorf("got %v", err)
	}
	appendTo(t, s, "T", 0, "")
	wantNext(t, s, "T", 0, 0, 3)
}

func TestAReplicaOfRawBytesHasTheQueuesOfTheOriginal(t *testing.T) {
	o := memOptions(t, vfs.NewMem())
	o.MultiDispatch = true
	s := mustOpen(t, o)
	for i := range 100 {
		d := draftTo(s, "T", int32(i%3), "KEYS\x01k"+itoa(int64(i))+"\x02TAGS\x01red\x02INNER_MULTI_DISPATCH\x01%LMQ%a,%LMQ%b\x02")
		if i%9 == 4 {
			d, _ = innerBatch(s, "Batch", 0, 4)
		}
		appendAll(t, s, d)
	}
	o.FS = vfs.NewMem()
	r := mustOpen(t, o)
	for at := int64(0); at < s.Log.Max(); {
		v, err := s.Log.ViewUpTo(at, math.MaxInt64, 333) // pieces that cut records anywhere
		if err != nil {
			t.Fatal(err)
		}
		if err := r.AppendRaw(at, v.Bytes()); err != nil {
			t.Fatal(err)
		}
		at += int64(len(v.Bytes()))
		v.Release()
		if err := r.dispatcher.catchUp(); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"T", "%LMQ%a", "%LMQ%b"}
	if want, got := contents(t, s, names...), contents(t, r, names...); !maps.EqualFunc(want, got, slices.Equal) {
		t.Errorf("queues differ: %v, expected %v", got, want)
	}
	wantNext(t, r, "Batch", 0, 0, 44)
	r.Renumber()
	want, got := appendTo(t, s, "T", 0, ""), appendTo(t, r, "T", 0, "")
	if want.QueueOffset != got.QueueOffset || want.LogOffset != got.LogOffset {
		t.Errorf("as a master it stores at %d/%d, the original at %d/%d", got.LogOffset, got.QueueOffset, want.LogOffset, want.QueueOffset)
	}
}

func TestADeletedTopicStartsAtZeroAndStaysSoAfterARebuild(t *testing.T) {
	mem := vfs.NewMem()
	o := memOptions(t, mem)
	topics := o.Topics.(*memTopics)
	s := mustOpen(t, o)
	old := appendTo(t, s, "T", 0, "KEYS\x01k\x02")
	for range 4 {
		appendTo(t, s, "T", 0, "KEYS\x01k\x02")
	}
	held := s.Queue("T", 0)
	topics.setBirth("T", s.Log.Max())
	if err := s.DeleteTopic("T"); err != nil {
		t.Fatal(err)
	}
	d := draftTo(s, "T", 0, "")
	d.Queue = held
	if err := s.Append([]record.Draft{d}); err != nil {
		t.Fatal(err)
	}
	ds := []record.Draft{d}
	if _ = s.Append(ds); !errors.Is(ds[0].Err, ErrNoTopic) {
		t.Errorf("a message for a queue of the deleted topic: %v", ds[0].Err)
	}
	for range 2 {
		appendTo(t, s, "T", 0, "KEYS\x01k\x02")
	}
	check := func() {
		t.Helper()
		wantNext(t, s, "T", 0, 0, 2)
		if found, err := s.Query("T", "k", UserKey, 0, math.MaxInt64, 10); len(found) != 2 || err != nil {
			t.Errorf("%d found by key, %v; expected 2", len(found), err)
		}
		if _, err := s.Record(old.LogOffset, nil); !errors.Is(err, ErrNoTopic) {
			t.Errorf("a record of the deleted topic: %v", err)
		}
	}
	check()
	mem = killed(s, mem)
	o.FS = mem
	for _, gone := range []string{"store/consumequeue", "store/index", "store/gantry.queues", "store/gantry.checkpoint"} {
		if err := mem.RemoveAll(gone); err != nil {
			t.Fatal(err)
		}
	}
	s = mustOpen(t, o)
	check()
}

func TestRetentionKeepsWhatAFollowerNeedsAndSaysSo(t *testing.T) {
	mem := vfs.NewMem()
	o := memOptions(t, mem)
	slow := &testFollower{}
	o.Followers = []Follower{slow}
	o.Retention = commitlog.Retention{Age: time.Hour, Clean: 0.01, Force: 0.02, Refuse: 0.03, Forced: true, PerPass: 10}
	s := mustOpen(t, o)
	for i := range 600 {
		appendTo(t, s, "T", int32(i%2), "KEYS\x01k\x02")
	}
	if err := s.checkpoint(true, false); err != nil {
		t.Fatal(err)
	}
	mem.SetCapacity(4 << 20)
	slow.needs.Store(s.Log.SegmentSize() + 100)
	if n, err := s.Clean(false); n != 1 || err != nil {
		t.Fatalf("%d segments went, %v; expected 1: the next one is needed", n, err)
	}
	if slow.retired.Load() != s.Log.Min() {
		t.Errorf("the follower heard of %d, the log begins at %d", slow.retired.Load(), s.Log.Min())
	}
	mem.SetCapacity(256 << 10)
	if n, err := s.Clean(false); n != 0 || err != nil {
		t.Fatalf("%d segments went, %v", n, err)
	}
	ds := []record.Draft{draftTo(s, "T", 0, "")}
	if err := s.Append(ds); !errors.Is(err, commitlog.ErrRefused) || !strings.Contains(err.Error(), "slow still needs") {
		t.Errorf("the disk is full and a follower keeps it so: %v", err)
	}
	mem.SetCapacity(1 << 40)
	slow.needs.Store(math.MaxInt64)
	if _, err := s.Clean(false); err != nil {
		t.Fatal(err)
	}
	appendTo(t, s, "T", 0, "")

	// A queue whose last message goes with the log does not start at 0 again, a restart without its files included.
	appendTo(t, s, "Once", 0, "")
	for s.Log.Max() < 12*s.Log.SegmentSize() {
		appendTo(t, s, "T", 0, "")
	}
	if err := s.checkpoint(true, false); err != nil {
		t.Fatal(err)
	}
	mem.SetCapacity(1 << 20)
	if _, err := s.Clean(true); err != nil {
		t.Fatal(err)
	}
	mem.SetCapacity(1 << 40)
	wantNext(t, s, "Once", 0, 1, 1)
	mem = killed(s, mem)
	o.FS = mem
	if err := mem.RemoveAll("store/consumequeue"); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	wantNext(t, s, "Once", 0, 1, 1)
	if lowest, _ := s.Queue("T", 0).Bounds(); lowest == 0 {
		t.Error("a queue begins at 0 although the log doesn't")
	}
	if d := appendTo(t, s, "Once", 0, ""); d.QueueOffset != 1 {
		t.Errorf("queue offset %d, expected 1", d.QueueOffset)
	}
}

func TestOneDirectoryHasOneStore(t *testing.T) {
	o := memOptions(t, vfs.NewMem())
	mustOpen(t, o)
	if _, err := Open(o); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("a second store on the directory: %v", err)
	}
}

func TestADirectoryThatCannotBeWrittenIsAClearError(t *testing.T) {
	refuse := func(op vfs.Op) error {
		if op.Kind.Changes() {
			return fs.ErrPermission
		}
		return nil
	}
	_, err := Open(memOptions(t, vfs.Fault(vfs.NewMem(), refuse)))
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "store") {
		t.Errorf("got %v", err)
	}
}

func TestFilesOfAnotherSizeAreRefusedWithTheirNameAndBothSizes(t *testing.T) {
	mem := vfs.NewMem()
	o := memOptions(t, mem)
	s := mustOpen(t, o)
	for range 50 {
		appendTo(t, s, "T", 0, "KEYS\x01k\x02")
	}
	mustClose(t, s)
	for name, change := range map[string]func(*Options){
		"commitlog/00000000000000000000":      func(o *Options) { o.Log.SegmentSize *= 2 },
		"consumequeue/T/0/000000000000000000": func(o *Options) { o.QueueFile *= 2 },
		"index/":                              func(o *Options) { o.IndexEntries *= 2 },
	} {
		other := o
		change(&other)
		if _, err := Open(other); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s = mustOpen(t, o) // and none of them did any harm
	wantNext(t, s, "T", 0, 0, 50)
}

func TestADamagedStateFileCostsTimeNotMessages(t *testing.T) {
	for name, damage := range map[string]string{"torn": "{\"format\":1", "other format": "", "empty": "\n"} {
		t.Run(name, func(t *testing.T) {
			mem := vfs.NewMem()
			o := memOptions(t, mem)
			s := mustOpen(t, o)
			for range 30 {
				appendTo(t, s, "T", 0, "KEYS\x01k\x02")
			}
			if err := s.checkpoint(true, false); err != nil {
				t.Fatal(err)
			}
			mem = killed(s, mem)
			o.FS = mem
			if damage == "" {
				damage = string(state{Format: 99}.encode())
			}
			if err := vfs.WriteFileAtomic(mem, "store/"+stateName, []byte(damage)); err != nil {
				t.Fatal(err)
			}
			s = mustOpen(t, o)
			if !s.Recovery().Foreign {
				t.Error("a damaged state was believed")
			}
			wantNext(t, s, "T", 0, 0, 30)
			if found, err := s.Query("T", "k", UserKey, 0, math.MaxInt64, 100); len(found) != 30 || err != nil {
				t.Errorf("%d found by key, %v", len(found), err)
			}
		})
	}
}

// A Java broker that ran in between has changed its checkpoint: what our state says of queues and index is no longer so.
func TestAForeignCheckpointMakesTheStateCountForNothing(t *testing.T) {
	mem := vfs.NewMem()
	o := memOptions(t, mem)
	s := mustOpen(t, o)
	for range 30 {
		appendTo(t, s, "T", 0, "KEYS\x01k\x02")
	}
	mustClose(t, s)
	c, err := commitlog.ReadCheckpoint(mem, "store/checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	c.LogTimestamp++
	if err := commitlog.WriteCheckpoint(mem, "store/checkpoint", c); err != nil {
		t.Fatal(err)
	}
	// The state claims more than the queues have.
	if err := mem.RemoveAll("store/consumequeue/T"); err != nil {
		t.Fatal(err)
	}
	if err := mem.RemoveAll("store/gantry.queues"); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, o)
	if r := s.Recovery(); !r.Foreign || !r.Clean {
		t.Errorf("recovery %+v, expected foreign and clean", r)
	}
	wantNext(t, s, "T", 0, 0, 30)
}

func TestAReadOnlyStoreTakesNothingAndLeavesTheAbortFileAlone(t *testing.T) {
	mem := vfs.NewMem()
	o := memOptions(t, mem)
	s := mustOpen(t, o)
	appendTo(t, s, "T", 0, "")
	mem = killed(s, mem)
	o.FS = mem
	r := o
	r.ReadOnly = true
	s = mustOpen(t, r)
	wantNext(t, s, "T", 0, 0, 1)
	ds := []record.Draft{draftTo(s, "T", 0, "")}
	if err := s.Append(ds); !errors.Is(err, ErrReadOnly) {
		t.Errorf("append: %v", err)
	}
	mustClose(t, s)
	s = mustOpen(t, o)
	if s.Recovery().Clean {
		t.Error("looking at a store has made its stop a clean one")
	}
	wantNext(t, s, "T", 0, 0, 1)
}

func TestAnIdleStoreWritesNothing(t *testing.T) {
	changes := 0
	fsys := vfs.Fault(vfs.NewMem(), func(op vfs.Op) error {
		if op.Kind.Changes() && op.Kind != vfs.OpDatasync {
			changes++
		}
		return nil
	})
	s := mustOpen(t, memOptions(t, fsys))
	appendTo(t, s, "T", 0, "KEYS\x01k\x02")
	for range 2 {
		if err := s.checkpoint(true, false); err != nil {
			t.Fatal(err)
		}
	}
	changes = 0
	if err := s.checkpoint(true, false); err != nil || changes != 0 {
		t.Errorf("%d changes of files by a checkpoint without anything new, %v", changes, err)
	}
}
