package vfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// every does each operation once and returns its error by kind.
func every(fsys vfs.FS, f vfs.File) map[vfs.OpKind]error {
	errs := map[vfs.OpKind]error{}
	_, errs[vfs.OpCreate] = fsys.Create("/d/f")
	_, errs[vfs.OpOpen] = fsys.Open("/d/f")
	errs[vfs.OpRemove] = fsys.Remove("/d/r")
	errs[vfs.OpRemoveAll] = fsys.RemoveAll("/d/ra")
	errs[vfs.OpRename] = fsys.Rename("/d/f", "/d/f")
	errs[vfs.OpMkdir] = fsys.MkdirAll("/d/dir")
	_, errs[vfs.OpReadDir] = fsys.ReadDir("/d")
	_, errs[vfs.OpStat] = fsys.Stat("/d/f")
	errs[vfs.OpSetModTime] = fsys.SetModTime("/d/f", time.Unix(0, 0))
	errs[vfs.OpSyncDir] = fsys.SyncDir("/d")
	v, err := fsys.OpenVolume("/d")
	errs[vfs.OpOpenVolume] = err
	if err == nil {
		errs[vfs.OpSyncVolume] = v.Sync()
	}
	_, errs[vfs.OpLock] = fsys.Lock("/d/lock", nil)
	_, errs[vfs.OpUsage] = fsys.Usage("/d")
	_, errs[vfs.OpWrite] = f.WriteAt([]byte("abc"), 0)
	_, errs[vfs.OpRead] = f.ReadAt(make([]byte, 3), 0)
	_, errs[vfs.OpReadResident] = f.ReadResident(make([]byte, 3), 0)
	_, errs[vfs.OpSize] = f.Size()
	errs[vfs.OpTruncate] = f.Truncate(3)
	errs[vfs.OpPreallocate] = f.Preallocate(3)
	errs[vfs.OpZeroRange] = f.ZeroRange(0, 1)
	errs[vfs.OpSync] = f.Sync()
	errs[vfs.OpDatasync] = f.Datasync()
	errs[vfs.OpStartWriteback] = f.StartWriteback(0, 1)
	_, errs[vfs.OpMap] = f.Map(1)
	errs[vfs.OpClose] = f.Close()
	return errs
}

func TestEachOperationCanBeMadeToFail(t *testing.T) {
	refuse := vfs.OpKind("")
	var seen []vfs.OpKind
	m := memWithDir(t, "/d")
	fsys := vfs.Fault(m, func(op vfs.Op) error {
		seen = append(seen, op.Kind)
		if op.Kind == refuse {
			return vfs.ErrIO
		}
		return nil
	})
	create(t, m, "/d/r", "")
	kinds := every(fsys, create(t, fsys, "/d/f", ""))
	for kind, err := range kinds {
		if err != nil {
			t.Errorf("%s without a fault: %v", kind, err)
		}
		if !slices.Contains(seen, kind) {
			t.Errorf("%s was not announced", kind)
		}
		f := create(t, fsys, "/d/f", "")
		ok(t, m.RemoveAll("/d/lock"))
		refuse = kind
		errs := every(fsys, f)
		refuse = ""
		if !errors.Is(errs[kind], vfs.ErrIO) {
			t.Errorf("%s with a fault: %v", kind, errs[kind])
		}
	}
}

func TestAFaultNamesOperationAndPath(t *testing.T) {
	fsys := vfs.Fault(memWithDir(t, "/d"), func(op vfs.Op) error {
		if op.Kind == vfs.OpCreate || op.Kind == vfs.OpRename {
			return vfs.ErrIO
		}
		return nil
	})
	_, err := fsys.Create("/d/f")
	if got, want := fmt.Sprint(err), "create /d/f: input/output error"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	var pe *fs.PathError
	if !errors.As(err, &pe) {
		t.Errorf("%T is no *fs.PathError", err)
	}
	err = fsys.Rename("/d/a", "/d/b")
	if got, want := fmt.Sprint(err), "rename /d/a /d/b: input/output error"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAnOperationSaysWhereItIsAboutToHappen(t *testing.T) {
	var got []vfs.Op
	fsys := vfs.Fault(memWithDir(t, "/d"), func(op vfs.Op) error {
		got = append(got, op)
		return nil
	})
	f := create(t, fsys, "/d/f", "")
	got = nil
	write(t, f, "abc", 7)
	ok(t, f.ZeroRange(2, 3))
	ok(t, f.Truncate(4))
	ok(t, fsys.Rename("/d/f", "/d/g"))
	want := []vfs.Op{
		{Kind: vfs.OpWrite, Name: "/d/f", Off: 7, N: 3},
		{Kind: vfs.OpZeroRange, Name: "/d/f", Off: 2, N: 3},
		{Kind: vfs.OpTruncate, Name: "/d/f", N: 4},
		{Kind: vfs.OpRename, Name: "/d/f", NewName: "/d/g"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("announced %+v, want %+v", got, want)
	}
}

func TestAPartialFaultWritesTheFirstBytes(t *testing.T) {
	m := memWithDir(t, "/d")
	fsys := vfs.Fault(m, func(op vfs.Op) error {
		switch op.Kind {
		case vfs.OpWrite:
			return &vfs.Partial{N: 2, Err: vfs.ErrFull}
		case vfs.OpSync:
			return &vfs.Partial{N: 2, Err: vfs.ErrIO}
		}
		return nil
	})
	f, err := fsys.Create("/d/f")
	ok(t, err)
	n, err := f.WriteAt([]byte("abc"), 0)
	if n != 2 {
		t.Errorf("%d bytes written", n)
	}
	wantError(t, err, vfs.ErrFull, "/d/f")
	wantContent(t, m, "/d/f", "ab")
	wantError(t, f.Sync(), vfs.ErrIO, "/d/f")
}

func TestAFaultMakesAFileCold(t *testing.T) {
	fsys := vfs.Fault(memWithDir(t, "/d"), func(op vfs.Op) error {
		if op.Kind == vfs.OpReadResident {
			return vfs.ErrNotResident
		}
		return nil
	})
	f := create(t, fsys, "/d/f", "abc")
	if _, err := f.ReadResident(make([]byte, 1), 0); err != vfs.ErrNotResident {
		t.Errorf("%v, want ErrNotResident itself, as a real file gives it", err)
	}
}

func TestChangesTellsReadersFromWriters(t *testing.T) {
	for kind, want := range map[vfs.OpKind]bool{
		vfs.OpRead: false, vfs.OpMap: false, vfs.OpStat: false, vfs.OpClose: false,
		vfs.OpWrite: true, vfs.OpSync: true, vfs.OpRename: true, vfs.OpCreate: true, vfs.OpLock: true,
	} {
		if kind.Changes() != want {
			t.Errorf("%s: %v", kind, !want)
		}
	}
}
