package inspect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const segmentSize = 4 << 10

type storeTopics map[string]bool

func (t storeTopics) BatchQueue(topic string) bool { return t[topic] }
func (storeTopics) Birth(string) int64             { return 0 }

// sample is a copy of the store that build makes.
func sample(t *testing.T) *vfs.Mem {
	t.Helper()
	built.Do(func() { original = filesOf(t, build(t), "store", map[string][]byte{}) })
	mem := vfs.NewMem()
	for name, content := range original {
		create(t, mem, name, content)
	}
	return mem
}

var (
	built    sync.Once
	original map[string][]byte
)

func filesOf(t *testing.T, mem *vfs.Mem, dir string, all map[string][]byte) map[string][]byte {
	t.Helper()
	entries, err := mem.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			filesOf(t, mem, name, all)
		} else if all[name], err = vfs.ReadFile(mem, name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func create(t *testing.T, mem *vfs.Mem, name string, content []byte) {
	t.Helper()
	if err := mem.MkdirAll(path.Dir(name)); err != nil {
		t.Fatal(err)
	}
	f, err := mem.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
}

// build makes a store that a broker has closed: 100 messages in two queues of "orders", each third in the light queue "%LMQ%x", two
// inner batches and a single message in "batches"; queue files of 20 units.
func build(t *testing.T) *vfs.Mem {
	t.Helper()
	mem := vfs.NewMem()
	s, err := store.Open(store.Options{
		FS: mem, Root: "store", Log: commitlog.Options{SegmentSize: segmentSize, CRCProperty: true}, QueueFile: 400, BatchFile: 460, NoIndex: true,
		MultiDispatch: true, Topics: storeTopics{"batches": true}, CheckpointInterval: time.Hour, CleanInterval: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	var ds []record.Draft
	for i := range 100 {
		props := record.AppendProperty(nil, record.PropTags, fmt.Sprintf("tag%d", i%5))
		if i%3 == 0 {
			props = record.AppendProperty(props, record.PropMultiDispatch, "%LMQ%x")
		}
		q := s.Queue("orders", int32(i%2))
		ds = append(ds, record.Draft{Topic: "orders", QueueID: q.ID, Body: fmt.Appendf(nil, "message %d", i), Properties: props, Queue: q})
	}
	for i := range 3 {
		q := s.Queue("batches", 0)
		d := record.Draft{Topic: "batches", Body: []byte("batch"), Queue: q}
		if i != 1 {
			d.SysFlag, d.MoreProperties = record.SysInnerBatch|record.SysNeedUnwrap, record.AppendProperty(nil, record.PropInnerNum, "3")
		}
		ds = append(ds, d)
	}
	if err := s.Append(ds); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	create(t, mem, "store/config/topics.json", []byte(`{"topicConfigTable":{"batches":{"attributes":{"queue.type":"BatchCQ"}}}}`))
	return mem
}

func openSample(t *testing.T, mem *vfs.Mem) *Log {
	t.Helper()
	l, err := OpenLog(mem, []string{"store/commitlog"}, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func verify(t *testing.T, mem *vfs.Mem) *Report {
	t.Helper()
	r, err := Verify(mem, "store", openSample(t, mem), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// change replaces bytes of a file.
func change(t *testing.T, mem *vfs.Mem, name string, at int64, edit func([]byte), n int) {
	t.Helper()
	f, err := mem.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, n)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	edit(b)
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func flip(b []byte) { b[0] ^= 1 }
func wipe(b []byte) { clear(b) }

func TestAStoreInOrderHasNoProblems(t *testing.T) {
	mem := sample(t)
	var done int64
	r, err := Verify(mem, "store", openSample(t, mem), func(n int64) { done = n })
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Errorf("%s: %s", p.Where, p.What)
	}
	if !r.Clean || r.Stats.Records != 103 || r.Units != 100+34+2 || len(r.Stats.Queues) != 3 || done != r.Stats.End.Offset-r.Stats.Min {
		t.Errorf("clean %v, %d records of %d queues, %d units, %d of %d bytes", r.Clean, r.Stats.Records, len(r.Stats.Queues), r.Units, done, r.Stats.End.Offset)
	}
	for _, q := range r.Stats.Queues[1:] {
		if q.Topic != "orders" || q.Records != 50 || q.First != 0 || q.Last != 49 || q.Earliest == 0 || q.Latest < q.Earliest {
			t.Errorf("%+v", q)
		}
	}
}

// place is where the log has a message of "orders".
func place(t *testing.T, mem *vfs.Mem, id int32, queueOffset int64) (file string, at int64, r record.Record) {
	t.Helper()
	found := errors.New("found")
	_, err := openSample(t, mem).Scan(0, func(f *Found) error {
		if string(f.Topic) == "orders" && f.QueueID == id && f.QueueOffset == queueOffset {
			file, at, r = f.Segment, f.Offset%segmentSize, f.Record
			return found
		}
		return nil
	}, nil)
	if err != found {
		t.Fatalf("no message %d in queue %d: %v", queueOffset, id, err)
	}
	return file, at, r
}

const (
	queue0 = "store/consumequeue/orders/0/"
	file1  = queue0 + "00000000000000000000" // units 0 … 19
	file2  = queue0 + "00000000000000000400"
	file3  = queue0 + "00000000000000000800" // units 40 … 49
	light  = "store/consumequeue/%LMQ%x/0/00000000000000000000"
	batch  = "store/batchconsumequeue/batches/0/00000000000000000000"
)

func TestEveryKindOfDamageIsFound(t *testing.T) {
	in := func(queueOffset, skip int64, edit func([]byte), n int) func(*testing.T, *vfs.Mem) {
		return func(t *testing.T, mem *vfs.Mem) {
			file, at, _ := place(t, mem, 0, queueOffset)
			change(t, mem, file, at+skip, edit, n)
		}
	}
	unit := func(file string, i, skip int64, edit func([]byte), n int) func(*testing.T, *vfs.Mem) {
		return func(t *testing.T, mem *vfs.Mem) { change(t, mem, file, 20*i+skip, edit, n) }
	}
	remove := func(name string) func(*testing.T, *vfs.Mem) {
		return func(t *testing.T, mem *vfs.Mem) {
			if err := mem.RemoveAll(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		damage      func(*testing.T, *vfs.Mem)
		where, what string
	}{
		"a bit of a body":           {in(20, 88+2, flip, 1), "commitlog", "CRC"},
		"a bit of a queue offset":   {in(20, 27, flip, 1), "commitlog/", "CRC"},
		"a bit of a magic":          {in(20, 4, flip, 1), "commitlog", "magic"},
		"a bit of a size":           {in(20, 2, flip, 1), "commitlog", "ends at"},
		"a wiped record":            {in(20, 0, wipe, 100), "commitlog", "nothing is written"},
		"a segment that is missing": {remove("store/commitlog/00000000000000008192"), "commitlog", "00000000000000008192 is missing"},
		"a segment that is cut": {func(t *testing.T, mem *vfs.Mem) {
			f, err := mem.Open("store/commitlog/00000000000000008192")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := f.Truncate(1000); err != nil {
				t.Fatal(err)
			}
		}, "commitlog", "ends at"},

		"a unit's log offset":  {unit(file1, 5, 7, flip, 1), file1 + " at 100", "log offset"},
		"a unit's size":        {unit(file1, 5, 11, flip, 1), file1 + " at 100", "the unit says"},
		"a unit's tag code":    {unit(file1, 5, 19, flip, 1), file1 + " at 100", "tag code"},
		"a unit that is wiped": {unit(file1, 5, 0, wipe, 20), file1 + " at 100", "has no unit"},
		"the first one":        {unit(file1, 0, 0, wipe, 20), file1 + " at 0", "has no unit"},
		"the last one":         {unit(file3, 9, 0, wipe, 20), queue0[:len(queue0)-1], "has no unit for the record"},
		"the last of a file":   {unit(file2, 19, 0, wipe, 20), file2 + " at 380", "later ones in " + file3},
		"a unit that comes twice": {func(t *testing.T, mem *vfs.Mem) {
			change(t, mem, file1, 100, func(b []byte) { copy(b[20:], b[:20]) }, 40)
		}, file1 + " at 120", "after"},
		"units in the wrong order": {func(t *testing.T, mem *vfs.Mem) {
			change(t, mem, file1, 100, func(b []byte) { copy(b, append(bytes.Clone(b[20:]), b[:20]...)) }, 40)
		}, file1 + " at 100", "queue offset"},
		"a unit of another queue": {func(t *testing.T, mem *vfs.Mem) {
			_, _, r := place(t, mem, 1, 5)
			change(t, mem, file1, 100, func(b []byte) {
				copy(b, consumequeue.AppendUnit(nil, consumequeue.Unit{LogOffset: r.LogOffset, Size: r.Size}))
			}, 20)
		}, file1 + " at 100", "is of orders/1"},
		"a unit behind the log": {unit(file3, 10, 0, func(b []byte) {
			copy(b, consumequeue.AppendUnit(nil, consumequeue.Unit{LogOffset: 1 << 40, Size: 100}))
		}, 20), file3 + " at 200", "behind the end of the log"},
		"a queue file that is missing": {remove(file2), file3, "missing"},
		"the first file":               {remove(file1), queue0[:len(queue0)-1], "30 units for the 50 records"},
		"a queue that is missing":      {remove(queue0[:len(queue0)-1]), queue0[:len(queue0)-1], "50 records"},

		"a light queue's unit":      {unit(light, 5, 7, flip, 1), light, "log offset"},
		"a foreign unit in it":      {func(t *testing.T, mem *vfs.Mem) { copyUnit(t, mem, file1, 2, light, 1) }, light + " at 20", "is of orders/0"},
		"a batch unit's count":      {func(t *testing.T, mem *vfs.Mem) { change(t, mem, batch, 37, flip, 1) }, batch + " at 0", "has 3 messages"},
		"a batch unit's base":       {func(t *testing.T, mem *vfs.Mem) { change(t, mem, batch, 46+35, flip, 1) }, batch + " at 46", "has queue offset 3"},
		"a batch unit that is gone": {func(t *testing.T, mem *vfs.Mem) { change(t, mem, batch, 46, wipe, 46) }, "store/batchconsumequeue/batches/0", "has no unit"},

		"the table of births": {func(t *testing.T, mem *vfs.Mem) { create(t, mem, "store/config/topicBirths.json", []byte("{")) }, "topicBirths.json", "not readable"},
	} {
		t.Run(name, func(t *testing.T) {
			mem := sample(t)
			test.damage(t, mem)
			r := verify(t, mem)
			for _, p := range r.Problems {
				if strings.Contains(p.Where, test.where) && strings.Contains(p.What, test.what) {
					return
				}
			}
			t.Errorf("expected %q: %q among %d problems", test.where, test.what, len(r.Problems))
			for _, p := range r.Problems[:min(5, len(r.Problems))] {
				t.Logf("%s: %s", p.Where, p.What)
			}
		})
	}
}

func copyUnit(t *testing.T, mem *vfs.Mem, from string, i int64, to string, k int64) {
	t.Helper()
	var u [20]byte
	change(t, mem, from, 20*i, func(b []byte) { copy(u[:], b) }, 20)
	change(t, mem, to, 20*k, func(b []byte) { copy(b, u[:]) }, 20)
}

func TestAStoreThatWasNotClosedMayHaveEndsThatDiffer(t *testing.T) {
	mem := sample(t)
	create(t, mem, "store/abort", nil)
	change(t, mem, file3, 180, wipe, 20)                                                               // a unit that wasn't written yet
	change(t, mem, file3, 200, func(b []byte) { binary.BigEndian.PutUint64(b, 1<<40); b[11] = 1 }, 20) // one of a record that was lost
	r := verify(t, mem)
	if r.Clean {
		t.Error("it was closed in order")
	}
	for _, p := range r.Problems {
		t.Errorf("%s: %s", p.Where, p.What)
	}
	// A torn end is cut off at the next start; what lies behind it in another segment would be lost.
	file, at, _ := place(t, mem, 1, 49)
	change(t, mem, file, at+95, flip, 1)
	if r := verify(t, mem); r.Stats.End.Reason == "" {
		t.Error("the torn end isn't mentioned")
	}
	if err := mem.Remove("store/commitlog/00000000000000008192"); err != nil {
		t.Fatal(err)
	}
	r = verify(t, mem)
	if len(r.Problems) == 0 || !strings.Contains(r.Problems[0].What, "is missing") {
		t.Errorf("a missing segment: %+v", r.Problems)
	}
}

func TestRecordsOfADeletedTopicNeedNoQueue(t *testing.T) {
	mem := sample(t)
	if err := mem.RemoveAll("store/consumequeue/orders"); err != nil {
		t.Fatal(err)
	}
	create(t, mem, "store/config/topicBirths.json", []byte("{\n\t\"crc32c\":\"00000000\",\n\t\"births\": {\"orders\": 1000000}\n}\n"))
	if r := verify(t, mem); len(r.Problems) != 0 {
		t.Errorf("%+v", r.Problems)
	}
}

func TestAReportNamesTheFirstThousandProblems(t *testing.T) {
	var r Report
	for range mostProblems + 5 {
		r.add("x", "y")
	}
	if len(r.Problems) != mostProblems || r.Dropped != 5 {
		t.Errorf("%d problems, %d dropped", len(r.Problems), r.Dropped)
	}
}

func TestALogIsReadFromAnyRecordOn(t *testing.T) {
	mem := sample(t)
	l := openSample(t, mem)
	_, _, r := place(t, mem, 1, 40)
	n := 0
	end, err := l.Scan(r.LogOffset, func(*Found) error { n++; return nil }, nil)
	if err != nil || end.Reason != "" || n != 100-81+3 {
		t.Errorf("%d records, end %+v, %v", n, end, err)
	}
	if end, err := l.Scan(r.LogOffset+1, func(*Found) error { return nil }, nil); err != nil || end.Offset != r.LogOffset+1 || end.Reason == "" {
		t.Errorf("within a record: %+v %v", end, err)
	}
	stop := errors.New("enough")
	if _, err := l.Scan(0, func(*Found) error { return stop }, nil); err != stop {
		t.Errorf("%v", err)
	}
}

func TestCountCountsWhatTheLogHolds(t *testing.T) {
	mem := sample(t)
	l := openSample(t, mem)
	s, err := Count(l, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Records != 103 || int64(s.Segments)*segmentSize != l.Size() || s.Min != 0 || s.End.Offset > l.Size() {
		t.Errorf("%+v", s)
	}
	if q := s.Queues[0]; q.Topic != "batches" || q.Records != 3 || q.Last != 3 {
		t.Errorf("%+v", q)
	}
}

func TestAnEmptyDirectoryIsAnEmptyLog(t *testing.T) {
	mem := vfs.NewMem()
	l := openSample(t, mem)
	if r, err := Verify(mem, "store", l, nil); err != nil || len(r.Problems) > 0 || l.Min() != 0 || l.Size() != 0 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	mem := sample(t)
	broken := errors.New("I/O error")
	for _, part := range []string{"commitlog", "consumequeue/orders", "abort", "topics.json", "gantry.checkpoint"} {
		fsys := vfs.Fault(mem, func(op vfs.Op) error {
			if strings.Contains(op.Name, part) {
				return broken
			}
			return nil
		})
		l, err := OpenLog(fsys, []string{"store/commitlog"}, math.MaxInt64)
		if err == nil {
			_, err = Verify(fsys, "store", l, nil)
			l.Close()
		}
		if !errors.Is(err, broken) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", part, err)
		}
	}
}
