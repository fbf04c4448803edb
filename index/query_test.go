package index

import (
	"errors"
	"math"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestQueryFindsNewestFirstInMemoryAndOnDisk(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	defer mustClose(t, x)
	for i := range int64(40) { // three files, the last entries pending
		put(t, x, 100*i, 1_000_000+1000*i, int32(i%4))
	}
	expect(t, query(t, x, 3, 0, always, 4), 3900, 3500, 3100, 2700)
	expect(t, query(t, x, 3, 0, always, 100), 3900, 3500, 3100, 2700, 2300, 1900, 1500, 1100, 700, 300)
	flush(t, x)
	expect(t, query(t, x, 3, 0, always, 100), 3900, 3500, 3100, 2700, 2300, 1900, 1500, 1100, 700, 300)
	expect(t, query(t, x, 10, 0, always, 100)) // shares the slot of 3
	if s := x.Stats(); s.Files != 3 || s.Entries != 40 || s.Pending != 0 || s.BeginTime != 1_000_000 || s.EndTime != 1_039_000 || s.LastOffset != 3900 {
		t.Errorf("%+v", s)
	}
	if err := x.Verify(); err != nil {
		t.Error(err)
	}
}

func TestQueryKeepsToTheTimeRange(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	defer mustClose(t, x)
	for i := range int64(40) {
		put(t, x, 100*i, 1_000_000+1000*i, 5)
	}
	expect(t, query(t, x, 5, 1_010_000, 1_012_000, 100), 1200, 1100, 1000)
	expect(t, query(t, x, 5, 0, 1_001_000, 100), 100, 0)
	expect(t, query(t, x, 5, 1_038_000, always, 100), 3900, 3800)
	expect(t, query(t, x, 5, 0, 999_999, 100))
	expect(t, query(t, x, 5, 1_039_001, always, 100))
	expect(t, query(t, x, 5, 1_002_000, 1_001_000, 100))
	expect(t, query(t, x, 5, math.MinInt64, always, 2), 3900, 3800)
}

func TestQueryFindsARecordByItsExactTime(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	defer mustClose(t, x)
	put(t, x, 0, 1_000_900, 1)
	put(t, x, 10, 1_002_899, 1) // 1.999 s later, kept as 1 s
	expect(t, query(t, x, 1, 1_002_899, 1_002_899, 10), 10)
}

func TestQueryNamesEachRecordOnce(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	defer mustClose(t, x)
	put(t, x, 7, 1000, 3, 3, 10, 3)
	put(t, x, 8, 1000, 3, 3)
	expect(t, query(t, x, 3, 0, always, 10), 8, 7)
	expect(t, query(t, x, 3, 0, always, 1), 8)
	expect(t, query(t, x, 3, 0, always, 0))
}

func TestQueryAppends(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	defer mustClose(t, x)
	put(t, x, 7, 1000, 3)
	got, err := x.Query(3, 0, always, 1, []int64{7})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, got, 7, 7)
}

func TestNegativeHashesCountAsZero(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	defer mustClose(t, x)
	put(t, x, 7, 1000, math.MinInt32)
	expect(t, query(t, x, 0, 0, always, 10), 7)
	expect(t, query(t, x, -5, 0, always, 10), 7)
}

func TestAClosedIndexSaysSo(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	put(t, x, 7, 1000, 3)
	mustClose(t, x)
	if s := x.State(); s.Count != 1 || s.LogOffset != 7 {
		t.Errorf("State %+v", s)
	}
	mustClose(t, x)
	_, queryErr := x.Query(3, 0, always, 1, nil)
	_, flushErr := x.Flush()
	for _, err := range []error{queryErr, flushErr, x.PutRecord(8, 1000, []int32{1}), x.Truncate(0)} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	if err := x.SetMinLog(100); err != nil {
		t.Error(err)
	}
}

func TestAReadErrorReachesTheCaller(t *testing.T) {
	var bad error
	o := small()
	o.FS = vfs.Fault(o.FS, func(op vfs.Op) error {
		if op.Kind == vfs.OpRead {
			return bad
		}
		return nil
	})
	x := mustOpen(t, o, State{}, true)
	defer mustClose(t, x)
	put(t, x, 7, 1000, 3)
	flush(t, x)
	bad = vfs.ErrIO
	if _, err := x.Query(3, 0, always, 1, nil); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("got %v", err)
	}
	bad = nil
}
