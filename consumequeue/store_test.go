package consumequeue

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestRetentionRemovesWholeFilesButNeverTheLast(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs, FileSize: 400})
	q := s.Open("T", 0)
	appendUnits(t, q, 0, 95)
	must(t, s.Flush())

	must(t, s.SetMinLog(1999)) // unit 19, the last of the first file, is older
	wantBounds(t, q, 20, 95)
	if names := fileNames(t, fs, "/cq/T/0"); len(names) != 4 || names[0] != "00000000000000000400" {
		t.Fatalf("files %v, expected four from 400 on", names)
	}
	must(t, s.SetMinLog(5000))
	must(t, s.SetMinLog(10)) // it doesn't go back
	wantUnits(t, q, 50, 95)
	must(t, s.SetMinLog(1<<40))
	wantBounds(t, q, 95, 95)
	if names := fileNames(t, fs, "/cq/T/0"); len(names) != 1 || names[0] != "00000000000000001600" {
		t.Fatalf("files %v, expected the last one", names)
	}
	if n, err := q.Read(make([]Unit, 10), 90); n != 0 || err != nil {
		t.Fatalf("%d units, %v, expected none", n, err)
	}
	mustClose(t, s)
}

func TestTableOfBoundsIsSavedBeforeAFileIsRemoved(t *testing.T) {
	mem := vfs.NewMem()
	removed := 0
	fs := vfs.Fault(mem, func(op vfs.Op) error {
		if op.Kind != vfs.OpRemove {
			return nil
		}
		removed++
		b, err := vfs.ReadFile(mem, "/cq.bounds")
		must(t, err)
		table, err := decodeBounds(b)
		must(t, err)
		if table.minLog != 8000 || len(table.lines) != 1 || table.lines[0] != (boundsLine{queueName{"T", 0}, false, false, 80, 95, 9400, 1900}) {
			t.Fatalf("table %+v when %s is removed", table, op.Name)
		}
		return nil
	})
	s := mustOpen(t, Options{FS: fs, FileSize: 400})
	appendUnits(t, s.Open("T", 0), 0, 95)
	must(t, s.Flush())
	must(t, s.SetMinLog(8000))
	if removed != 4 {
		t.Fatalf("%d files removed, expected 4", removed)
	}
}

func TestEmptiedQueueNeverRestartsAtZero(t *testing.T) {
	for _, what := range []string{"as it is", "without its directory", "without all directories"} {
		for _, clean := range []bool{true, false} {
			t.Run(fmt.Sprint(what, clean), func(t *testing.T) {
				fs := vfs.NewMem()
				s := mustOpen(t, Options{FS: fs, FileSize: 400})
				appendUnits(t, s.Open("T", 0), 0, 95)
				appendUnits(t, s.Open("T", 1), 0, 105)
				must(t, s.SetMinLog(9800))
				mustClose(t, s)
				switch what {
				case "without its directory":
					must(t, fs.RemoveAll("/cq/T/0"))
				case "without all directories":
					must(t, fs.RemoveAll("/cq"))
				}
				s = mustOpen(t, Options{FS: fs, FileSize: 400, Clean: clean, DurableTo: 10_500, MinLog: 9800})
				if got, want := s.ReplayFrom() == 0, what == "without all directories"; got != want {
					t.Fatalf("replay from %d, %v lost", s.ReplayFrom(), s.Lost())
				}
				for i := int64(98); i < 105; i++ { // what the log has
					must(t, s.Open("T", 1).Append(i, unitAt(i)))
				}
				q := s.Open("T", 0)
				wantBounds(t, q, 95, 95)
				wantUnits(t, s.Open("T", 1), 98, 105)
				must(t, q.Append(95, unitAt(200)))
				must(t, s.Flush())
				wantBounds(t, q, 95, 96)
				wantErr(t, q.Append(99, unitAt(1000)), ErrGap)
			})
		}
	}
}

func TestEmptiedQueueMayGoOnBehindAGap(t *testing.T) {
	for _, at := range []int64{96, 110, 1000} {
		fs := vfs.NewMem()
		s := mustOpen(t, Options{FS: fs, FileSize: 400})
		q := s.Open("T", 0)
		appendUnits(t, q, 0, 95)
		must(t, s.SetMinLog(9500))
		appendUnits(t, q, at, at+30)
		wantUnits(t, q, at, at+30)
		wantErr(t, q.Append(at+31, unitAt(at+31)), ErrGap)
		mustClose(t, s)
		for _, clean := range []bool{true, false} {
			s = mustOpen(t, Options{FS: fs, FileSize: 400, Clean: clean, DurableTo: 1 << 40})
			wantUnits(t, s.Open("T", 0), at, at+30)
			mustClose(t, s)
		}
	}
}

func TestTruncate(t *testing.T) {
	for _, flushed := range []int64{0, 60, 95} {
		for _, to := range []int64{0, 1, 19, 20, 21, 40, 60, 61, 94, 95, 200} {
			t.Run(fmt.Sprint(flushed, to), func(t *testing.T) {
				fs := vfs.NewMem()
				s := mustOpen(t, Options{FS: fs, FileSize: 400})
				q := s.Open("T", 0)
				appendUnits(t, q, 0, flushed)
				must(t, s.Flush())
				appendUnits(t, q, flushed, 95)
				must(t, s.Truncate(100*to))
				left := min(to, 95)
				wantUnits(t, q, 0, left)

				// What is left is durable, what was cut is gone, and other messages may take its place.
				must(t, q.Append(left, Unit{LogOffset: 100*left + 7, Size: 1}))
				must(t, s.Flush())
				fs = fs.Kill()
				for _, clean := range []bool{false, true} {
					s = mustOpen(t, Options{FS: fs, FileSize: 400, Clean: clean, DurableTo: 1 << 40})
					wantBounds(t, s.Open("T", 0), 0, left+1)
					mustClose(t, s)
				}
			})
		}
	}
}

// TestTruncationBelowTheBeginOfTheLogTakesThatBack: the log hadn't given up what was announced.
func TestTruncationBelowTheBeginOfTheLogTakesThatBack(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs, FileSize: 400})
	q := s.Open("T", 0)
	appendUnits(t, q, 0, 95)
	must(t, s.SetMinLog(9000))
	must(t, s.Truncate(8500))
	wantBounds(t, q, 85, 85)
	appendUnits(t, q, 85, 89)
	wantUnits(t, q, 85, 89)
	must(t, s.Flush())
	s = mustOpen(t, Options{FS: fs.Kill(), FileSize: 400, DurableTo: 8900})
	wantUnits(t, s.Open("T", 0), 85, 89)
}

func TestTruncatedQueueThatBeganLateKeepsItsPlace(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs, FileSize: 400})
	appendUnits(t, s.Open("T", 0), 47, 95)
	must(t, s.Truncate(0))
	wantBounds(t, s.Open("T", 0), 47, 47)
	mustClose(t, s)
	s = mustOpen(t, Options{FS: fs, FileSize: 400, Clean: true})
	wantBounds(t, s.Open("T", 0), 47, 47)
	appendUnits(t, s.Open("T", 0), 47, 95)
	wantUnits(t, s.Open("T", 0), 47, 95)
}

func TestDeletedTopicBeginsAtZeroAgain(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs, FileSize: 400})
	old := s.Open("T", 0)
	appendUnits(t, old, 0, 95)
	appendUnits(t, s.Open("other", 0), 0, 5)
	must(t, s.Flush())
	appendUnits(t, old, 95, 98)
	must(t, s.DeleteTopic("T"))
	wantErr(t, old.Append(98, unitAt(98)), ErrDeleted)
	_, err := old.Read(make([]Unit, 1), 0)
	wantErr(t, err, ErrDeleted)
	if names := fileNames(t, fs, "/cq"); !slices.Equal(names, []string{"other"}) {
		t.Fatalf("directories %v, expected one", names)
	}
	wantBounds(t, s.Open("T", 0), 0, 0)
	must(t, s.Open("T", 0).Append(0, unitAt(1000)))
	mustClose(t, s)
	s = mustOpen(t, Options{FS: fs, FileSize: 400, DurableTo: 1 << 40})
	wantBounds(t, s.Open("T", 0), 0, 1)
	wantUnits(t, s.Open("other", 0), 0, 5)
	must(t, s.DeleteTopic("T"))
	must(t, s.DeleteTopic("nobody knows it"))
	s = mustOpen(t, Options{FS: fs.Kill(), FileSize: 400, DurableTo: 1 << 40})
	if _, ok := s.Lookup("T", 0); ok || len(s.Lost()) > 0 {
		t.Fatalf("the queue is still there, or %v is lost", s.Lost())
	}
}

func TestQueuesComeByTopicAndID(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem()})
	defer mustClose(t, s)
	for _, id := range []int32{10, 2} {
		for _, topic := range []string{"b", "a"} {
			s.Open(topic, id)
		}
	}
	var got []string
	s.Queues(func(q *Queue) bool {
		got = append(got, fmt.Sprint(q.Topic(), q.ID()))
		return len(got) < 3
	})
	if !slices.Equal(got, []string{"a2", "a10", "b2"}) {
		t.Fatalf("queues %v", got)
	}
}

// countingFS counts the files that are open below it.
type countingFS struct {
	vfs.FS
	open, most atomic.Int64
}

type countedFile struct {
	vfs.File
	fs *countingFS
}

func (c *countingFS) count(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	n := c.open.Add(1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	return &countedFile{f, c}, nil
}

func (c *countingFS) Create(name string) (vfs.File, error) { return c.count(c.FS.Create(name)) }
func (c *countingFS) Open(name string) (vfs.File, error)   { return c.count(c.FS.Open(name)) }

func (f *countedFile) Close() error {
	f.fs.open.Add(-1)
	return f.File.Close()
}

func TestFiftyThousandQueuesNeedFewDescriptors(t *testing.T) {
	const descriptors = 64
	queues := 50_000
	if raceDetector {
		queues = 5_000 // its own memory for so many goes beyond what it can manage
	}
	fs := &countingFS{FS: vfs.NewMem()}
	o := Options{FS: fs, MaxOpenFiles: descriptors}
	s := mustOpen(t, o)
	for i := range queues {
		appendUnits(t, s.Open(fmt.Sprint("topic-", i/8), int32(i%8)), 0, 3)
	}
	must(t, s.Flush())
	var wg sync.WaitGroup
	for g := range 4 * descriptors {
		wg.Go(func() {
			units := make([]Unit, 4)
			for i := g; i < queues; i += 4 * descriptors {
				if n, err := s.Open(fmt.Sprint("topic-", i/8), int32(i%8)).Read(units, 0); n != 3 || err != nil {
					t.Errorf("queue %d: %d units, %v", i, n, err)
				}
			}
		})
	}
	wg.Wait()
	must(t, s.SetMinLog(100))
	mustClose(t, s)

	for _, clean := range []bool{true, false} {
		o.Clean, o.DurableTo, o.MinLog = clean, 1000, 100
		s = nil
		before := heapInUse()
		s = mustOpen(t, o)
		wantUnits(t, s.Open(fmt.Sprint("topic-", queues/8-1), 7), 1, 3)
		perQueue := (heapInUse() - before) / int64(queues)
		t.Logf("clean=%v: %d bytes per idle queue", clean, perQueue)
		if perQueue > 300 {
			t.Errorf("%d bytes per idle queue, expected at most 300", perQueue)
		}
		mustClose(t, s)
	}
	if most, open := fs.most.Load(), fs.open.Load(); most > descriptors+1 || open != 0 { // one more is a table of bounds
		t.Fatalf("%d files were open at a time, %d are still, expected at most %d and none", most, open, descriptors+1)
	}
}

// heapInUse is the heap's size in bytes without garbage, that in pools included.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestReadersWriterAndMaintenanceAtTheSameTime(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem(), FileSize: 4000, MaxOpenFiles: 3})
	const units = 20_000
	var wg sync.WaitGroup
	var done atomic.Bool
	for id := range int32(3) {
		q := s.Open("T", id)
		wg.Go(func() {
			buf := make([]Unit, 300)
			for at := int64(0); at < units; {
				n, err := q.Read(buf, at)
				if err != nil {
					t.Error(err)
					return
				}
				for i, u := range buf[:n] {
					if u != unitAt(at+int64(i)) {
						t.Errorf("queue %d: %v at %d", id, u, at+int64(i))
						return
					}
				}
				at += int64(n)
				if first, _ := q.Bounds(); at < first {
					at = first
				}
				if n == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	wg.Go(func() {
		for i := int64(0); !done.Load(); i++ {
			if err := s.Flush(); err != nil {
				t.Error(err)
			}
			_, next := s.Open("T", 0).Bounds()
			if err := s.SetMinLog(100 * max(0, next-5000)); err != nil {
				t.Error(err)
			}
		}
	})
	for i := int64(0); i < units; i += 50 {
		for id := range int32(3) {
			appendUnits(t, s.Open("T", id), i, i+50)
		}
	}
	done.Store(true)
	wg.Wait()
	mustClose(t, s)
}

func TestAppendAndReadDoNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, and makes pools forget")
	}
	s := mustOpen(t, Options{FS: vfs.OS(), Dir: t.TempDir() + "/cq", FileSize: 6_000_000})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	appendUnits(t, q, 0, 1000)
	must(t, s.Flush())
	appendUnits(t, q, 1000, 1100)
	next := int64(1100)
	if n := testing.AllocsPerRun(5000, func() {
		if err := q.Append(next, unitAt(next)); err != nil {
			t.Fatal(err)
		}
		next++
	}); n != 0 {
		t.Errorf("Append: %v allocations", n)
	}
	units := make([]Unit, 32)
	for from, where := range map[int64]string{0: "files", next - 32: "memory"} {
		if n := testing.AllocsPerRun(1000, func() {
			if n, err := q.Read(units, from); n != 32 || err != nil {
				t.Fatal(n, err)
			}
		}); n != 0 {
			t.Errorf("Read from %s: %v allocations", where, n)
		}
	}
}
