package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestTruncateCutsAtEveryBorder(t *testing.T) {
	master, _ := filled(t, 3)
	whole := logBytes(t, master, 0, master.Max())
	all := contents(t, master)
	borders := []int64{master.Max(), testSegment, 2 * testSegment}
	for _, r := range all {
		borders = append(borders, r.LogOffset)
	}
	for _, to := range borders {
		l, mem := openNew(t, nil)
		if err := l.AppendRaw(0, whole); err != nil {
			t.Fatal(err)
		}
		if err := l.Truncate(to); err != nil {
			t.Fatalf("truncate to %d: %v", to, err)
		}
		if l.Max() != to || l.Flushed() > to || l.Confirmed() != to {
			t.Errorf("truncate to %d: max %d, flushed %d, confirmed %d", to, l.Max(), l.Flushed(), l.Confirmed())
		}
		want := all[:slices.IndexFunc(append(slices.Clone(all), record.Record{LogOffset: 1 << 60}), func(r record.Record) bool { return r.LogOffset >= to })]
		if got := contents(t, l); len(got) != len(want) {
			t.Errorf("truncate to %d: %d messages are left, want %d", to, len(got), len(want))
		}
		checkZeroTail(t, l)
		// What is cut off has to stay away without any flush.
		again, rec := reopen(t, mem.Kill())
		if rec.End != to || rec.Cut != "" {
			t.Errorf("truncate to %d: found [%d,%d) (%s)", to, again.Min(), rec.End, rec.Cut)
		}
		if err := again.AppendRaw(to, whole[to:]); err != nil {
			t.Fatal(err)
		}
		if got := logBytes(t, again, 0, again.Max()); !bytes.Equal(got, whole) {
			t.Errorf("truncate to %d and append again: other bytes", to)
		}
		l.Close()
		again.Close()
	}
}

func checkZeroTail(t testing.TB, l *Log) {
	t.Helper()
	if l.tail == nil {
		return
	}
	if rest := l.tail.Bytes(l.end-l.tail.Base(), l.tail.End()-l.end); len(bytes.TrimLeft(rest, "\x00")) > 0 {
		t.Errorf("something stands behind the end %d", l.end)
	}
}

func TestTruncateRefusesWhatIsNoBorder(t *testing.T) {
	l, _ := filled(t, 2)
	borders := map[int64]bool{l.Max(): true, testSegment: true}
	for _, r := range contents(t, l) {
		borders[r.LogOffset], borders[r.LogOffset+int64(r.Size)] = true, true
	}
	want := l.Max()
	for to := int64(0); to < l.Max(); to += 13 {
		if borders[to] {
			continue
		}
		if err := l.Truncate(to); !errors.Is(err, ErrNotBorder) {
			t.Fatalf("truncate to %d: %v", to, err)
		}
	}
	for _, to := range []int64{-1, l.Max() + 1} {
		if err := l.Truncate(to); !errors.Is(err, ErrOutOfRange) {
			t.Errorf("truncate to %d: %v", to, err)
		}
	}
	if l.Max() != want {
		t.Errorf("the log ends at %d, was %d", l.Max(), want)
	}
}

// TestAStaleRecordNeverComesBack: after a cut, a message just as long as the first one that was cut off takes its place.
// Were the bytes behind it still there, the next process would take the second one for its successor.
func TestAStaleRecordNeverComesBack(t *testing.T) {
	for _, by := range []string{"truncate", "recovery"} {
		t.Run(by, func(t *testing.T) {
			l, mem := openNew(t, nil)
			a := newNumbers(t)
			mustAppend(t, l, a, draft("kept"))
			gone := mustAppend(t, l, a, draft("gone 1"), draft("gone 2"))
			if by == "truncate" {
				if err := l.Truncate(gone[0].LogOffset); err != nil {
					t.Fatal(err)
				}
			} else {
				mem = mem.Kill()
				corrupt(t, mem, l.SegmentPath(0), gone[0].LogOffset+60, flip)
				corrupt(t, mem, l.SegmentPath(0), gone[0].LogOffset+88, flip)
				l, _ = reopen(t, mem)
			}
			a.next[queue{"T", 0}] = 1
			mustAppend(t, l, a, draft("stay 1"))
			again, _ := reopen(t, mem.Kill())
			if got := bodies(t, again); !slices.Equal(got, []string{"kept", "stay 1"}) {
				t.Errorf("found %q", got)
			}
		})
	}
}

func TestTruncateEndsTheWaitForWhatItCutsOff(t *testing.T) {
	l, _ := openNew(t, func(o *Options) { o.SyncFlush = true })
	a := newNumbers(t)
	ds := mustAppend(t, l, a, draft("kept"), draft("gone"))
	results := make(chan error, 2)
	for _, d := range ds {
		l.OnAcked(&Waiter{UpTo: d.LogOffset + int64(d.Size), Need: Confirmed, Done: func(_ *Waiter, err error) { results <- err }})
	}
	if err := l.Truncate(ds[1].LogOffset); err != nil {
		t.Fatal(err)
	}
	if err := <-results; !errors.Is(err, ErrTruncated) {
		t.Errorf("who waited for what is gone: %v", err)
	}
	mustAppend(t, l, a, draft("else"), draft("more"))
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := <-results; err != nil {
		t.Errorf("who waited for what is kept: %v", err)
	}
}

func TestAnUnusedSegmentAheadDoesNotOutliveATruncation(t *testing.T) {
	l, mem := filled(t, 3)
	base := l.tail.End()
	l.ahead.wanted.Store(base)
	l.ahead.prepare(base)
	if _, err := mem.Stat(l.SegmentPath(base)); err != nil {
		t.Fatal(err)
	}
	if err := l.Truncate(testSegment); err != nil {
		t.Fatal(err)
	}
	l.ahead.prepare(base) // asked for before the cut, done after it
	again, rec := reopen(t, mem.Kill())
	if rec.End != testSegment || again.Min() != 0 {
		t.Errorf("found [%d,%d)", again.Min(), rec.End)
	}
}

// TestNoSegmentThatIsBeingDeletedBecomesTheTail: what is written there would be gone with the next start.
func TestNoSegmentThatIsBeingDeletedBecomesTheTail(t *testing.T) {
	l := openFaulty(t, nil)
	a := newNumbers(t)
	for l.Max() < 3*testSegment {
		mustAppend(t, l.Log, a, sized(1000))
	}
	l.faults.match = nth(vfs.OpSyncDir, 0, vfs.ErrIO)
	if _, err := l.Retire(testSegment); !errors.Is(err, vfs.ErrIO) {
		t.Fatal(err)
	}
	if err := l.Truncate(1000); !errors.Is(err, ErrOutOfRange) {
		t.Errorf("truncate into it: %v", err)
	}
	if err := l.Truncate(testSegment); err != nil {
		t.Fatalf("truncate to its end: %v", err)
	}
	mustAppend(t, l.Log, newNumbers(t), draft("after"))
	again, _ := reopen(t, l.mem.Kill())
	if got := bodies(t, again); len(got) != 1 || got[0] != "after" {
		t.Errorf("found %d messages", len(got))
	}
}

func TestAFailedTruncationIsFinal(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpRemove, vfs.OpSyncDir, vfs.OpZeroRange, vfs.OpDatasync} {
		t.Run(string(kind), func(t *testing.T) {
			l := openFaulty(t, nil)
			a := newNumbers(t)
			first := mustAppend(t, l.Log, a, draft("first"))[0]
			var all []record.Draft
			for i := range 30 {
				all = append(all, mustAppend(t, l.Log, a, draft(fmt.Sprintf("%0900d", i)))...)
			}
			l.faults.match = nth(kind, 0, vfs.ErrIO)
			if err := l.Truncate(all[0].LogOffset); !errors.Is(err, ErrFailed) {
				t.Fatalf("truncate: %v", err)
			}
			l.faults.match = nil
			if err := l.Append([]record.Draft{draft("no")}, a); !errors.Is(err, ErrFailed) {
				t.Errorf("append: %v", err)
			}
			again, _ := reopen(t, l.mem.Kill())
			if got := contents(t, again); len(got) == 0 || got[0].LogOffset != first.LogOffset {
				t.Errorf("%d messages", len(got))
			}
		})
	}
}
