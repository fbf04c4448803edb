package commitlog

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// faultyLog is a log in memory whose system calls fail as match says, once there is one.
type faultyLog struct {
	*Log
	mem    *vfs.Mem
	faults faults
}

func openFaulty(t testing.TB, change func(*Options)) *faultyLog {
	f := &faultyLog{mem: vfs.NewMem()}
	o := testOptions(vfs.Fault(f.mem, f.faults.before))
	if change != nil {
		change(&o)
	}
	f.Log, _ = mustOpen(t, o, Start{From: -1})
	return f
}

// mixedBatch has all that a batch can have: single messages, client's batches, a batch of which one is refused, messages
// that are encoded under the lock, in records that make the log roll in the middle.
func mixedBatch(round int) []record.Draft {
	var ds []record.Draft
	add := func(size int, topic string, joined bool) {
		d := draftTo(topic, 0, fmt.Sprintf("%d.%02d:%0*d", round, len(ds), size, 0))
		d.Joined = joined
		ds = append(ds, d)
	}
	add(900, "A", false)
	add(900, "B", false)
	add(300, "A", true)
	add(300, "A", true)
	add(100, "refused", false)
	add(900, "Late", false)
	add(900, "A", true)
	add(100, "B", false)
	add(100, "refused", true)
	add(900, "B", false)
	add(700, "A", false)
	add(600, "B", true)
	add(100, "Late", false)
	add(900, "A", false)
	return ds
}

var errRefusedByTest = errors.New("no such topic")

func mixedNumbers(t testing.TB) *numbers {
	n := newNumbers(t)
	n.late = func(d *record.Draft) bool { return d.Topic == "Late" }
	n.refuse = func(d *record.Draft) error {
		if d.Topic == "refused" {
			return errRefusedByTest
		}
		return nil
	}
	return n
}

// TestNumbersHaveNoGapWhicheverCallFails makes each system call of a few appends fail in turn. Whatever fails, the log holds
// exactly the messages that were not reported as failed, in order, numbered without a gap; it goes on when the fault is gone,
// and the next process finds the same.
func TestNumbersHaveNoGapWhicheverCallFails(t *testing.T) {
	kinds := []vfs.OpKind{vfs.OpWrite, vfs.OpCreate, vfs.OpPreallocate, vfs.OpMap, vfs.OpSync, vfs.OpSyncDir}
	for _, kind := range kinds {
		for _, err := range []error{vfs.ErrIO, vfs.ErrFull, &vfs.Partial{N: 4, Err: vfs.ErrIO}, &vfs.Partial{N: 1 << 20, Err: vfs.ErrFull}} {
			if _, partial := err.(*vfs.Partial); partial && kind != vfs.OpWrite {
				continue
			}
			for n := 0; failedOnce(t, kind, n, err); n++ {
				if t.Failed() {
					t.Fatalf("%s number %d failed with %#v", kind, n, err)
				}
			}
		}
	}
}

// failedOnce runs the scenario with the n-th call of a kind failing; false if there were not so many.
func failedOnce(t *testing.T, kind vfs.OpKind, n int, fault error) (hit bool) {
	l := openFaulty(t, func(o *Options) { o.SegmentSize = 4096 })
	defer l.Close()
	a := mixedNumbers(t)
	match := nth(kind, n, fault)
	l.faults.match = func(op vfs.Op) error {
		err := match(op)
		hit = hit || err != nil
		return err
	}
	var stored []string
	for round := range 3 {
		ds := mixedBatch(round)
		l.Append(ds, a)
		stored = append(stored, checkOutcomes(t, ds)...)
		if round == 1 {
			l.AllocateAhead()
		}
	}
	if err := l.Err(); err != nil {
		t.Errorf("the log takes no more messages: %v", err)
	}
	if got := bodies(t, l.Log); !slices.Equal(got, stored) {
		t.Errorf("the log holds %d messages, %d were stored", len(got), len(stored))
	}
	checkNumbers(t, contents(t, l.Log))
	after, _ := reopenSized(t, l.mem.Kill(), 4096)
	defer after.Close()
	if got := bodies(t, after); !slices.Equal(got, stored) {
		t.Errorf("the next process finds %d messages, %d were stored", len(got), len(stored))
	}
	return hit
}

func reopenSized(t testing.TB, fsys vfs.FS, size int64) (*Log, Recovery) {
	o := testOptions(fsys)
	o.SegmentSize = size
	return mustOpen(t, o, Start{From: -1})
}

// checkOutcomes returns what was stored, and fails if a client's batch was stored in part.
func checkOutcomes(t *testing.T, ds []record.Draft) (stored []string) {
	for i := range ds {
		if ds[i].Err == nil {
			stored = append(stored, string(ds[i].Body))
		}
		if ds[i].Joined && (ds[i].Err == nil) != (ds[i-1].Err == nil) {
			t.Errorf("of one batch, message %d: %v, message %d: %v", i-1, ds[i-1].Err, i, ds[i].Err)
		}
		if ds[i].Topic == "refused" && ds[i].Err == nil {
			t.Errorf("message %d was refused and stored", i)
		}
	}
	return stored
}

// TestRemainsOfAFailedWriteNeverComeBack: a write of two messages fails when all of it has reached the file. The next message
// has just the length of the first, so that the second, with the right place and the right sums, would look like its successor.
func TestRemainsOfAFailedWriteNeverComeBack(t *testing.T) {
	for _, name := range []string{"wiped at once", "wiped before the next write"} {
		t.Run(name, func(t *testing.T) {
			l := openFaulty(t, nil)
			a := newNumbers(t)
			mustAppend(t, l.Log, a, draft("first"))
			l.faults.match = func(op vfs.Op) error {
				switch {
				case op.Kind == vfs.OpWrite:
					return &vfs.Partial{N: int(op.N), Err: vfs.ErrIO}
				case op.Kind == vfs.OpZeroRange && name != "wiped at once":
					return vfs.ErrIO
				}
				return nil
			}
			lost := []record.Draft{draft("lost 1"), draft("lost 2")}
			if err := l.Append(lost, a); !errors.Is(err, vfs.ErrIO) || lost[0].Err == nil || lost[1].Err == nil {
				t.Fatalf("append: %v, messages: %v, %v", err, lost[0].Err, lost[1].Err)
			}
			if name != "wiped at once" {
				if err := l.Append([]record.Draft{draft("second")}, a); !errors.Is(err, vfs.ErrIO) {
					t.Fatalf("append over remains: %v", err)
				}
			}
			l.faults.match = nil
			mustAppend(t, l.Log, a, draft("second"))
			again, rec := reopen(t, l.mem.Kill())
			if got := bodies(t, again); !slices.Equal(got, []string{"first", "second"}) || rec.Cut != "" {
				t.Errorf("found %q (%s)", got, rec.Cut)
			}
		})
	}
}

func TestAFullDiskRefusesMessagesAndHeals(t *testing.T) {
	l, mem := openNew(t, nil)
	a := newNumbers(t)
	mem.SetCapacity(2*testSegment + 4096)
	var stored int64
	var err error
	for i := 0; err == nil; i++ {
		ds := []record.Draft{sized(1000)}
		if err = l.Append(ds, a); err == nil {
			stored++
		} else if ds[0].Err == nil {
			t.Fatal("the log failed, the message didn't")
		}
	}
	if !errors.Is(err, vfs.ErrFull) {
		t.Fatalf("full disk: %v", err)
	}
	if a.next[queue{"T", 0}] != stored {
		t.Errorf("%d numbers given, %d messages stored", a.next[queue{"T", 0}], stored)
	}
	if err := l.Err(); err != nil {
		t.Errorf("a full disk is final: %v", err)
	}
	mem.SetCapacity(1 << 20)
	mustAppend(t, l, a, sized(1000))
	checkNumbers(t, contents(t, l))
}

func TestAFailedFlushIsFinalUntilTheLogIsReopened(t *testing.T) {
	l := openFaulty(t, nil)
	a := newNumbers(t)
	mustAppend(t, l.Log, a, draft("first"))
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	flushed := l.Flushed()
	d := mustAppend(t, l.Log, a, draft("second"))[0]
	var got error
	w := Waiter{UpTo: d.LogOffset + int64(d.Size), Need: Flushed, Done: func(_ *Waiter, err error) { got = err }}
	l.OnAcked(&w)
	l.faults.match = nth(vfs.OpDatasync, 0, vfs.ErrIO)
	err := l.Flush()
	l.faults.match = nil
	for name, e := range map[string]error{"flush": err, "who waited": got, "the next flush": l.Flush(), "the next append": l.Append([]record.Draft{draft("third")}, a),
		"a raw append": l.AppendRaw(l.Max(), []byte{1}), "a truncation": l.Truncate(flushed), "Err": l.Err()} {
		if !errors.Is(e, ErrFailed) || !errors.Is(e, vfs.ErrIO) {
			t.Errorf("%s: %v", name, e)
		}
	}
	late := errors.New("not called")
	l.OnAcked(&Waiter{UpTo: l.Max(), Need: Flushed, Done: func(_ *Waiter, err error) { late = err }})
	if !errors.Is(late, ErrFailed) {
		t.Errorf("who came later: %v", late)
	}
	if l.Flushed() != flushed {
		t.Errorf("flushed moved from %d to %d", flushed, l.Flushed())
	}
	if a.next[queue{"T", 0}] != 2 {
		t.Errorf("the refused message kept its number: %d", a.next[queue{"T", 0}])
	}
	if err := l.Close(); !errors.Is(err, ErrFailed) {
		t.Errorf("close: %v", err)
	}
	again, _ := reopen(t, l.mem.Kill())
	mustAppend(t, again, a, draft("third"))
}

// TestClosingDoesNotHideRemains: Close reports a tail that it could not clear, since the next start would take it for clean.
func TestClosingDoesNotHideRemains(t *testing.T) {
	l := openFaulty(t, nil)
	a := newNumbers(t)
	mustAppend(t, l.Log, a, draft("first"))
	l.faults.match = func(op vfs.Op) error {
		switch op.Kind {
		case vfs.OpWrite:
			return &vfs.Partial{N: int(op.N), Err: vfs.ErrIO}
		case vfs.OpZeroRange:
			return vfs.ErrIO
		}
		return nil
	}
	if l.Append([]record.Draft{draft("second")}, a) == nil {
		t.Fatal("append works")
	}
	if err := l.Close(); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("close: %v", err)
	}
}
