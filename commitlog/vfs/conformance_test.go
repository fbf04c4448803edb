package vfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// onEach runs a test on the real file system, on the one in memory, and through a Fault that never fails.
func onEach(t *testing.T, test func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Helper()
	t.Run("OS", func(t *testing.T) { test(t, vfs.OS(), t.TempDir()) })
	t.Run("Mem", func(t *testing.T) { test(t, memWithDir(t, "/d"), "/d") })
	t.Run("Fault", func(t *testing.T) {
		test(t, vfs.Fault(memWithDir(t, "/d"), func(vfs.Op) error { return nil }), "/d")
	})
}

func memWithDir(t *testing.T, dir string) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	ok(t, m.MkdirAll(dir))
	return m
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, fsys vfs.FS, name string, content string) vfs.File {
	t.Helper()
	f, err := fsys.Create(name)
	ok(t, err)
	write(t, f, content, 0)
	t.Cleanup(func() { f.Close() })
	return f
}

func write(t *testing.T, f vfs.File, content string, off int64) {
	t.Helper()
	n, err := f.WriteAt([]byte(content), off)
	if n != len(content) || err != nil {
		t.Fatalf("WriteAt: %d of %d bytes, %v", n, len(content), err)
	}
}

func wantContent(t *testing.T, fsys vfs.FS, name, want string) {
	t.Helper()
	got, err := vfs.ReadFile(fsys, name)
	if err != nil || string(got) != want {
		t.Fatalf("%s: %q, %v, want %q", name, got, err, want)
	}
}

func wantMissing(t *testing.T, fsys vfs.FS, name string) {
	t.Helper()
	if _, err := fsys.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Stat(%s): %v, want fs.ErrNotExist", name, err)
	}
}

// wantError checks the kind of an error and that it names the file.
func wantError(t *testing.T, err, want error, name string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	if !bytes.Contains([]byte(err.Error()), []byte(name)) {
		t.Fatalf("error %q does not name %s", err, name)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		f := create(t, fsys, name, "hello")
		write(t, f, "world", 10000)
		if size, err := f.Size(); size != 10005 || err != nil {
			t.Fatalf("size %d, %v", size, err)
		}
		b := make([]byte, 8)
		if n, err := f.ReadAt(b, 0); n != 8 || err != nil || string(b) != "hello\x00\x00\x00" {
			t.Fatalf("the hole: %d bytes %q, %v", n, b, err)
		}
		if n, err := f.ReadAt(b, 10000); n != 5 || err != io.EOF || string(b[:n]) != "world" {
			t.Fatalf("the end: %d bytes %q, %v", n, b[:n], err)
		}
		if n, err := f.ReadAt(b, 20000); n != 0 || err != io.EOF {
			t.Fatalf("behind the end: %d bytes, %v", n, err)
		}
		ok(t, f.StartWriteback(0, 4096))
		ok(t, f.Datasync())
		ok(t, f.Sync())
		if f.Name() != name {
			t.Fatalf("name %q", f.Name())
		}
		wantContent(t, fsys, name, "hello"+string(make([]byte, 9995))+"world")
	})
}

func TestCreateEmptiesTheFileThatIsThere(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		create(t, fsys, name, "long content")
		create(t, fsys, name, "x")
		wantContent(t, fsys, name, "x")
	})
}

func TestMissingFilesAndDirectoriesAreErrNotExist(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "no", "f")
		_, createErr := fsys.Create(name)
		_, openErr := fsys.Open(name)
		_, readErr := fsys.OpenReadOnly(name)
		_, statErr := fsys.Stat(name)
		_, listErr := fsys.ReadDir(name)
		_, usageErr := fsys.Usage(name)
		for _, err := range []error{
			createErr, openErr, readErr, statErr, listErr, usageErr, fsys.Remove(name),
			fsys.Rename(name, path.Join(dir, "g")), fsys.SyncDir(name), fsys.SetModTime(name, time.Now()),
		} {
			wantError(t, err, fs.ErrNotExist, name)
		}
		ok(t, fsys.RemoveAll(name))
	})
}

func TestTruncateCutsAndGrowsWithZeros(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		f := create(t, fsys, name, "abcdef")
		ok(t, f.Truncate(2))
		ok(t, f.Truncate(5))
		wantContent(t, fsys, name, "ab\x00\x00\x00")
		wantError(t, f.Truncate(-1), syscall.EINVAL, name)
	})
}

func TestPreallocateGrowsWithZerosAndNeverShrinks(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		f := create(t, fsys, name, "abc")
		ok(t, f.Preallocate(0))
		ok(t, f.Preallocate(6))
		wantContent(t, fsys, name, "abc\x00\x00\x00")
		ok(t, f.Preallocate(1))
		wantContent(t, fsys, name, "abc\x00\x00\x00")
		wantError(t, f.Preallocate(-1), syscall.EINVAL, name)
	})
}

func TestZeroRangeZeroesJustThatRange(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		content := bytes.Repeat([]byte("x"), 20000)
		f := create(t, fsys, name, string(content))
		ok(t, f.ZeroRange(3000, 9001))
		ok(t, f.ZeroRange(1, 0))
		clear(content[3000:12001])
		wantContent(t, fsys, name, string(content))
		wantError(t, f.ZeroRange(-1, 1), syscall.EINVAL, name)
	})
}

func TestMappingShowsLaterWrites(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		f := create(t, fsys, path.Join(dir, "f"), "")
		ok(t, f.Truncate(8192))
		b, err := f.Map(8192)
		ok(t, err)
		write(t, f, "published", 4090)
		if got := string(b[4090:4099]); got != "published" || len(b) != 8192 {
			t.Fatalf("mapping of %d bytes shows %q", len(b), got)
		}
		ok(t, f.Unmap(b))
	})
}

func TestMappingStaysValidWhenTheFileGrows(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		f := create(t, fsys, path.Join(dir, "f"), "old")
		b, err := f.Map(3)
		ok(t, err)
		ok(t, f.Truncate(3<<20))
		c, err := f.Map(3 << 20)
		ok(t, err)
		write(t, f, "NEW and more", 0)
		if string(b) != "NEW" || string(c[:12]) != "NEW and more" {
			t.Fatalf("mappings show %q and %q", b, c[:12])
		}
		ok(t, f.Unmap(b))
		ok(t, f.Unmap(c))
	})
}

func TestMapRefusesMoreThanTheFile(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		f := create(t, fsys, name, "abc")
		for _, size := range []int64{4, -1} {
			_, err := f.Map(size)
			wantError(t, err, syscall.EINVAL, name)
		}
		b, err := f.Map(0)
		if len(b) != 0 || err != nil {
			t.Fatalf("an empty mapping: %d bytes, %v", len(b), err)
		}
		ok(t, f.Unmap(b))
	})
}

func TestReadResidentReadsOrSaysThatItCannot(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		f := create(t, fsys, path.Join(dir, "f"), "abcdef")
		b := make([]byte, 4)
		// Just written, so it is in memory; a platform that can't tell says no.
		n, err := f.ReadResident(b, 1)
		if err == nil && (n != 4 || string(b) != "bcde") || err != nil && err != vfs.ErrNotResident {
			t.Fatalf("%d bytes %q, %v", n, b, err)
		}
		n, err = f.ReadResident(b, 4)
		if err == io.EOF && (n != 2 || string(b[:2]) != "ef") || err != io.EOF && err != vfs.ErrNotResident {
			t.Fatalf("at the end: %d bytes %q, %v", n, b, err)
		}
		if n, err := f.ReadResident(nil, 0); n != 0 || err != nil {
			t.Fatalf("nothing: %d, %v", n, err)
		}
	})
}

func TestReadOnlyFilesRefuseWrites(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		create(t, fsys, name, "abc")
		f, err := fsys.OpenReadOnly(name)
		ok(t, err)
		defer f.Close()
		if _, err := f.WriteAt([]byte("x"), 0); err == nil {
			t.Fatal("a write succeeded")
		}
		if f.Truncate(0) == nil || f.Preallocate(9) == nil || f.ZeroRange(0, 1) == nil {
			t.Fatal("a change succeeded")
		}
		wantContent(t, fsys, name, "abc")
	})
}

func TestClosedFilesRefuseEverything(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		f := create(t, fsys, name, "abc")
		b, err := f.Map(3)
		ok(t, err)
		ok(t, f.Close())
		_, readErr := f.ReadAt(make([]byte, 1), 0)
		_, residentErr := f.ReadResident(make([]byte, 1), 0)
		_, writeErr := f.WriteAt([]byte("x"), 0)
		_, sizeErr := f.Size()
		_, mapErr := f.Map(1)
		for _, err := range []error{
			readErr, residentErr, writeErr, sizeErr, mapErr, f.Close(), f.Sync(), f.Datasync(),
			f.Truncate(0), f.Preallocate(1), f.ZeroRange(0, 1),
		} {
			wantError(t, err, fs.ErrClosed, name)
		}
		if string(b) != "abc" {
			t.Fatal("the mapping went with the file")
		}
		ok(t, f.Unmap(b))
	})
}

func TestRemovedFileLivesWhileItIsOpen(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		f := create(t, fsys, name, "abc")
		ok(t, fsys.Remove(name))
		wantMissing(t, fsys, name)
		write(t, f, "X", 1)
		b := make([]byte, 3)
		if _, err := f.ReadAt(b, 0); err != nil || string(b) != "aXc" {
			t.Fatalf("%q, %v", b, err)
		}
	})
}

func TestRenameReplacesTheTarget(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		from, to := path.Join(dir, "from"), path.Join(dir, "sub", "to")
		ok(t, fsys.MkdirAll(path.Dir(to)))
		create(t, fsys, from, "new")
		create(t, fsys, to, "old")
		ok(t, fsys.Rename(from, to))
		wantMissing(t, fsys, from)
		wantContent(t, fsys, to, "new")
		ok(t, fsys.Rename(to, to))
		ok(t, fsys.Rename(path.Dir(to), path.Join(dir, "moved")))
		wantContent(t, fsys, path.Join(dir, "moved", "to"), "new")
	})
}

func TestRenameRefusesWhatCannotBe(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		file, sub, full := path.Join(dir, "file"), path.Join(dir, "sub"), path.Join(dir, "full")
		create(t, fsys, file, "")
		ok(t, fsys.MkdirAll(sub))
		ok(t, fsys.MkdirAll(path.Join(full, "x")))
		for _, c := range []struct {
			from, to string
			want     error
		}{
			{file, sub, fs.ErrExist}, // EISDIR or EEXIST, by platform
			{sub, file, syscall.ENOTDIR},
			{sub, full, syscall.ENOTEMPTY},
			{full, path.Join(full, "x", "y"), syscall.EINVAL},
			{file, path.Join(file, "y"), syscall.ENOTDIR},
		} {
			err := fsys.Rename(c.from, c.to)
			if errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.EEXIST) {
				continue
			}
			wantError(t, err, c.want, c.from)
		}
	})
}

func TestDirectoriesListSortedAndGoWhole(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		top := path.Join(dir, "a")
		ok(t, fsys.MkdirAll(path.Join(top, "b", "c")))
		ok(t, fsys.MkdirAll(path.Join(top, "b", "c")))
		create(t, fsys, path.Join(top, "z"), "12")
		create(t, fsys, path.Join(top, "b", "f"), "")
		ok(t, fsys.SyncDir(top))
		entries, err := fsys.ReadDir(top)
		ok(t, err)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if !slices.Equal(names, []string{"b", "z"}) || !entries[0].IsDir() || entries[1].IsDir() {
			t.Fatalf("listed %v", names)
		}
		if info, err := entries[1].Info(); err != nil || info.Size() != 2 || !info.Mode().IsRegular() {
			t.Fatalf("z: %v, %v", info, err)
		}
		wantError(t, fsys.MkdirAll(path.Join(top, "z")), syscall.ENOTDIR, "z")
		wantError(t, fsys.MkdirAll(path.Join(top, "z", "y")), syscall.ENOTDIR, "z")
		if fsys.Remove(top) == nil {
			t.Fatal("a directory that isn't empty was removed")
		}
		ok(t, fsys.Remove(path.Join(top, "b", "c")))
		ok(t, fsys.RemoveAll(top))
		wantMissing(t, fsys, top)
	})
}

func TestOpenRefusesDirectories(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		_, openErr := fsys.Open(dir)
		_, createErr := fsys.Create(dir)
		wantError(t, openErr, syscall.EISDIR, dir)
		wantError(t, createErr, syscall.EISDIR, dir)
	})
}

func TestStatTellsSizeKindAndTime(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		create(t, fsys, name, "abc")
		at := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
		ok(t, fsys.SetModTime(name, at))
		info, err := fsys.Stat(name)
		if err != nil || info.Size != 3 || info.Dir || !info.ModTime.Equal(at) {
			t.Fatalf("%+v, %v", info, err)
		}
		if info, err := fsys.Stat(dir); err != nil || !info.Dir {
			t.Fatalf("%+v, %v", info, err)
		}
	})
}

func TestLockExcludesASecondOneUntilItIsClosed(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "lock")
		create(t, fsys, name, "a longer content of before")
		l, err := fsys.Lock(name, []byte("lock"))
		ok(t, err)
		wantContent(t, fsys, name, "lock")
		for range 2 { // the first refusal must not have dropped the lock
			_, err = fsys.Lock(name, []byte("other"))
			wantError(t, err, vfs.ErrLocked, name)
		}
		wantContent(t, fsys, name, "lock")
		ok(t, l.Close())
		l, err = fsys.Lock(name, []byte("again"))
		ok(t, err)
		ok(t, l.Close())
		wantContent(t, fsys, name, "again")
	})
}

func TestUsageAddsUp(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		create(t, fsys, path.Join(dir, "f"), "abc")
		u, err := fsys.Usage(dir)
		if err != nil || u.Used <= 0 || u.Available <= 0 || u.Ratio() <= 0 || u.Ratio() >= 1 {
			t.Fatalf("%+v, ratio %v, %v", u, u.Ratio(), err)
		}
	})
	if r := (vfs.Usage{}).Ratio(); r != 0 {
		t.Fatalf("ratio of nothing: %v", r)
	}
}

func TestConcurrentWritersAndReadersOfAMapping(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		const size, chunk = 1 << 16, 1 << 10
		f := create(t, fsys, path.Join(dir, "f"), "")
		ok(t, f.Truncate(size))
		b, err := f.Map(size)
		ok(t, err)
		published := make(chan int64)
		for w := range int64(2) {
			go func() {
				for off := w * chunk; off < size; off += 2 * chunk {
					if _, err := f.WriteAt(bytes.Repeat([]byte{byte(off / chunk)}, chunk), off); err != nil {
						t.Error(err)
					}
					if err := f.Datasync(); err != nil {
						t.Error(err)
					}
					published <- off
				}
			}()
		}
		for range size / chunk {
			off := <-published
			if got := b[off : off+chunk]; bytes.Count(got, []byte{byte(off / chunk)}) != chunk {
				t.Errorf("the mapping at %d shows %d…", off, got[0])
			}
		}
		ok(t, f.Unmap(b))
	})
}

func TestMain(m *testing.M) {
	if name := os.Getenv(lockHelperEnv); name != "" {
		lockHelper(name)
	}
	os.Exit(m.Run())
}
