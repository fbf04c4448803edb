package consumequeue

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestUnitsAreReadBeforeTheyAreFlushed(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem(), FileSize: 400})
	defer mustClose(t, s)
	q := s.Open("T", 3)
	wantBounds(t, q, 0, 0)
	appendUnits(t, q, 0, 1000)
	wantUnits(t, q, 0, 1000)
	if got := s.DirtyBytes(); got != 1000*UnitSize {
		t.Fatalf("%d dirty bytes, expected %d", got, 1000*UnitSize)
	}
	must(t, s.Flush())
	wantUnits(t, q, 0, 1000)
	if got := s.DirtyBytes(); got != 0 {
		t.Fatalf("%d dirty bytes after a flush, expected none", got)
	}
}

func TestNothingIsOnDiskBeforeTheFirstFlush(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs})
	q := s.Open("T", 0)
	if again := s.Open("T", 0); again != q {
		t.Fatal("two Queues of one name")
	}
	if got, ok := s.Lookup("T", 0); !ok || got != q {
		t.Fatal("the queue isn't found")
	}
	if _, ok := s.Lookup("T", 1); ok {
		t.Fatal("a queue is found that nobody opened")
	}
	appendUnits(t, q, 0, 1)
	if _, err := fs.ReadDir("/cq"); err == nil {
		t.Fatal("there is a directory")
	}
	must(t, s.Flush())
	if info, err := fs.Stat("/cq/T/0/00000000000000000000"); err != nil || info.Size != 6_000_000 {
		t.Fatalf("first file: %v %v, expected 6,000,000 bytes", info, err)
	}
	mustClose(t, s)
}

func TestFileSizeIsRoundedUpToWholeUnits(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs, FileSize: 401})
	appendUnits(t, s.Open("T", 0), 0, 22)
	mustClose(t, s)
	want := []string{"00000000000000000000", "00000000000000000420"}
	if got := fileNames(t, fs, "/cq/T/0"); !slices.Equal(got, want) {
		t.Fatalf("files %v, expected %v", got, want)
	}
}

func TestUnitsThatAreThereAreIgnored(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem(), FileSize: 400})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	appendUnits(t, q, 0, 50)
	for from := int64(0); from <= 50; from += 10 {
		must(t, q.Append(from)) // nothing at all
		if from <= 48 {
			must(t, q.Append(from, Unit{LogOffset: 1, Size: 1}, Unit{LogOffset: 2, Size: 1}))
		}
	}
	appendUnits(t, q, 20, 70)
	wantUnits(t, q, 0, 70)
}

func TestGapIsRefused(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem(), FileSize: 400})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	appendUnits(t, q, 0, 5)
	wantErr(t, q.Append(6, unitAt(6)), ErrGap)
	wantUnits(t, q, 0, 5)
}

func TestUnitsOutOfOrderAreRefused(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem(), FileSize: 400})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	wantErr(t, q.Append(-1, unitAt(0)), ErrOrder)
	wantErr(t, q.Append(maxQueueOffset+1, unitAt(0)), ErrOrder)
	appendUnits(t, q, 0, 5)
	wantErr(t, q.Append(5, unitAt(4)), ErrOrder)
	wantErr(t, q.Append(5, Unit{LogOffset: 500}), ErrOrder)
	wantErr(t, q.Append(5, unitAt(5), unitAt(6), unitAt(6)), ErrOrder)
	wantUnits(t, q, 0, 7) // those before the bad one were taken
}

func TestQueueThatBeginsLateIsFilledUpToThere(t *testing.T) {
	for _, from := range []int64{1, 19, 20, 21, 1234} {
		t.Run(fmt.Sprint(from), func(t *testing.T) {
			fs := vfs.NewMem()
			s := mustOpen(t, Options{FS: fs, FileSize: 400})
			q := s.Open("T", 0)
			appendUnits(t, q, from, from+30)
			wantUnits(t, q, from, from+30)
			mustClose(t, s)

			base := from * UnitSize / 400 * 400
			b, err := vfs.ReadFile(fs, fmt.Sprintf("/cq/T/0/%020d", base))
			must(t, err)
			for i := range from - base/UnitSize {
				if u := DecodeUnit(b[i*UnitSize:]); !u.Filler() {
					t.Fatalf("unit %d of the file is %v, expected a filler", i, u)
				}
			}
			for _, clean := range []bool{true, false} {
				s = mustOpen(t, Options{FS: fs, FileSize: 400, Clean: clean, DurableTo: 1 << 20})
				wantUnits(t, s.Open("T", 0), from, from+30)
				mustClose(t, s)
			}
		})
	}
}

func TestReadOutsideOfTheBoundsGivesNothing(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem(), FileSize: 400, MinLog: 1000})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	appendUnits(t, q, 0, 30)
	wantBounds(t, q, 10, 30)
	dst := make([]Unit, 4)
	for from, want := range map[int64]int{-1: 0, 0: 0, 9: 0, 10: 4, 28: 2, 30: 0, 1 << 62: 0} {
		if n, err := q.Read(dst, from); n != want || err != nil {
			t.Fatalf("read at %d: %d units, %v, expected %d", from, n, err, want)
		}
	}
	if n, err := q.Read(nil, 10); n != 0 || err != nil {
		t.Fatalf("read into nothing: %d, %v", n, err)
	}
}

func TestNamesThatAreNoDirectoriesAreRefused(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs})
	for _, topic := range []string{"", ".", "..", "a/b", "/", "x\x00", "../../etc"} {
		q := s.Open(topic, 0)
		wantErr(t, q.Append(0, unitAt(0)), ErrName)
		_, err := q.Read(make([]Unit, 1), 0)
		wantErr(t, err, ErrName)
		wantErr(t, s.DeleteTopic(topic), ErrName)
	}
	wantErr(t, s.Open("T", -1).Append(0, unitAt(0)), ErrName)
	if n := s.Stats().Queues; n != 0 {
		t.Fatalf("%d queues, expected none", n)
	}
	mustClose(t, s)
}

func TestSeekTime(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem(), FileSize: 60, MinLog: 200})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	times := []int64{1, 5, 10, 10, 10, 20, 30, 30} // by queue offset; 0 and 1 are before the log's begin
	timeOf := func(logOffset int64, size int32) (int64, error) {
		if size != 100 || logOffset < 200 {
			t.Fatalf("asked for the time of %d bytes at %d", size, logOffset)
		}
		return times[logOffset/100], nil
	}
	for _, b := range []Boundary{Lower, Upper} {
		if got, err := q.SeekTime(10, b, timeOf); got != 0 || err != nil {
			t.Fatalf("empty queue: %d, %v, expected 0", got, err)
		}
	}
	appendUnits(t, q, 0, 5)
	must(t, s.Flush())
	appendUnits(t, q, 5, 8)
	for _, c := range []struct{ ms, lower, upper int64 }{
		{0, 2, 2}, {9, 2, 2}, {10, 2, 4}, {11, 5, 4}, {20, 5, 5}, {25, 6, 5}, {30, 6, 7}, {31, 8, 7},
	} {
		for b, want := range map[Boundary]int64{Lower: c.lower, Upper: c.upper} {
			if got, err := q.SeekTime(c.ms, b, timeOf); got != want || err != nil {
				t.Errorf("time %d, boundary %d: %d, %v, expected %d", c.ms, b, got, err, want)
			}
		}
	}
	boom := errors.New("boom")
	_, err := q.SeekTime(10, Lower, func(int64, int32) (int64, error) { return 0, boom })
	wantErr(t, err, boom)
}

func TestExtRangeFindsTheFirstAndTheLastAddress(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem()})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	if _, _, ok, err := q.ExtRange(); ok || err != nil {
		t.Fatalf("empty queue: %v, %v", ok, err)
	}
	appendUnits(t, q, 0, 1000)
	if _, _, ok, err := q.ExtRange(); ok || err != nil {
		t.Fatalf("no address: %v, %v", ok, err)
	}
	for i := int64(1000); i < 2000; i++ {
		u := unitAt(i)
		u.TagCode = extAddress(20 * i)
		must(t, q.Append(i, u))
	}
	appendUnits(t, q, 2000, 2777)
	first, last, ok, err := q.ExtRange()
	if first != extAddress(20*1000) || last != extAddress(20*1999) || !ok || err != nil {
		t.Fatalf("%d … %d, %v, %v", first, last, ok, err)
	}
}
