package commitlog

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func file(base int64) string { return testDir + "/" + mapped.Name(base) }

func TestACleanStartReadsNothing(t *testing.T) {
	l, mem := filled(t, 3)
	want, max := bodies(t, l), l.Max()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, mem, testDir); len(got) != int(max/testSegment)+1 {
		t.Errorf("files after the stop: %q", got)
	}
	again, rec := mustOpen(t, testOptions(mem), Start{Clean: true, From: max})
	if rec != (Recovery{From: max, End: max}) {
		t.Errorf("recovery: %+v", rec)
	}
	if got := bodies(t, again); !slices.Equal(got, want) || again.Flushed() != max || again.Confirmed() != max {
		t.Errorf("%d messages of %d, flushed %d, confirmed %d", len(got), len(want), again.Flushed(), again.Confirmed())
	}
	mustAppend(t, again, newNumbers(t), draft("next"))
}

func TestAnEmptyLogIsOpened(t *testing.T) {
	for _, s := range []Start{{From: -1}, {Clean: true}, {Clean: true, From: 17}, {From: 1 << 40}} {
		l, rec := mustOpen(t, testOptions(vfs.NewMem()), s)
		if rec != (Recovery{}) || l.Min() != 0 || l.Max() != 0 {
			t.Errorf("%+v: %+v", s, rec)
		}
	}
}

func TestAKilledProcessLosesNothing(t *testing.T) {
	for name, start := range map[string]func(max int64) Start{
		"nothing is known":             func(int64) Start { return Start{From: -1} },
		"the start is known":           func(int64) Start { return Start{} },
		"a border is known":            func(int64) Start { return Start{From: 2 * testSegment} },
		"the end is known":             func(max int64) Start { return Start{From: max} },
		"called clean, too":            func(max int64) Start { return Start{Clean: true, From: testSegment} },
		"called clean, no end":         func(max int64) Start { return Start{Clean: true, From: -1} },
		"From is beyond the files":     func(max int64) Start { return Start{From: 1 << 40} },
		"From is no border":            func(max int64) Start { return Start{From: testSegment + 13} },
		"From is near a segment's end": func(max int64) Start { return Start{From: 2*testSegment - 4} },
		"From is behind the end":       func(max int64) Start { return Start{From: max + 1} },
	} {
		t.Run(name, func(t *testing.T) {
			l, mem := filled(t, 4)
			want := bodies(t, l)
			again, rec := mustOpen(t, testOptions(mem.Kill()), start(l.Max()))
			if got := bodies(t, again); !slices.Equal(got, want) || rec.End != l.Max() {
				t.Errorf("%d messages of %d, end %d of %d", len(got), len(want), rec.End, l.Max())
			}
			if again.Flushed() != rec.End {
				t.Errorf("flushed %d of %d", again.Flushed(), rec.End)
			}
			checkZeroTail(t, again)
		})
	}
}

// TestFromAmongZerosIsNotTakenForTheEnd: a body can be all zeros, which looks as if nothing had been written there.
func TestFromAmongZerosIsNotTakenForTheEnd(t *testing.T) {
	l, mem := openNew(t, nil)
	zeros := draft(string(make([]byte, 1000)))
	mustAppend(t, l, newNumbers(t), draft("a"), zeros, draft("b"))
	again, rec := mustOpen(t, testOptions(mem.Kill()), Start{From: 600})
	if got := bodies(t, again); len(got) != 3 || rec.End != l.Max() {
		t.Errorf("%d messages, end %d of %d", len(got), rec.End, l.Max())
	}
}

// TestDamageBelowWhatIsKnownCostsNothingElse: a bit that flips in a message that was durable long ago is no reason to cut.
func TestDamageBelowWhatIsKnownCostsNothingElse(t *testing.T) {
	l, mem := openNew(t, nil)
	ds := mustAppend(t, l, newNumbers(t), draft("a"), draft("b"), draft("c"))
	mem = mem.Kill()
	corrupt(t, mem, file(0), ds[1].LogOffset+88, flip)
	again, rec := mustOpen(t, testOptions(mem), Start{From: l.Max()})
	if rec.End != l.Max() {
		t.Errorf("the log ends at %d, want %d", rec.End, l.Max())
	}
	if _, err := again.Record(ds[2].LogOffset, nil); err != nil {
		t.Error(err)
	}
	if _, err := again.Record(ds[1].LogOffset, nil); !errors.Is(err, record.ErrDamaged) {
		t.Errorf("the damaged one: %v", err)
	}
}

func TestRecoveryStartsWhereTheCheckpointSays(t *testing.T) {
	l, mem := openNew(t, nil)
	a := newNumbers(t)
	for i := range 4 * testSegment / 1000 {
		l.opts.Now = clockAt(int64(i))
		mustAppend(t, l, a, sized(1000))
	}
	first := map[int64]int64{} // store time of each segment's first message
	for _, r := range contents(t, l) {
		if r.LogOffset%testSegment == 0 {
			first[r.LogOffset/testSegment] = r.StoreTimestamp
		}
	}
	for _, c := range []struct {
		name  string
		start Start
		want  int64 // segment
	}{
		{"no checkpoint", Start{From: -1}, 0},
		{"by log offset", Start{From: -1, Checkpoint: Checkpoint{QueueLogOffset: 2*testSegment + 9}}, 2},
		{"by the offset of a segment", Start{From: -1, Checkpoint: Checkpoint{QueueLogOffset: 2 * testSegment}}, 2},
		{"just before it", Start{From: -1, Checkpoint: Checkpoint{QueueLogOffset: 2*testSegment - 1}}, 1},
		{"by time", Start{From: -1, Checkpoint: Checkpoint{QueueTimestamp: first[2]}}, 2},
		{"just before that", Start{From: -1, Checkpoint: Checkpoint{QueueTimestamp: first[2] - 1}}, 1},
		{"newer than all", Start{From: -1, Checkpoint: Checkpoint{QueueTimestamp: 1 << 60}}, 3},
		{"clean", Start{Clean: true, From: -1}, 3},
		{"From comes first", Start{From: 3 * testSegment, Checkpoint: Checkpoint{QueueLogOffset: testSegment}}, 3},
	} {
		mem = mem.Kill()
		again, rec := mustOpen(t, testOptions(mem), c.start)
		if rec.From != c.want*testSegment || rec.End != l.Max() {
			t.Errorf("%s: scan of [%d,%d), want it from %d to %d", c.name, rec.From, rec.End, c.want*testSegment, l.Max())
		}
		again.Close()
	}
}

func TestADamagedLastMessageIsCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		at   int64 // from the message's start
		says string
	}{
		"size": {2, "only"}, "magic": {5, "magic"}, "bodyCRC": {9, "body CRC"}, "log offset": {33, "log offset"},
		"body length": {86, "body length"}, "body": {95, "body CRC"}, "topic length": {488, "topic length"}, "properties length": {490, "properties length"},
	} {
		t.Run(name, func(t *testing.T) {
			l, mem := openNew(t, nil)
			a := newNumbers(t)
			keep, last := draft("keep"), draft(strings.Repeat("x", 400))
			mustAppend(t, l, a, keep)
			at := mustAppend(t, l, a, last)[0].LogOffset
			mem = mem.Kill()
			corrupt(t, mem, file(0), at+c.at, func(b byte) byte { return b ^ 0x40 })
			again, rec := reopen(t, mem)
			if rec.End != at || !slices.Equal(bodies(t, again), []string{"keep"}) {
				t.Fatalf("the log ends at %d, want %d: %+v", rec.End, at, rec)
			}
			for _, part := range []string{c.says, file(0), "record at"} {
				if !strings.Contains(rec.Cut, part) {
					t.Errorf("%q does not say %q", rec.Cut, part)
				}
			}
			checkZeroTail(t, again)
		})
	}
}

func TestAStaleCRCPropertyIsReportedAndKept(t *testing.T) {
	l, mem := openNew(t, nil)
	ds := mustAppend(t, l, newNumbers(t), draft("a"), draft("b"), draft("c"))
	mem = mem.Kill()
	stale := func(b byte) byte { return '0' + (b-'0'+1)%10 }
	corrupt(t, mem, file(0), end(ds[1])-5, stale)
	corrupt(t, mem, file(0), end(ds[2])-5, stale)
	again, rec := reopen(t, mem)
	if rec.StaleCRC != 2 || rec.Records != 3 || rec.End != l.Max() {
		t.Errorf("%+v", rec)
	}
	if _, err := again.Record(ds[1].LogOffset, nil); err != nil {
		t.Error(err)
	}
	again.Close()

	o := testOptions(mem.Kill())
	o.CRCPropertyFrom = ds[2].LogOffset
	if _, rec := mustOpen(t, o, Start{From: -1}); rec.StaleCRC != 1 {
		t.Errorf("verified from the third message on, %d are stale", rec.StaleCRC)
	}
}

// TestATornTailIsNotAMessage: a power loss can leave the end of a record as it was, zeros, behind a body that is whole.
func TestATornTailIsNotAMessage(t *testing.T) {
	whole, _ := openNew(t, nil)
	d := draft("body")
	d.Properties = []byte("k1\x01v1\x02k2\x01v2\x02")
	d = mustAppend(t, whole, newNumbers(t), draft("keep"), d)[1]
	props := end(d) - int64(len(d.Properties)) - record.CRCPropertySize
	for from := props; from < end(d); from++ {
		for _, to := range []int64{from + 1, end(d) - record.CRCPropertySize, end(d)} {
			l, mem := openNew(t, nil)
			if err := l.AppendRaw(0, logBytes(t, whole, 0, whole.Max())); err != nil {
				t.Fatal(err)
			}
			mem = mem.Kill()
			for at := from; at < to; at++ {
				corrupt(t, mem, file(0), at, func(byte) byte { return 0 })
			}
			again, rec := reopen(t, mem)
			if from < to && rec.End != d.LogOffset {
				t.Errorf("zeros in [%d,%d) of %d bytes: the log ends at %d", from-d.LogOffset, to-d.LogOffset, d.Size, rec.End)
			}
			l.Close()
			again.Close()
		}
	}
}

func TestWhatFollowsTheCutIsDeleted(t *testing.T) {
	l, mem := filled(t, 4)
	all := contents(t, l)
	i := slices.IndexFunc(all, func(r record.Record) bool { return r.LogOffset > testSegment })
	mem = mem.Kill()
	corrupt(t, mem, file(testSegment), all[i].LogOffset%testSegment+7, flip)
	again, rec := reopen(t, mem)
	if rec.End != all[i].LogOffset || rec.Records != int64(i) {
		t.Errorf("%+v, want the end %d after %d messages", rec, all[i].LogOffset, i)
	}
	if got, want := names(t, mem, testDir), []string{mapped.Name(0), mapped.Name(testSegment)}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	checkZeroTail(t, again)
}

func TestFilesThatAreNoLogAreRefused(t *testing.T) {
	grow := func(t *testing.T, mem *vfs.Mem, base, size int64) {
		f, err := mem.Open(file(base))
		if err == nil {
			err = f.Truncate(size)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	for name, c := range map[string]struct {
		harm func(*testing.T, *vfs.Mem)
		want error
		says string
	}{
		"missing in the middle": {func(t *testing.T, m *vfs.Mem) { m.Remove(file(testSegment)) }, ErrSegmentMissing, mapped.Name(testSegment)},
		"truncated":             {func(t *testing.T, m *vfs.Mem) { grow(t, m, testSegment, 100) }, ErrSegmentSize, file(testSegment) + " has 100 bytes"},
		"zero-length":           {func(t *testing.T, m *vfs.Mem) { grow(t, m, testSegment, 0) }, ErrSegmentSize, file(testSegment) + " has 0 bytes"},
		"too long":              {func(t *testing.T, m *vfs.Mem) { grow(t, m, testSegment, testSegment+1) }, ErrSegmentSize, file(testSegment)},
		"last truncated":        {func(t *testing.T, m *vfs.Mem) { grow(t, m, 3*testSegment, 100) }, ErrSegmentSize, file(3 * testSegment)},
		"other base": {func(t *testing.T, m *vfs.Mem) { m.Rename(file(3*testSegment), file(3*testSegment+1)) },
			ErrSegmentSize, "multiple"},
	} {
		t.Run(name, func(t *testing.T) {
			_, mem := filled(t, 4)
			mem = mem.Kill()
			c.harm(t, mem)
			before := names(t, mem, testDir)
			_, _, err := Open(testOptions(mem), Start{From: -1})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %v that says %q", err, c.want, c.says)
			}
			if got := names(t, mem, testDir); !slices.Equal(got, before) {
				t.Errorf("files before %q, after %q", before, got)
			}
		})
	}
}

func TestTheSameSegmentInTwoDirectoriesIsRefused(t *testing.T) {
	_, mem := filled(t, 2)
	mem = mem.Kill()
	o := testOptions(mem)
	o.Dirs = []string{testDir, "other"}
	mem.MkdirAll("other")
	b, _ := vfs.ReadFile(mem, file(0))
	if err := vfs.WriteFileAtomic(mem, "other/"+mapped.Name(0), b); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(o, Start{}); !errors.Is(err, ErrSegmentTwice) {
		t.Error(err)
	}
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	l, mem := filled(t, 2)
	max := l.Max()
	mem = mem.Kill()
	for _, name := range []string{"README", mapped.Name(0) + ".bak", "0000000000000000000x"} {
		if err := vfs.WriteFileAtomic(mem, testDir+"/"+name, []byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	mem.MkdirAll(testDir + "/" + mapped.Name(testSegment*9))
	if _, rec := reopen(t, mem); rec.End != max {
		t.Errorf("%+v", rec)
	}
	if got := len(names(t, mem, testDir)); got != 2+4 {
		t.Errorf("%d files", got)
	}
}

func TestAnUnfinishedAllocationIsDeleted(t *testing.T) {
	for _, size := range []int64{0, 1, 4096, testSegment - 1} {
		l, mem := filled(t, 2)
		max := l.Max()
		mem = mem.Kill()
		makeFile(t, mem, file(2*testSegment), size)
		again, rec := reopen(t, mem)
		if rec.End != max || len(names(t, mem, testDir)) != 2 {
			t.Errorf("%d bytes: %+v, files %q", size, rec, names(t, mem, testDir))
		}
		again.Close()
	}
}

func TestASegmentThatWasAllocatedAheadIsNoContent(t *testing.T) {
	for name, start := range map[string]Start{"killed": {From: -1}, "clean": {Clean: true, From: -1}} {
		l, mem := filled(t, 2)
		max := l.Max()
		mem = mem.Kill()
		makeFile(t, mem, file(2*testSegment), testSegment)
		makeFile(t, mem, file(3*testSegment), testSegment)
		if name == "clean" {
			start.From = max
		}
		again, rec := mustOpen(t, testOptions(mem), start)
		if rec.End != max || len(names(t, mem, testDir)) != 2 {
			t.Errorf("%s: %+v, files %q", name, rec, names(t, mem, testDir))
		}
		mustAppend(t, again, newNumbers(t), sized(8000), sized(8000))
		contents(t, again)
	}
}

func makeFile(t *testing.T, mem *vfs.Mem, name string, size int64) {
	t.Helper()
	f, err := mem.Create(name)
	if err == nil {
		err = f.Preallocate(size)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestSegmentSizeIsReadFromTheFiles(t *testing.T) {
	l, mem := filled(t, 3)
	o := testOptions(mem.Kill())
	o.SegmentSize = ReadSegmentSize
	again, rec := mustOpen(t, o, Start{From: -1})
	if again.SegmentSize() != testSegment || rec.End != l.Max() {
		t.Errorf("segments of %d bytes, %+v", again.SegmentSize(), rec)
	}
	for name, size := range map[string]int64{"no file": -1, "an empty file": 0} {
		mem := vfs.NewMem()
		if size >= 0 {
			mem.MkdirAll(testDir)
			makeFile(t, mem, file(0), size)
		}
		o.FS = mem
		if l, _ := mustOpen(t, o, Start{From: -1}); l.SegmentSize() != DefaultSegmentSize {
			t.Errorf("%s: segments of %d bytes", name, l.SegmentSize())
		}
	}
}

// TestWhatCannotBeReadIsAnErrorAndNoEnd: what the device can't read now may be read later, so nothing is cut.
func TestWhatCannotBeReadIsAnErrorAndNoEnd(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpMkdir, vfs.OpReadDir, vfs.OpStat, vfs.OpOpen, vfs.OpSize, vfs.OpMap, vfs.OpDatasync, vfs.OpSync, vfs.OpZeroRange} {
		t.Run(string(kind), func(t *testing.T) {
			l, mem := filled(t, 3)
			mem = mem.Kill()
			max := l.Max()
			for n := 0; ; n++ {
				match := nth(kind, n, vfs.ErrIO)
				hit := false
				opened, _, err := Open(testOptions(vfs.Fault(mem, func(op vfs.Op) error {
					err := match(op)
					hit = hit || err != nil
					return err
				})), Start{From: -1})
				if opened != nil {
					opened.Close()
				}
				if !hit {
					break
				}
				if !errors.Is(err, vfs.ErrIO) {
					t.Errorf("%s %d: %v", kind, n, err)
				}
			}
			if _, rec := reopen(t, mem); rec.End != max {
				t.Errorf("afterwards: %+v", rec)
			}
		})
	}
}

func TestAnUnreadableReadOnlyDirectoryIsAnError(t *testing.T) {
	_, mem := filled(t, 2)
	o := testOptions(vfs.Fault(mem, func(op vfs.Op) error {
		if op.Kind == vfs.OpReadDir && op.Name == "old" {
			return fs.ErrPermission
		}
		return nil
	}))
	o.ReadOnlyDirs = []string{"old"}
	if _, _, err := Open(o, Start{}); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}
