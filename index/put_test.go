package index

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestReplayedRecordsAreIgnored(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	defer mustClose(t, x)
	for range 3 {
		for i := range int64(20) {
			put(t, x, 10*i, 1000, 1, 2)
		}
	}
	if s := x.Stats(); s.Entries != 40 {
		t.Errorf("%d entries, expected 40", s.Entries)
	}
	x.SetEnd(1000)
	put(t, x, 500, 1000, 1)
	if s := x.Stats(); s.Entries != 40 {
		t.Errorf("a record below the end was indexed")
	}
}

func TestStateCountsOnlyWhatIsFlushed(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	defer mustClose(t, x)
	put(t, x, 10, 1000, 1, 2)
	if s := x.State(); s != (State{}) {
		t.Errorf("State %+v before a flush", s)
	}
	if s := flush(t, x); s.Count != 2 || s.LogOffset != 10 {
		t.Errorf("State %+v", s)
	}
	x.SetEnd(50)
	if s := flush(t, x); s.Count != 2 || s.LogOffset != 50 {
		t.Errorf("State %+v", s)
	}
}

func TestARecordMayFillSeveralFilesAndCountsWhole(t *testing.T) {
	o := small()
	x := mustOpen(t, o, State{}, true)
	put(t, x, 0, 1000, 1, 2, 3)
	before := flush(t, x)
	hashes := make([]int32, 40)
	for i := range hashes {
		hashes[i] = int32(i)
	}
	put(t, x, 10, 2000, hashes...)
	if s := x.State(); s != before {
		t.Errorf("State %+v counts a part of a record, expected %+v", s, before)
	}
	after := flush(t, x)
	if after.File <= before.File || after.Count != 43-2*15 {
		t.Errorf("State %+v", after)
	}
	for _, h := range hashes {
		if got := query(t, x, h, 2000, always, 10); !slices.Equal(got, []int64{10}) {
			t.Errorf("hash %d: %v", h, got)
		}
	}
	mustClose(t, x)
	x = mustOpen(t, o, before, false)
	defer mustClose(t, x)
	if s := x.State(); s != before {
		t.Errorf("reopened with State %+v, expected %+v", s, before)
	}
	expect(t, query(t, x, 3, 0, always, 10), 0)
}

func TestFileNamesRiseEvenIfTheClockGoesBack(t *testing.T) {
	now := time.Date(2026, 11, 23, 17, 59, 59, 999e6, time.UTC)
	o := small()
	o.Now, o.Location = func() time.Time { return now }, time.FixedZone("", 3600)
	x := mustOpen(t, o, State{}, true)
	for i := range int64(60) {
		put(t, x, i, 1000, 1)
		if i == 40 {
			now = now.Add(-time.Hour)
		}
	}
	mustClose(t, x)
	want := []string{"20261123185959999", "20261123185960000", "20261123185960001", "20261123185960002"}
	if got := fileNames(t, o); !slices.Equal(got, want) {
		t.Errorf("files %v, expected %v", got, want)
	}
}

func TestANewFileStartsWhereTheFormerEnds(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	defer mustClose(t, x)
	for i := range int64(15) {
		put(t, x, 100+i, 5_000_000+i, 1)
	}
	put(t, x, 200, 5_009_000, 1)
	first, second := x.files[0], x.files[1]
	var b [headerSize]byte
	if err := second.read(b[:], 0); err != nil {
		t.Fatal(err)
	}
	h, err := second.decodeHeader(&b)
	if want := (header{beginTime: 5_000_014, endTime: 5_000_014, beginOffset: 114, endOffset: 114}); err != nil || h != want {
		t.Errorf("header %+v, %v; expected %+v", h, err, want)
	}
	if second.header.beginTime != 5_009_000 || second.header.beginOffset != 200 || !first.full() {
		t.Errorf("headers %+v, %+v", first.header, second.header)
	}
}

func TestAFullDiskLosesNothingAndHeals(t *testing.T) {
	for name, kind := range map[string]vfs.OpKind{"create": vfs.OpCreate, "preallocate": vfs.OpPreallocate, "write": vfs.OpWrite} {
		t.Run(name, func(t *testing.T) {
			o := small()
			mem := o.FS
			full, calls := false, 0
			o.FS = vfs.Fault(mem, func(op vfs.Op) error {
				if calls++; full && op.Kind == kind {
					return vfs.ErrFull
				}
				return nil
			})
			x := mustOpen(t, o, State{}, true)
			var failed int
			for i := range int64(50) {
				full = i%2 == 1
				for {
					err := x.PutRecord(10*i, 1_000_000, []int32{int32(i), 77, int32(100 + i)})
					if err == nil {
						break
					}
					if !errors.Is(err, vfs.ErrFull) {
						t.Fatal(err)
					}
					if _, err := x.Flush(); err != nil && !errors.Is(err, vfs.ErrFull) {
						t.Fatal(err)
					}
					if s := x.State(); s.LogOffset > 10*i {
						t.Fatalf("State %+v while record %d is not in", s, 10*i)
					}
					failed++
					full = false
				}
			}
			full = false
			if failed == 0 {
				t.Error("the disk was never full")
			}
			if s := x.Stats(); s.Entries != 150 {
				t.Errorf("%d entries, expected 150", s.Entries)
			}
			s := flush(t, x)
			for i := range int64(50) {
				expect(t, query(t, x, int32(100+i), 0, always, 10), 10*i)
			}
			if err := x.Verify(); err != nil {
				t.Error(err)
			}
			mustClose(t, x)
			o.FS = mem
			x = mustOpen(t, o, s, false)
			if got := query(t, x, 77, 0, always, 100); len(got) != 50 {
				t.Errorf("%d of 50 after reopening", len(got))
			}
			mustClose(t, x)
		})
	}
}

func TestAFailedSyncIsFinalUntilReopened(t *testing.T) {
	for at := range 2 {
		o := small()
		mem := o.FS
		countdown := -1
		o.FS = vfs.Fault(mem, func(op vfs.Op) error {
			if op.Kind == vfs.OpDatasync {
				if countdown--; countdown == 0 {
					return vfs.ErrIO
				}
			}
			return nil
		})
		x := mustOpen(t, o, State{}, true)
		put(t, x, 0, 1000, 1)
		saved := flush(t, x)
		put(t, x, 10, 1000, 1)
		countdown = 1 + at
		if s, err := x.Flush(); !errors.Is(err, ErrBroken) || !errors.Is(err, vfs.ErrIO) || s != saved {
			t.Errorf("sync %d: Flush gives %+v, %v", at, s, err)
		}
		if s, err := x.Flush(); !errors.Is(err, ErrBroken) || s != saved {
			t.Errorf("sync %d: a second Flush gives %+v, %v", at, s, err)
		}
		if err := x.PutRecord(20, 1000, []int32{1}); !errors.Is(err, ErrBroken) {
			t.Errorf("sync %d: PutRecord gives %v", at, err)
		}
		expect(t, query(t, x, 1, 0, always, 10), 10, 0)
		if err := x.Close(); !errors.Is(err, ErrBroken) {
			t.Errorf("sync %d: Close gives %v", at, err)
		}
		o.FS = mem
		x = mustOpen(t, o, saved, false)
		expect(t, query(t, x, 1, 0, always, 10), 0)
		put(t, x, 10, 1000, 1)
		flush(t, x)
		expect(t, query(t, x, 1, 0, always, 10), 10, 0)
		mustClose(t, x)
	}
}

func TestPuttingAllocatesNothing(t *testing.T) {
	o := Options{FS: vfs.OS(), Dir: t.TempDir(), Slots: 5000, Entries: 200_000, MaxPending: 1000}
	x := mustOpen(t, o, State{}, true)
	defer mustClose(t, x)
	hashes := make([]int32, 3)
	logOffset := int64(0)
	record := func() {
		for i := range hashes {
			hashes[i] = int32(uint32(logOffset*7919+int64(i)*104729) >> 1)
		}
		put(t, x, logOffset, 1_000_000, hashes...)
		logOffset += 100
	}
	for range 5000 { // both buffers have their size
		record()
	}
	const each = 1000 // records, and three write-outs
	if n := testing.AllocsPerRun(10, func() {
		for range each {
			record()
		}
	}); n > 0 {
		t.Errorf("%v allocations for %d records", n, each)
	}
}

func TestQueryingAllocatesNothing(t *testing.T) {
	x := mustOpen(t, small(), State{}, true)
	defer mustClose(t, x)
	for i := range int64(40) {
		put(t, x, i, 1000, 1)
	}
	dst := make([]int64, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		if got, err := x.Query(1, 0, always, 100, dst); err != nil || len(got) != 40 {
			t.Errorf("%d results, %v", len(got), err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
