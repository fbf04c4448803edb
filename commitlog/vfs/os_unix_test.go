//go:build unix

package vfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func newOSTestFile(t testing.TB) *osFile {
	t.Helper()
	f, err := OS().Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f.(*osFile)
}

func TestRealFilesWorkWithoutAllocating(t *testing.T) {
	f := newOSTestFile(t)
	b := make([]byte, 4096)
	for _, c := range []struct {
		name string
		call func() error
	}{
		{"WriteAt", func() error { _, err := f.WriteAt(b, 0); return err }},
		{"ReadAt", func() error { _, err := f.ReadAt(b, 0); return err }},
		{"ReadResident", func() error { _, err := f.ReadResident(b, 0); return err }},
		{"Size", func() error { _, err := f.Size(); return err }},
		{"Datasync", f.Datasync},
		{"StartWriteback", func() error { return f.StartWriteback(0, 4096) }},
	} {
		n := testing.AllocsPerRun(20, func() {
			if err := c.call(); err != nil && err != ErrNotResident {
				t.Fatal(c.name, err)
			}
		})
		if n != 0 {
			t.Errorf("%s allocates %v times", c.name, n)
		}
	}
}

func TestARealFullDiskIsErrFull(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has /dev/full")
	}
	f, err := OS().Open("/dev/full")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = f.WriteAt([]byte("x"), 0)
	if !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "/dev/full") {
		t.Errorf("got %v", err)
	}
}

func TestErrorsCarryTheSentinelAndTheErrno(t *testing.T) {
	for errno, sentinel := range map[syscall.Errno]error{
		syscall.ENOSPC: ErrFull, syscall.EDQUOT: ErrFull, syscall.EIO: ErrIO, syscall.ENOENT: fs.ErrNotExist,
	} {
		for _, err := range []error{
			opError("write", "/f", errno),
			opError("write", "/f", &fs.PathError{Op: "pwrite", Path: "/f", Err: errno}),
			renameError("/f", "/g", &os.LinkError{Op: "rename", Old: "/f", New: "/g", Err: errno}),
		} {
			if !errors.Is(err, sentinel) || !errors.Is(err, errno) || strings.Count(err.Error(), "/f") != 1 {
				t.Errorf("%v", err)
			}
		}
	}
}

func TestPreallocationReservesBlocks(t *testing.T) {
	f := newOSTestFile(t)
	if reserve(f.fd, 1) != nil {
		t.Skip("the file system does not reserve")
	}
	if err := f.Preallocate(1 << 20); err != nil {
		t.Fatal(err)
	}
	info, err := f.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if blocks := info.Sys().(*syscall.Stat_t).Blocks * 512; blocks < 1<<20 {
		t.Errorf("%d bytes reserved", blocks)
	}
}

func TestZerosAreWrittenWhereTheFileSystemCannotZero(t *testing.T) {
	f := newOSTestFile(t)
	content := bytes.Repeat([]byte("x"), 700<<10)
	if _, err := f.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.writeZeros(3, 600<<10); err != nil {
		t.Fatal(err)
	}
	clear(content[3 : 3+600<<10])
	if got, err := ReadFile(OS(), f.Name()); err != nil || !bytes.Equal(got, content) {
		t.Errorf("wrong content, %v", err)
	}
}

func TestPOSIXLockExcludesThisProcessToo(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	lock := func() (*fileLock, error) {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, filePerm)
		if err != nil {
			t.Fatal(err)
		}
		return posixLocks.lock(f)
	}
	l, err := lock()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := lock(); !errors.Is(err, ErrLocked) {
			t.Fatalf("a second lock: %v", err)
		}
	}
	// The refused ones must not have dropped the lock, which shows by an OFD lock: it conflicts with POSIX locks.
	if runtime.GOOS == "linux" {
		if _, err := OS().Lock(name, nil); !errors.Is(err, ErrLocked) {
			t.Fatalf("the lock was dropped: %v", err)
		}
	}
	l.Close()
	l, err = lock()
	if err != nil {
		t.Fatalf("after closing: %v", err)
	}
	l.Close()
}

func TestDegradedLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	lacks, err := Degraded(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("here: %q", lacks)
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	if _, err := Degraded(filepath.Join(dir, "no")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no directory: %v", err)
	}
}
