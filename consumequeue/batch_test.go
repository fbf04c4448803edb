package consumequeue

import (
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// batchAt is the i-th batch that these tests append: 3 messages, stored at time 10·i, 100 bytes at log offset 100·i.
func batchAt(i int64) BatchUnit {
	return BatchUnit{LogOffset: 100 * i, Size: 100, TagCode: i, StoreTime: 10 * i, BaseOffset: 3 * i, Count: 3, CompactOffset: -1}
}

func mustOpenBatch(t *testing.T, o Options) *BatchStore {
	t.Helper()
	o.Dir = "/bcq"
	s, err := OpenBatch(o)
	must(t, err)
	return s
}

func appendBatches(t *testing.T, q *BatchQueue, from, to int64) {
	t.Helper()
	for i := from; i < to; i++ {
		must(t, q.Append(batchAt(i)))
	}
}

// wantBatches checks that every queue offset of batches from … to-1 leads to its batch and those behind it.
func wantBatches(t *testing.T, q *BatchQueue, from, to int64) {
	t.Helper()
	wantBounds(t, q, 3*from, 3*to)
	units := make([]BatchUnit, 7)
	for at := 3 * from; at < 3*to; at++ {
		n, err := q.Read(units, at)
		if err != nil || int64(n) != min(7, to-at/3) {
			t.Fatalf("at %d: %d units, %v", at, n, err)
		}
		for i, u := range units[:n] {
			if u != batchAt(at/3+int64(i)) {
				t.Fatalf("at %d, unit %d: %+v", at, i, u)
			}
		}
	}
	for _, at := range []int64{3*from - 1, 3 * to} {
		if n, err := q.Read(units, at); n != 0 || err != nil {
			t.Fatalf("at %d: %d units, %v, expected none", at, n, err)
		}
	}
}

func TestBatchesAreFoundByEachOfTheirOffsets(t *testing.T) {
	fs := vfs.NewMem()
	o := Options{FS: fs, FileSize: 460}
	s := mustOpenBatch(t, o)
	q := s.Open("T", 0)
	appendBatches(t, q, 0, 120)
	wantBatches(t, q, 0, 120)
	must(t, s.Flush())
	wantBatches(t, q, 0, 120)
	must(t, s.SetMinLog(1234))
	wantBatches(t, q, 13, 120)
	mustClose(t, s)
	o.Clean = true
	s = mustOpenBatch(t, o)
	wantBatches(t, s.Open("T", 0), 13, 120)
	must(t, s.Truncate(5050))
	wantBatches(t, s.Open("T", 0), 13, 51)
	appendBatches(t, s.Open("T", 0), 40, 60) // some are there already
	wantBatches(t, s.Open("T", 0), 13, 60)
	s = mustOpenBatch(t, Options{FS: fs.Kill(), FileSize: 460, DurableTo: 4000})
	wantBatches(t, s.Open("T", 0), 13, 40)
}

func TestBatchesThatDoNotFitAreRefused(t *testing.T) {
	s := mustOpenBatch(t, Options{FS: vfs.NewMem()})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	appendBatches(t, q, 0, 4)
	for want, us := range map[error][]BatchUnit{
		ErrGap: {{LogOffset: 1000, Size: 1, BaseOffset: 13, Count: 1}},
		ErrOrder: {
			{LogOffset: 1000, Size: 1, BaseOffset: 11, Count: 2}, // has a part of it
			{LogOffset: 300, Size: 1, BaseOffset: 12, Count: 1},  // not behind the last record
			{LogOffset: 1000, Size: 1, BaseOffset: -1, Count: 1},
			{LogOffset: 1000, Size: 1, BaseOffset: 12},
			{LogOffset: 1000, BaseOffset: 12, Count: 1},
			{LogOffset: 1000, Size: 1, BaseOffset: 12, Count: -1},
		},
	} {
		for _, u := range us {
			wantErr(t, q.Append(u), want)
		}
	}
	wantBatches(t, q, 0, 4)
}

func TestBatchQueueBeginsAnywhereWhenTheLogHasNothingOfIt(t *testing.T) {
	fs := vfs.NewMem()
	o := Options{FS: fs, FileSize: 460}
	s := mustOpenBatch(t, o)
	appendBatches(t, s.Open("T", 0), 30, 40)
	wantBatches(t, s.Open("T", 0), 30, 40)
	must(t, s.SetMinLog(4000))
	wantBounds(t, s.Open("T", 0), 120, 120)
	appendBatches(t, s.Open("T", 0), 50, 60)
	wantBatches(t, s.Open("T", 0), 50, 60)
	must(t, s.SetMinLog(9000))
	mustClose(t, s)
	must(t, fs.RemoveAll("/bcq"))
	o.Clean = true
	s = mustOpenBatch(t, o)
	wantBounds(t, s.Open("T", 0), 180, 180)
}

func TestSeekTimeInBatches(t *testing.T) {
	s := mustOpenBatch(t, Options{FS: vfs.NewMem(), FileSize: 92, MinLog: 200})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	for _, b := range []Boundary{Lower, Upper} {
		if got, err := q.SeekTime(10, b); got != 0 || err != nil {
			t.Fatalf("empty queue: %d, %v, expected 0", got, err)
		}
	}
	for i, ms := range []int64{1, 5, 10, 10, 20, 30, 30} {
		u := batchAt(int64(i))
		u.StoreTime = ms
		must(t, q.Append(u))
	}
	for _, c := range []struct{ ms, lower, upper int64 }{
		{0, 2, 2}, {9, 2, 2}, {10, 2, 3}, {11, 4, 3}, {20, 4, 4}, {29, 5, 4}, {30, 5, 6}, {31, 7, 6},
	} {
		for b, want := range map[Boundary]int64{Lower: c.lower, Upper: c.upper} {
			if got, err := q.SeekTime(c.ms, b); got != 3*want || err != nil {
				t.Errorf("time %d, boundary %d: %d, %v, expected %d", c.ms, b, got, err, 3*want)
			}
		}
	}
}

func TestMissingBatchDirectoryIsNoLossInAStoreThatNeverHadOne(t *testing.T) {
	s := mustOpenBatch(t, Options{FS: vfs.NewMem(), Clean: true, DurableTo: 1000})
	if s.ReplayFrom() != 1000 || len(s.Lost()) > 0 {
		t.Fatalf("replay from %d, %v lost", s.ReplayFrom(), s.Lost())
	}
	if _, ok := s.Lookup("T", 0); ok {
		t.Fatal("a queue is found that nobody opened")
	}
	s.Open("T", 1)
	s.Queues(func(q *BatchQueue) bool {
		if q.Topic() != "T" || q.ID() != 1 {
			t.Fatalf("queue %s/%d", q.Topic(), q.ID())
		}
		return true
	})
	must(t, s.DeleteTopic("T"))
	if st := s.Stats(); st != (Stats{}) || s.DirtyBytes() != 0 {
		t.Fatalf("%+v", st)
	}
	mustClose(t, s)
}

func TestBatchReadDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, and makes pools forget")
	}
	s := mustOpenBatch(t, Options{FS: vfs.NewMem()})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	appendBatches(t, q, 0, 200)
	must(t, s.Flush())
	units := make([]BatchUnit, 32)
	if n := testing.AllocsPerRun(1000, func() {
		if n, err := q.Read(units, 77); n != 32 || err != nil {
			t.Fatal(n, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
