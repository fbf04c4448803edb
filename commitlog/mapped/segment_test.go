package mapped

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

const segmentSize = 16 << 10

func newSegment(t *testing.T) (*Segment, *vfs.Mem) {
	t.Helper()
	mem := vfs.NewMem()
	if err := mem.MkdirAll("d"); err != nil {
		t.Fatal(err)
	}
	s, err := Create(mem, "d", segmentSize, segmentSize)
	if err != nil {
		t.Fatal(err)
	}
	return s, mem
}

func exists(fsys vfs.FS, name string) bool {
	_, err := fsys.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

func TestNamesAreTwentyDigits(t *testing.T) {
	for base, name := range map[int64]string{0: "00000000000000000000", 1 << 30: "00000000001073741824", 1<<63 - 1: "09223372036854775807"} {
		if got := Name(base); got != name {
			t.Errorf("%d: %s", base, got)
		}
		if got, ok := ParseName(name); got != base || !ok {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "0", "0000000000000000000", "000000000000000000000", "0000000000000000000a", "-0000000000000000001",
		"+0000000000000000001", "99999999999999999999", "00000000000000000000.bak"} {
		if base, ok := ParseName(name); ok {
			t.Errorf("%q: %d", name, base)
		}
	}
}

func TestANewSegmentIsThereAfterAPowerLoss(t *testing.T) {
	for seed := range uint64(20) {
		s, mem := newSegment(t)
		mem = mem.Crash(newRand(seed))
		again, err := Open(mem, "d", s.Base(), segmentSize, false)
		if err != nil {
			t.Fatal(err)
		}
		if again.Base() != segmentSize || again.End() != 2*segmentSize || again.Size() != segmentSize || again.Path() != "d/"+Name(segmentSize) || again.Dir() != "d" {
			t.Errorf("[%d,%d) of %d bytes, %s in %s", again.Base(), again.End(), again.Size(), again.Path(), again.Dir())
		}
	}
}

func TestWhatIsWrittenShowsInTheMapping(t *testing.T) {
	s, _ := newSegment(t)
	b := s.Bytes(100, 5)
	if err := s.WriteAt([]byte("hello"), 100); err != nil {
		t.Fatal(err)
	}
	if string(b) != "hello" || cap(b) != 5 {
		t.Errorf("%q, room for %d", b, cap(b))
	}
	p := make([]byte, 5)
	for name, read := range map[string]func([]byte, int64) error{"read": s.ReadAt, "read resident": s.ReadResident} {
		if err := read(p, 100); err != nil || string(p) != "hello" {
			t.Errorf("%s: %q, %v", name, p, err)
		}
	}
	if err := s.Zero(102, 2); err != nil || string(b) != "he\x00\x00o" {
		t.Errorf("zeroed: %q, %v", b, err)
	}
}

func TestNoWriteLeavesTheSegment(t *testing.T) {
	s, mem := newSegment(t)
	for _, pos := range []int64{-1, segmentSize - 4, segmentSize, 1 << 62} {
		if err := s.WriteAt([]byte("hello"), pos); err == nil || !strings.Contains(err.Error(), s.Path()) {
			t.Errorf("at %d: %v", pos, err)
		}
	}
	if info, _ := mem.Stat(s.Path()); info.Size != segmentSize {
		t.Errorf("the file has %d bytes", info.Size)
	}
}

func TestASegmentLivesUntilItsLastReaderLetsGo(t *testing.T) {
	s, mem := newSegment(t)
	if err := s.WriteAt([]byte("hello"), 0); err != nil {
		t.Fatal(err)
	}
	if s.Pinned() || !s.Acquire() || !s.Pinned() {
		t.Error("one reference is the owner's, the second a reader's")
	}
	b := s.Bytes(0, 5)
	if err := s.Retire(true); err != nil {
		t.Fatal(err)
	}
	if exists(mem, s.Path()) || exists(mem.Crash(newRand(1)), s.Path()) {
		t.Error("the name is still there")
	}
	if string(b) != "hello" || !s.Acquire() {
		t.Error("the reader lost it")
	}
	s.Release()
	s.Release()
	if s.Acquire() {
		t.Error("it is there after the last release")
	}
	if s.Base() != segmentSize || s.End() != 2*segmentSize {
		t.Error("it forgot where it was")
	}
}

func TestRetiringWithoutRemovalKeepsTheFile(t *testing.T) {
	s, mem := newSegment(t)
	if err := s.Retire(false); err != nil || !exists(mem, s.Path()) || s.Acquire() {
		t.Errorf("%v, file there: %v", err, exists(mem, s.Path()))
	}
}

func TestUnlinkCanBeRepeated(t *testing.T) {
	mem := vfs.NewMem()
	mem.MkdirAll("d")
	fail := vfs.OpKind("")
	s, err := Create(vfs.Fault(mem, func(op vfs.Op) error {
		if op.Kind == fail {
			return vfs.ErrIO
		}
		return nil
	}), "d", 0, segmentSize)
	if err != nil {
		t.Fatal(err)
	}
	for _, fail = range []vfs.OpKind{vfs.OpRemove, vfs.OpSyncDir, ""} {
		if err := s.Unlink(); (fail != "") != errors.Is(err, vfs.ErrIO) {
			t.Errorf("%s fails: %v", fail, err)
		}
	}
	if err := s.Retire(true); err != nil {
		t.Error(err)
	}
	if exists(mem.Crash(newRand(1)), s.Path()) {
		t.Error("the name is still there")
	}
}

func TestAFailedCreationLeavesNothing(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpCreate, vfs.OpPreallocate, vfs.OpMap, vfs.OpSync, vfs.OpSyncDir} {
		mem := vfs.NewMem()
		mem.MkdirAll("d")
		_, err := Create(vfs.Fault(mem, func(op vfs.Op) error {
			if op.Kind == kind {
				return vfs.ErrFull
			}
			return nil
		}), "d", 0, segmentSize)
		if !errors.Is(err, vfs.ErrFull) || !strings.Contains(err.Error(), Name(0)) {
			t.Errorf("%s: %v", kind, err)
		}
		if entries, _ := mem.ReadDir("d"); len(entries) != 0 {
			t.Errorf("%s: %d files are left", kind, len(entries))
		}
	}
}

func TestOpenRefusesAFileOfAnotherSize(t *testing.T) {
	s, mem := newSegment(t)
	mem = mem.Kill()
	if _, err := Open(mem, "d", s.Base(), segmentSize+1, false); err == nil || !strings.Contains(err.Error(), "16384") {
		t.Error(err)
	}
	if _, err := Open(mem, "d", 0, segmentSize, false); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	ro, err := Open(mem, "d", s.Base(), segmentSize, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := ro.WriteAt([]byte("x"), 0); err == nil {
		t.Error("a read-only segment was written")
	}
}

func TestErrorsNameTheSegment(t *testing.T) {
	mem := vfs.NewMem()
	mem.MkdirAll("d")
	on := false
	s, err := Create(vfs.Fault(mem, func(vfs.Op) error {
		if on {
			return vfs.ErrIO
		}
		return nil
	}), "d", 0, segmentSize)
	if err != nil {
		t.Fatal(err)
	}
	on = true
	p := make([]byte, 5)
	for name, err := range map[string]error{"write": s.WriteAt(p, 7), "read": s.ReadAt(p, 7), "zero": s.Zero(7, 5), "datasync": s.Datasync(), "sync": s.SyncName()} {
		if !errors.Is(err, vfs.ErrIO) || !strings.Contains(err.Error(), s.Path()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.ReadResident(p, 7); !errors.Is(err, vfs.ErrIO) {
		t.Error(err)
	}
	s.StartWriteback(0, 5)
}

func TestReadingAndPinningAllocateNothing(t *testing.T) {
	s, _ := newSegment(t)
	var set Set
	set.Push(s)
	if n := testing.AllocsPerRun(100, func() {
		got := set.Acquire(segmentSize + 5)
		_ = got.Bytes(5, 10)
		got.Release()
	}); n != 0 {
		t.Errorf("%.1f allocations", n)
	}
}
