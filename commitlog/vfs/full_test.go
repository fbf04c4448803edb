package vfs_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// tinyDisk has room for pages pages.
func tinyDisk(t *testing.T, pages int64) *vfs.Mem {
	t.Helper()
	m := memWithDir(t, "/d")
	m.SetCapacity(pages * 4096)
	return m
}

func wantUsed(t *testing.T, m *vfs.Mem, pages int64) {
	t.Helper()
	if u, err := m.Usage("/d"); err != nil || u.Used != pages*4096 {
		t.Fatalf("used %d, %v, want %d pages", u.Used, err, pages)
	}
}

func TestAFullDiskTakesPartOfAWriteAndSaysSo(t *testing.T) {
	m := tinyDisk(t, 2)
	f := create(t, m, "/d/f", "")
	n, err := f.WriteAt(make([]byte, 9000), 100)
	if n != 2*4096-100 {
		t.Errorf("%d bytes written", n)
	}
	wantError(t, err, vfs.ErrFull, "/d/f")
	wantError(t, err, syscall.ENOSPC, "/d/f")
	if size, err := f.Size(); size != 2*4096 || err != nil {
		t.Errorf("size %d, %v", size, err)
	}
	n, err = f.WriteAt([]byte("x"), 2*4096)
	if n != 0 {
		t.Errorf("%d bytes written", n)
	}
	wantError(t, err, vfs.ErrFull, "/d/f")
	wantUsed(t, m, 2)
}

func TestAFullDiskRefusesNewFilesAndPreallocation(t *testing.T) {
	m := tinyDisk(t, 2)
	f := create(t, m, "/d/f", "x")
	wantError(t, f.Preallocate(3*4096), vfs.ErrFull, "/d/f")
	if size, err := f.Size(); size != 1 || err != nil {
		t.Errorf("size %d, %v", size, err)
	}
	_, err := m.Create("/d/g")
	wantError(t, err, vfs.ErrFull, "/d/g")
	_, err = m.Lock("/d/lock", nil)
	wantError(t, err, vfs.ErrFull, "/d/lock")
}

func TestPreallocatedBytesCannotMeetAFullDisk(t *testing.T) {
	m := tinyDisk(t, 2)
	f := create(t, m, "/d/f", "")
	ok(t, f.Preallocate(2*4096))
	write(t, f, strings.Repeat("x", 2*4096), 0)
	ok(t, f.ZeroRange(0, 2*4096))
	write(t, f, "again", 5000)
}

func TestHolesTakeNoSpace(t *testing.T) {
	m := tinyDisk(t, 1)
	f := create(t, m, "/d/f", "")
	ok(t, f.Truncate(1<<20))
	wantUsed(t, m, 0)
	write(t, f, "x", 1<<19)
	wantUsed(t, m, 1)
}

func TestSpaceIsFreeAgainWhenNobodyHasTheFile(t *testing.T) {
	m := tinyDisk(t, 10)
	f := create(t, m, "/d/f", strings.Repeat("x", 4*4096))
	b, err := f.Map(10)
	ok(t, err)
	ok(t, f.Truncate(3*4096))
	wantUsed(t, m, 3)
	ok(t, m.Remove("/d/f"))
	wantUsed(t, m, 3)
	ok(t, f.Close())
	wantUsed(t, m, 3) // the mapping
	ok(t, f.Unmap(b))
	wantUsed(t, m, 0)

	ok(t, create(t, m, "/d/a", "x").Close())
	ok(t, create(t, m, "/d/b", "x").Close())
	wantUsed(t, m, 2)
	ok(t, m.Rename("/d/a", "/d/b"))
	wantUsed(t, m, 1)
	wantUsed(t, m.Kill(), 1)
}

func TestUsageIsCountedAnewAfterACrash(t *testing.T) {
	m := tinyDisk(t, 10)
	f := durableFile(t, m, "/d/f", strings.Repeat("x", 2*4096))
	ok(t, f.Preallocate(4*4096))
	ok(t, f.Sync())
	after := m.Crash(seeded(1))
	wantUsed(t, after, 4)
	after.SetCapacity(4 * 4096)
	g, err := after.Open("/d/f")
	ok(t, err)
	write(t, g, strings.Repeat("y", 4*4096), 0)
	if _, err := after.Create("/d/g"); !errors.Is(err, vfs.ErrFull) {
		t.Errorf("Create: %v", err)
	}
}
