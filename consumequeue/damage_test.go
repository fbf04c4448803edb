package consumequeue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// damagedStore makes a store with two queues of 100 units each in 5 files, stops it and damages queue 0.
func damagedStore(t *testing.T, damage func(fs vfs.FS, file func(n int) string)) *vfs.Mem {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs, FileSize: 400})
	appendUnits(t, s.Open("T", 0), 0, 100)
	appendUnits(t, s.Open("T", 1), 0, 100)
	mustClose(t, s)
	damage(fs, func(n int) string { return fmt.Sprintf("/cq/T/0/%020d", n*400) })
	return fs
}

func resize(t *testing.T, fs vfs.FS, name string, size int64) {
	f, err := fs.Open(name)
	must(t, err)
	must(t, f.Truncate(size))
	must(t, f.Close())
}

// tryReadAll reads all units and returns the error that it meets.
func tryReadAll(q *Queue) error {
	units := make([]Unit, 100)
	for at, _ := q.Bounds(); ; {
		n, err := q.Read(units, at)
		if at += int64(n); err != nil || n == 0 {
			return err
		}
	}
}

func removeBounds(t *testing.T, fs vfs.FS) {
	must(t, fs.Remove("/cq.bounds"))
	must(t, fs.RemoveAll("/cq.bounds"+vfs.BackupSuffix))
}

// TestDamagedQueueDoesNotStopTheOthers goes through what can be wrong with a queue's files.
func TestDamagedQueueDoesNotStopTheOthers(t *testing.T) {
	for name, damage := range map[string]func(fs vfs.FS, file func(int) string){
		"short file":            func(fs vfs.FS, file func(int) string) { resize(t, fs, file(2), 200) },
		"short last file":       func(fs vfs.FS, file func(int) string) { resize(t, fs, file(4), 360) },
		"long file":             func(fs vfs.FS, file func(int) string) { resize(t, fs, file(4), 420) },
		"missing file":          func(fs vfs.FS, file func(int) string) { must(t, fs.Remove(file(2))) },
		"missing last file":     func(fs vfs.FS, file func(int) string) { must(t, fs.Remove(file(4))) },
		"empty file":            func(fs vfs.FS, file func(int) string) { resize(t, fs, file(2), 0) },
		"empty first file":      func(fs vfs.FS, file func(int) string) { resize(t, fs, file(0), 0) },
		"empty last file":       func(fs vfs.FS, file func(int) string) { resize(t, fs, file(4), 0) },
		"zeros in a full file":  func(fs vfs.FS, file func(int) string) { zero(t, fs, file(3), 0, 400) },
		"zeros at a file's end": func(fs vfs.FS, file func(int) string) { zero(t, fs, file(3), 380, 20) },
		"zeros in the last":     func(fs vfs.FS, file func(int) string) { zero(t, fs, file(4), 200, 200) },
		"bad name":              func(fs vfs.FS, file func(int) string) { must(t, fs.Rename(file(4), "/cq/T/0/00000000000000001601")) },
		"all files": func(fs vfs.FS, file func(int) string) {
			must(t, fs.RemoveAll("/cq/T/0"))
			must(t, fs.MkdirAll("/cq/T/0"))
		},
		"directory": func(fs vfs.FS, file func(int) string) { must(t, fs.RemoveAll("/cq/T/0")) },
	} {
		t.Run(name, func(t *testing.T) {
			fs := damagedStore(t, damage)

			// After an orderly stop the damage is met when the queue is used, or when its directory is listed.
			s := mustOpen(t, Options{FS: fs, FileSize: 400, Clean: true, DurableTo: 10_000})
			wantUnits(t, s.Open("T", 1), 0, 100)
			if err := tryReadAll(s.Open("T", 0)); err != nil {
				wantErr(t, err, ErrDamaged)
				if !strings.Contains(err.Error(), "T/0") {
					t.Fatalf("%q doesn't name the queue", err)
				}
				if _, next := s.Open("T", 0).Bounds(); next != 100 {
					t.Fatalf("next is %d, expected 100 as the table has it", next)
				}
			} else if len(s.Lost()) != 1 || s.ReplayFrom() != 0 {
				t.Fatalf("%v are lost, replay is from %d, expected one queue and 0", s.Lost(), s.ReplayFrom())
			}
			fs = fs.Kill()

			// After any other stop it is repaired as far as possible, and the log brings the rest.
			s = mustOpen(t, Options{FS: fs, FileSize: 400, DurableTo: 10_000})
			if lost := s.Lost(); len(lost) != 1 || lost[0].Topic != "T" || lost[0].QueueID != 0 || s.ReplayFrom() != 0 {
				t.Fatalf("%v are lost, replay is from %d, expected T/0 and 0", lost, s.ReplayFrom())
			}
			wantErr(t, s.Lost()[0].Err, ErrDamaged)
			wantUnits(t, s.Open("T", 1), 0, 100)
			for _, id := range []int32{0, 1} {
				for i := range int64(100) {
					must(t, s.Open("T", id).Append(i, unitAt(i)))
				}
				wantUnits(t, s.Open("T", id), 0, 100)
			}
			mustClose(t, s)
			s = mustOpen(t, Options{FS: fs, FileSize: 400, Clean: true, DurableTo: 10_000})
			wantUnits(t, s.Open("T", 0), 0, 100)
		})
	}
}

func zero(t *testing.T, fs vfs.FS, name string, off, n int64) {
	f, err := fs.Open(name)
	must(t, err)
	must(t, f.ZeroRange(off, n))
	must(t, f.Close())
}

func TestOtherFileSizeIsRefused(t *testing.T) {
	fs := damagedStore(t, func(vfs.FS, func(int) string) {})
	for _, size := range []int64{0, 200, 420, 800, 6_000_000} {
		for _, clean := range []bool{true, false} {
			_, err := Open(Options{FS: fs, Dir: "/cq", FileSize: size, Clean: clean, DurableTo: 10_000})
			wantErr(t, err, ErrFileSize)
			if !strings.Contains(err.Error(), "/cq/T/0/00000000000000000000: 400 bytes, expected") {
				t.Fatalf("%q doesn't name a file and its size", err)
			}
		}
	}
	s := mustOpen(t, Options{FS: fs, FileSize: 400, DurableTo: 10_000}) // nothing was touched
	wantUnits(t, s.Open("T", 0), 0, 100)
}

func TestWhatIsNotOursIsLeftAlone(t *testing.T) {
	fs := damagedStore(t, func(fs vfs.FS, _ func(int) string) {
		for _, name := range []string{"/cq/T/0/README", "/cq/T/0/0000000000000000400", "/cq/T/-1/x", "/cq/T/01/x", "/cq/T/x/y", "/cq/file"} {
			if i := strings.LastIndex(name, "/"); i > 0 {
				must(t, fs.MkdirAll(name[:i]))
			}
			must(t, vfs.WriteFileAtomic(fs, name, []byte("x")))
		}
	})
	for _, clean := range []bool{true, false} {
		s := mustOpen(t, Options{FS: fs, FileSize: 400, Clean: clean, DurableTo: 10_000})
		wantUnits(t, s.Open("T", 0), 0, 100)
		if n := s.Stats().Queues; n != 2 || len(s.Lost()) > 0 {
			t.Fatalf("%d queues, %v lost, expected 2 and none", n, s.Lost())
		}
		mustClose(t, s)
	}
	if b, err := vfs.ReadFile(fs, "/cq/T/0/README"); string(b) != "x" {
		t.Fatal(b, err)
	}
}

func TestEmptyLastFileIsRemoved(t *testing.T) {
	for _, clean := range []bool{true, false} {
		fs := damagedStore(t, func(fs vfs.FS, file func(int) string) {
			f, err := fs.Create(file(5))
			must(t, err)
			must(t, f.Close())
		})
		s := mustOpen(t, Options{FS: fs, FileSize: 400, Clean: clean, DurableTo: 10_000})
		wantUnits(t, s.Open("T", 0), 0, 100)
		if len(s.Lost()) > 0 {
			t.Fatalf("%v lost, expected none", s.Lost())
		}
		if names := fileNames(t, fs, "/cq/T/0"); len(names) != 5 {
			t.Fatalf("files %v, expected 5", names)
		}
	}
}

func TestMissingDirectoryLosesEverything(t *testing.T) {
	fs := damagedStore(t, func(fs vfs.FS, _ func(int) string) {
		must(t, fs.RemoveAll("/cq"))
		removeBounds(t, fs)
	})
	s := mustOpen(t, Options{FS: fs, FileSize: 400, Clean: true, DurableTo: 10_000})
	if s.ReplayFrom() != 0 || len(s.Lost()) != 1 || s.Lost()[0].Topic != "" {
		t.Fatalf("%v lost, replay from %d, expected everything from 0", s.Lost(), s.ReplayFrom())
	}
	s = mustOpen(t, Options{FS: vfs.NewMem(), FileSize: 400}) // a new store
	if s.ReplayFrom() != 0 || len(s.Lost()) != 0 {
		t.Fatalf("%v lost, expected nothing", s.Lost())
	}
}

// TestUnitsOfRetiredRecordsAreKept: the log can't bring them back, and they tell the next offset.
func TestUnitsOfRetiredRecordsAreKept(t *testing.T) {
	fs := damagedStore(t, func(fs vfs.FS, _ func(int) string) { removeBounds(t, fs) })
	s := mustOpen(t, Options{FS: fs, FileSize: 400, MinLog: 7000}) // as after a crash of a broker that noted no progress
	wantBounds(t, s.Open("T", 0), 70, 70)
	appendUnits(t, s.Open("T", 0), 70, 105)
	wantUnits(t, s.Open("T", 0), 70, 105)
	mustClose(t, s)
	s = mustOpen(t, Options{FS: fs, FileSize: 400, MinLog: 20_000})
	wantBounds(t, s.Open("T", 0), 105, 105)
}

// TestQueueOfWhichNothingSurvivedBeginsWhereTheLogSays: the first file's name is but a guess.
func TestQueueOfWhichNothingSurvivedBeginsWhereTheLogSays(t *testing.T) {
	fs := damagedStore(t, func(fs vfs.FS, file func(int) string) {
		removeBounds(t, fs)
		must(t, fs.Remove(file(0)))
	})
	mustOpen(t, Options{FS: fs, FileSize: 400})
	fs = fs.Kill() // before the owner does anything
	s := mustOpen(t, Options{FS: fs, FileSize: 400})
	q := s.Open("T", 0)
	wantBounds(t, q, 20, 20)
	appendUnits(t, q, 7, 30)
	wantUnits(t, q, 7, 30)
	mustClose(t, s)
}

// TestQueueThatHasFoundItsBeginDoesNotBeginAnew: it may begin anywhere once only.
func TestQueueThatHasFoundItsBeginDoesNotBeginAnew(t *testing.T) {
	o := Options{FS: vfs.NewMem(), FileSize: 400}
	s := mustOpen(t, o)
	appendUnits(t, s.Open("T", 0), 1, 2)
	must(t, s.Truncate(0))
	o.FS = o.FS.(*vfs.Mem).Kill()
	s = mustOpen(t, o)
	appendUnits(t, s.Open("T", 0), 1, 3)
	must(t, s.Flush())
	o.FS, o.DurableTo = o.FS.(*vfs.Mem).Kill(), 300
	s = mustOpen(t, o)
	appendUnits(t, s.Open("T", 0), 2, 3)
	wantUnits(t, s.Open("T", 0), 1, 3)
}

// TestFillersWithoutAUnitBehindThemDoNotCount: the message that they were written for is gone.
func TestFillersWithoutAUnitBehindThemDoNotCount(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs, FileSize: 4000})
	appendUnits(t, s.Open("T", 0), 0, 95)
	must(t, s.SetMinLog(9500))
	appendUnits(t, s.Open("T", 0), 110, 111)
	must(t, s.Flush())
	s = mustOpen(t, Options{FS: fs.Kill(), FileSize: 4000, DurableTo: 11_000, MinLog: 9500})
	wantBounds(t, s.Open("T", 0), 95, 95)
	must(t, s.Open("T", 0).Append(95, Unit{LogOffset: 11_000, Size: 1}))
	wantBounds(t, s.Open("T", 0), 95, 96)
}

// TestTornLogOffsetDoesNotSurvive sets up the one torn unit that looks like a good one: a border of two sectors after
// the first four bytes of a log offset, of which the disk has the part behind it only.
func TestTornLogOffsetDoesNotSurvive(t *testing.T) {
	const n = 51                 // begins at byte 1020, 4 before a border
	const meant = 5<<30 + 20_000 // its lower half reads 1<<30 + 20,000
	for _, verdict := range []string{"none", "torn", "whole"} {
		t.Run(verdict, func(t *testing.T) {
			fs := vfs.NewMem()
			s := mustOpen(t, Options{FS: fs, FileSize: 4000})
			q := s.Open("T", 0)
			appendUnits(t, q, 0, n)
			must(t, q.Append(n, Unit{LogOffset: meant & 0xFFFFFFFF, Size: 100, TagCode: 1}))
			must(t, s.Flush())
			fs = fs.Kill()

			o := Options{FS: fs, FileSize: 4000, DurableTo: 5 << 30, LogEnd: 5<<30 + 30_000}
			if verdict != "none" {
				o.Holds = func(topic string, id int32, queueOffset, logOffset int64) bool {
					if topic != "T" || id != 0 || queueOffset != n || logOffset != meant&0xFFFFFFFF {
						t.Errorf("asked for %s/%d, queue offset %d at %d", topic, id, queueOffset, logOffset)
					}
					return verdict == "whole"
				}
			}
			s = mustOpen(t, o)
			q = s.Open("T", 0)
			switch verdict {
			case "none": // can't be known: the queue is rebuilt, and the queue offset isn't given again
				if s.ReplayFrom() != 0 || len(s.Lost()) != 1 {
					t.Fatalf("replay from %d, %v lost, expected 0 and the queue", s.ReplayFrom(), s.Lost())
				}
				wantBounds(t, q, n+1, n+1)
				appendUnits(t, q, 0, n)
			case "torn":
				wantUnits(t, q, 0, n)
			case "whole":
				wantBounds(t, q, 0, n+1)
				return
			}
			must(t, q.Append(n, Unit{LogOffset: meant, Size: 100}))
			wantBounds(t, q, 0, n+1)
		})
	}
}

func TestMayBeTorn(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		off, logOffset, durableTo, logEnd int64
		want                              bool
	}{
		{508, gib, 5 * gib, 5*gib + 1, true},
		{508, gib, 5 * gib, 4*gib + 1, true},            // the log may have lost its end
		{508, gib, 5*gib + 1, 6 * gib, false},           // 9 GiB is the next that ends so
		{508, 2*gib + 1, 5 * gib, 5*gib + 1, false},     // 6 GiB is beyond the log's end and what it may have lost
		{508, 4*gib + 1, 5 * gib, 6 * gib, false},       // has a part before the border
		{504, 0, 5, 10, true},                           // all of the log offset is behind the border
		{504, 1, 5, 10, false},                          //
		{500, gib, 5 * gib, 6 * gib, false},             // the border lies behind the log offset
		{512, gib, 5 * gib, 6 * gib, false},             // no border within
		{506, 0x1234, 1 << 40, 1<<40 + 0x2000, true},    // batch units: two bytes behind the border
		{506, 0x1_1234, 1 << 40, 1<<40 + 0x2000, false}, //
	} {
		if got := mayBeTorn(c.off, c.logOffset, c.durableTo, c.logEnd); got != c.want {
			t.Errorf("unit at %d reads %d, durable to %d, log end %d: %v, expected %v", c.off, c.logOffset, c.durableTo, c.logEnd, got, c.want)
		}
	}
}

// TestUnfinishedRecoveryIsMadeDurableByTheNextOne: a recovery cuts a queue and is killed before it syncs. The next one
// finds nothing to cut. Should the power fail later, the old units must not come back among those of newer records.
func TestUnfinishedRecoveryIsMadeDurableByTheNextOne(t *testing.T) {
	for seed := range uint64(20) {
		mem := vfs.NewMem()
		s := mustOpen(t, Options{FS: mem, FileSize: 400})
		appendUnits(t, s.Open("T", 0), 0, 50)
		must(t, s.Flush())
		mem = mem.Kill()

		o := Options{Dir: "/cq", FileSize: 400, DurableTo: 3000, LogEnd: 3000}
		f := failing{kind: vfs.OpDatasync, err: errDead}
		f.on.Store(true)
		o.FS = f.fs(mem)
		_, err := Open(o)
		wantErr(t, err, errDead)
		mem = mem.Kill()

		o.FS = mem
		s = mustOpen(t, o)
		wantUnits(t, s.Open("T", 0), 0, 30)
		must(t, s.Flush()) // now the owner goes on to 10,000, with messages of other queues
		mem = mem.Crash(rand.New(rand.NewPCG(seed, 0)))

		s = mustOpen(t, Options{FS: mem, FileSize: 400, DurableTo: 10_000, LogEnd: 20_000})
		wantUnits(t, s.Open("T", 0), 0, 30)
	}
}

// TestUnitsBehindAHoleDoNotComeBack: of what was written after the last flush, a power loss may have kept a later page
// and not an earlier one. The queue gets nothing more before an orderly stop, and must not be longer after it.
func TestUnitsBehindAHoleDoNotComeBack(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs, FileSize: 4000})
	appendUnits(t, s.Open("T", 0), 0, 150)
	must(t, s.Flush())
	fs = fs.Kill()
	zero(t, fs, "/cq/T/0/00000000000000000000", 30*UnitSize, 10*UnitSize)
	o := Options{FS: fs, FileSize: 4000, DurableTo: 3000}
	s = mustOpen(t, o)
	wantUnits(t, s.Open("T", 0), 0, 30)
	mustClose(t, s)
	o.Clean = true
	for range 2 {
		s = mustOpen(t, o)
		wantUnits(t, s.Open("T", 0), 0, 30)
		mustClose(t, s)
	}
	s = mustOpen(t, o)
	appendUnits(t, s.Open("T", 0), 30, 40)
	wantUnits(t, s.Open("T", 0), 0, 40)
	mustClose(t, s)
	removeBounds(t, fs)
	s = mustOpen(t, o)
	wantUnits(t, s.Open("T", 0), 0, 40)
}

// FuzzRecoverFile gives recovery files of arbitrary content.
func FuzzRecoverFile(f *testing.F) {
	var whole []byte
	for i := range int64(40) {
		whole = AppendUnit(whole, unitAt(i))
	}
	f.Add(whole, int64(10_000), false)
	f.Add(whole[:413], int64(3000), true)
	f.Add(append(AppendUnit(nil, filler), whole[20:]...), int64(1<<40), false)
	f.Add(slices.Repeat([]byte{0xFF}, 800), int64(1<<62), true)
	f.Fuzz(func(t *testing.T, content []byte, durableTo int64, clean bool) {
		fs := vfs.NewMem()
		must(t, fs.MkdirAll("/cq/T/0"))
		file := make([]byte, 2000)
		copy(file, content)
		must(t, vfs.WriteFileAtomic(fs, "/cq/T/0/00000000000000000000", file))
		s, err := Open(Options{FS: fs, Dir: "/cq", FileSize: 2000, DurableTo: durableTo, Clean: clean})
		if err != nil {
			t.Fatal(err)
		}
		q := s.Open("T", 0)
		first, next := q.Bounds()
		units := make([]Unit, 200)
		n, err := q.Read(units, first)
		must(t, err)
		last := int64(-1)
		for _, u := range units[:n] {
			if u.Filler() {
				continue
			}
			if u.LogOffset <= last || !clean && u.LogOffset >= durableTo || u.Size <= 0 {
				t.Fatalf("unit %v after log offset %d, durable to %d", u, last, durableTo)
			}
			last = u.LogOffset
		}
		if int64(n) != next-first {
			t.Fatalf("%d units in %d … %d", n, first, next)
		}
		// Whatever there was, the queue goes on.
		if err := q.Append(next, Unit{LogOffset: 1<<62 + 1, Size: 1}); err != nil && !clean {
			t.Fatal(err)
		}
		_, _ = q.SeekTime(5, Upper, func(logOffset int64, _ int32) (int64, error) { return logOffset, nil })
		if err := s.Truncate(1 << 62); err != nil && !clean {
			t.Fatal(err)
		}
		must(t, s.Close())
	})
}
