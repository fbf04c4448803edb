package commitlog

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func used(ratios ...int64) (all []vfs.Usage) {
	for _, r := range ratios {
		all = append(all, vfs.Usage{Used: r, Available: 100 - r})
	}
	return all
}

func TestRetentionDecides(t *testing.T) {
	r := Retention{Hours: []int{4, 16}, Clean: 0.75, Force: 0.85, Refuse: 0.90, Forced: true}
	noon, four := aTime.Add(8*time.Hour), aTime
	for _, c := range []struct {
		name     string
		now      time.Time
		usage    []vfs.Usage
		onDemand bool
		want     Pass
	}{
		{"a quiet hour", noon, used(50), false, Pass{}},
		{"the hour", four, used(50), false, Pass{Expired: true}},
		{"the other hour", four.Add(12 * time.Hour), used(50), false, Pass{Expired: true}},
		{"on demand", noon, used(50), true, Pass{Expired: true}},
		{"at the clean level", noon, used(75), false, Pass{}},
		{"above the clean level", noon, used(76), false, Pass{Expired: true}},
		{"above the force level", noon, used(86), false, Pass{Expired: true, Forced: true}},
		{"above the refuse level", noon, used(91), false, Pass{Expired: true, Forced: true, Refuse: true}},
		{"one of two disks is full", noon, used(10, 99), false, Pass{Expired: true, Forced: true}},
		{"both are", noon, used(91, 99), false, Pass{Expired: true, Forced: true, Refuse: true}},
		{"nothing is known", noon, nil, false, Pass{}},
	} {
		if got := r.Decide(c.now, c.usage, c.onDemand); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	r.Forced = false
	if got := r.Decide(noon, used(99), false); got.Forced || !got.Refuse {
		t.Errorf("without force: %+v", got)
	}
}

func TestUsageLeavesReservedBlocksOut(t *testing.T) {
	u := vfs.Usage{Used: 60, Available: 20} // and 20 for root
	if got := (Retention{Clean: 0.7}).Decide(aTime.Add(time.Hour), []vfs.Usage{u}, false); !got.Expired {
		t.Error("60 of 80 is not above 70 %")
	}
}

// aged is a log of five segments, whose files were changed 5, 4, 3, 2 and 1 hours before aTime.
func aged(t *testing.T) (*Log, *vfs.Mem) {
	l, mem := filled(t, 5)
	for i, s := range l.set.All() {
		if err := mem.SetModTime(s.Path(), aTime.Add(-time.Duration(5-i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	return l, mem
}

func TestExpirableStopsWhereItMust(t *testing.T) {
	const all = int64(1) << 60
	expired, forced := Pass{Expired: true}, Pass{Expired: true, Forced: true}
	l, _ := aged(t)
	for _, c := range []struct {
		name string
		age  time.Duration
		per  int
		pass Pass
		keep int64
		want int64 // segments
	}{
		{"nothing is asked for", 0, 0, Pass{}, all, 0},
		{"younger than the age", 3 * time.Hour, 0, expired, all, 3},
		{"all are old, the last one stays", time.Minute, 0, expired, all, 4},
		{"all are young", 10 * time.Hour, 0, expired, all, 0},
		{"forced", 10 * time.Hour, 0, forced, all, 4},
		{"so many per pass", time.Minute, 2, expired, all, 2},
		{"forced, so many per pass", 10 * time.Hour, 1, forced, all, 1},
		{"somebody needs the third", time.Minute, 0, forced, 2*testSegment + 17, 2},
		{"somebody needs the start of the third", time.Minute, 0, forced, 2 * testSegment, 2},
		{"somebody needs all", time.Minute, 0, forced, 0, 0},
	} {
		to, err := l.Expirable(Retention{Age: c.age, PerPass: c.per}, c.pass, aTime, c.keep)
		if err != nil || to != c.want*testSegment {
			t.Errorf("%s: up to %d, want %d (%v)", c.name, to, c.want*testSegment, err)
		}
	}
	if l.Min() != 0 {
		t.Error("asking deletes")
	}
}

func TestRetireDeletesFromTheFront(t *testing.T) {
	l, mem := aged(t)
	for _, c := range []struct{ to, min int64 }{
		{-1, 0}, {testSegment - 1, 0}, {testSegment, testSegment}, {testSegment, testSegment},
		{3*testSegment + 1, 3 * testSegment}, {1 << 60, 4 * testSegment},
	} {
		before := l.Min()
		n, err := l.Retire(c.to)
		if err != nil || l.Min() != c.min || int64(n) != (c.min-before)/testSegment {
			t.Errorf("up to %d: %d segments, the log begins at %d, want %d (%v)", c.to, n, l.Min(), c.min, err)
		}
	}
	want := []string{mapped.Name(4 * testSegment)}
	if got := names(t, mem, testDir); !slices.Equal(got, want) {
		t.Errorf("files: %q, want %q", got, want)
	}
	again, rec := reopen(t, mem.Kill())
	if again.Min() != 4*testSegment || rec.End != l.Max() {
		t.Errorf("found [%d,%d)", again.Min(), rec.End)
	}
}

func names(t *testing.T, fsys vfs.FS, dir string) (all []string) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestAFailedDeletionLeavesNoGap: the segment stays, and so do all behind it, until it can be deleted.
func TestAFailedDeletionLeavesNoGap(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpRemove, vfs.OpSyncDir} {
		for n := range 3 {
			l := openFaulty(t, nil)
			a := newNumbers(t)
			for l.Max() < 4*testSegment {
				mustAppend(t, l.Log, a, sized(1000))
			}
			l.faults.match = nth(kind, n, vfs.ErrIO)
			done, err := l.Retire(1 << 60)
			l.faults.match = nil
			if !errors.Is(err, vfs.ErrIO) || done != n || l.Min() != int64(n)*testSegment {
				t.Errorf("%s %d: %d segments, the log begins at %d (%v)", kind, n, done, l.Min(), err)
			}
			again, _ := reopen(t, l.mem.Kill())
			again.Close()
			if kind == vfs.OpRemove {
				contents(t, l.Log)
			}
		}
	}
}

// TestAnUnsyncedDeletionDoesNotComeBack: a process dies before its deletion of the first segment is durable. The next one deletes
// the second, in another directory. Had it not made the first deletion durable, a power loss could leave the first and the third.
func TestAnUnsyncedDeletionDoesNotComeBack(t *testing.T) {
	for seed := range uint64(20) {
		mem := vfs.NewMem()
		f := faults{}
		o := testOptions(vfs.Fault(mem, f.before))
		o.Dirs = []string{"a", "b", "c"}
		l, _ := mustOpen(t, o, Start{From: -1})
		for a := newNumbers(t); l.Max() < 3*testSegment; {
			mustAppend(t, l, a, sized(1000))
		}
		f.match = nth(vfs.OpSyncDir, 0, errInjected)
		if _, err := l.Retire(testSegment); !errors.Is(err, errInjected) {
			t.Fatal(err)
		}
		mem = mem.Kill()
		o.FS = mem
		l, _ = mustOpen(t, o, Start{From: -1})
		if _, err := l.Retire(2 * testSegment); err != nil || l.Min() != 2*testSegment {
			t.Fatal(l.Min(), err)
		}
		o.FS = mem.Crash(newRand(seed))
		if l, _ = mustOpen(t, o, Start{From: -1}); l.Min() != 2*testSegment {
			t.Errorf("the log begins at %d", l.Min())
		}
	}
}

func TestRetireCanBeTriedAgain(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpRemove, vfs.OpSyncDir} {
		l := openFaulty(t, nil)
		a := newNumbers(t)
		for l.Max() < 3*testSegment {
			mustAppend(t, l.Log, a, sized(1000))
		}
		l.faults.match = nth(kind, 0, vfs.ErrIO)
		if _, err := l.Retire(testSegment); err == nil {
			t.Fatal("retire works")
		}
		if n, err := l.Retire(testSegment); n != 1 || err != nil {
			t.Errorf("after a failed %s: %d segments, %v", kind, n, err)
		}
	}
}

func TestSegmentsAreSpreadOverTheDirectories(t *testing.T) {
	mem := vfs.NewMem()
	o := testOptions(mem)
	o.Dirs = []string{"a", "b", "c"}
	l, _ := mustOpen(t, o, Start{From: -1})
	a := newNumbers(t)
	for l.Max() < 7*testSegment {
		mustAppend(t, l, a, sized(900))
	}
	l.AvoidFull(used(50, 95, 50), 0.9)
	for l.Max() < 13*testSegment {
		mustAppend(t, l, a, sized(900))
	}
	count := len(contents(t, l))
	for _, s := range l.set.All() {
		k := s.Base() / testSegment
		want := o.Dirs[k%3]
		if k >= 8 {
			want = []string{"a", "c"}[k%2]
		}
		if s.Dir() != want || l.SegmentPath(s.Base()+5) != s.Path() {
			t.Errorf("segment %d is in %s, want %s; SegmentPath says %s", k, s.Dir(), want, l.SegmentPath(s.Base()+5))
		}
	}
	if us, err := l.Usage(); err != nil || len(us) != 3 {
		t.Errorf("usage: %v, %v", us, err)
	}
	l.AvoidFull(used(95, 95, 95), 0.9)
	for l.Max() < 15*testSegment {
		mustAppend(t, l, a, sized(900))
	}

	o.FS = mem.Kill()
	o.ReadOnlyDirs = []string{"nowhere"}
	again, _ := mustOpen(t, o, Start{From: -1})
	if got := len(contents(t, again)); got <= count {
		t.Errorf("%d messages found, %d were there before", got, count)
	}
}

func TestReadOnlyDirectoriesHoldOlderSegments(t *testing.T) {
	l, mem := filled(t, 3)
	want := len(contents(t, l))
	mem = mem.Kill()
	if err := mem.MkdirAll("old"); err != nil {
		t.Fatal(err)
	}
	for _, base := range []int64{0, testSegment} {
		if err := mem.Rename(testDir+"/"+mapped.Name(base), "old/"+mapped.Name(base)); err != nil {
			t.Fatal(err)
		}
	}
	o := testOptions(mem)
	o.ReadOnlyDirs = []string{"old"}
	again, _ := mustOpen(t, o, Start{From: -1})
	if got := len(contents(t, again)); got != want {
		t.Errorf("%d messages, want %d", got, want)
	}
	mustAppend(t, again, newNumbers(t), sized(5000), sized(5000))
	if got := names(t, mem, "old"); len(got) != 2 {
		t.Errorf("files in the read-only directory: %q", got)
	}
}
