package consumequeue

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// failing makes the operations of one kind fail while it is on.
type failing struct {
	kind vfs.OpKind
	err  error
	on   atomic.Bool
}

func (f *failing) fs(fs vfs.FS) vfs.FS {
	return vfs.Fault(fs, func(op vfs.Op) error {
		if f.on.Load() && op.Kind == f.kind {
			return f.err
		}
		return nil
	})
}

func TestFullDiskHeals(t *testing.T) {
	fs := vfs.NewMem()
	fs.SetCapacity(40 << 10)
	s := mustOpen(t, Options{FS: fs, FileSize: 4000})
	q := s.Open("T", 0)
	i := int64(0)
	var err error
	for err == nil {
		if err = q.Append(i, unitAt(i)); err == nil {
			i++
		}
	}
	wantErr(t, err, vfs.ErrFull)
	wantUnits(t, q, 0, i) // what isn't on disk is in memory
	wantErr(t, s.Flush(), vfs.ErrFull)

	fs.SetCapacity(1 << 20)
	appendUnits(t, q, 0, i+500)
	must(t, s.Flush())
	wantUnits(t, q, 0, i+500)
	must(t, s.Close())
	s = mustOpen(t, Options{FS: fs, FileSize: 4000, Clean: true})
	wantUnits(t, s.Open("T", 0), 0, i+500)
}

func TestFullDiskWhileTheBeginIsFilledUpHeals(t *testing.T) {
	fs := vfs.NewMem()
	fs.SetCapacity(40 << 10)
	s := mustOpen(t, Options{FS: fs, FileSize: 60_000})
	q := s.Open("T", 0)
	wantErr(t, q.Append(2999, unitAt(2999)), vfs.ErrFull)
	wantBounds(t, q, 0, 0)
	fs.SetCapacity(1 << 20)
	appendUnits(t, q, 2999, 3100)
	wantUnits(t, q, 2999, 3100)
	mustClose(t, s)
}

func TestOneFullQueueDoesNotKeepTheOthersFromTheDisk(t *testing.T) {
	mem := vfs.NewMem()
	full := vfs.Fault(mem, func(op vfs.Op) error {
		if op.Kind == vfs.OpCreate && strings.HasPrefix(op.Name, "/cq/full/") {
			return syscall.ENOSPC
		}
		return nil
	})
	s := mustOpen(t, Options{FS: full})
	appendUnits(t, s.Open("full", 0), 0, 3)
	appendUnits(t, s.Open("other", 0), 0, 3)
	wantErr(t, s.Flush(), syscall.ENOSPC)
	if got := s.DirtyBytes(); got != 3*UnitSize {
		t.Fatalf("%d dirty bytes, expected those of the full queue", got)
	}
}

func TestFailedSyncIsFinal(t *testing.T) {
	for kind, togetherFrom := range map[vfs.OpKind]int{vfs.OpDatasync: 3, vfs.OpSyncDir: 3, vfs.OpSyncVolume: 2} {
		t.Run(string(kind), func(t *testing.T) {
			mem := vfs.NewMem()
			f := failing{kind: kind, err: syscall.EIO}
			s := mustOpen(t, Options{FS: f.fs(mem), SyncTogetherFrom: togetherFrom})
			q := s.Open("T", 0)
			appendUnits(t, q, 0, 5)
			must(t, s.Flush())
			appendUnits(t, q, 5, 10)
			appendUnits(t, s.Open("T", 1), 0, 1)

			f.on.Store(true)
			err := s.Flush()
			wantErr(t, err, ErrBroken)
			wantErr(t, err, syscall.EIO)
			f.on.Store(false)

			wantErr(t, s.Flush(), ErrBroken)
			wantErr(t, q.Append(10, unitAt(10)), ErrBroken)
			wantErr(t, s.Truncate(0), ErrBroken)
			wantErr(t, s.SetMinLog(1), ErrBroken)
			wantErr(t, s.DeleteTopic("T"), ErrBroken)
			wantUnits(t, q, 0, 10) // reading goes on
			wantErr(t, s.Close(), ErrBroken)
			wantErr(t, q.Append(10, unitAt(10)), ErrClosed)

			s = mustOpen(t, Options{FS: mem.Kill(), DurableTo: 500})
			wantUnits(t, s.Open("T", 0), 0, 5)
		})
	}
}

func TestFailedWriteIsRepeated(t *testing.T) {
	for _, n := range []int{0, 7, 41} {
		f := failing{kind: vfs.OpWrite, err: &vfs.Partial{N: n, Err: syscall.EIO}}
		s := mustOpen(t, Options{FS: f.fs(vfs.NewMem())})
		q := s.Open("T", 0)
		appendUnits(t, q, 0, 5)
		f.on.Store(true)
		wantErr(t, s.Flush(), vfs.ErrIO)
		f.on.Store(false)
		must(t, s.Flush())
		if dirty := s.DirtyBytes(); dirty != 0 {
			t.Fatalf("%d dirty bytes after the flush, expected none", dirty)
		}
		wantUnits(t, q, 0, 5)
		must(t, s.Close())
	}
}

func TestUnreadableFileIsAnErrorThatNamesIt(t *testing.T) {
	f := failing{kind: vfs.OpRead, err: syscall.EIO}
	s := mustOpen(t, Options{FS: f.fs(vfs.NewMem())})
	defer mustClose(t, s)
	q := s.Open("T", 0)
	appendUnits(t, q, 0, 5)
	must(t, s.Flush())
	wantUnits(t, q, 0, 5)
	f.on.Store(true)
	_, err := q.Read(make([]Unit, 5), 0)
	wantErr(t, err, vfs.ErrIO)
	f.on.Store(false)
	if !strings.Contains(err.Error(), "/cq/T/0/00000000000000000000") {
		t.Fatalf("%q doesn't name the file", err)
	}
}

func TestReadOnlyDirectoryIsAnError(t *testing.T) {
	f := failing{kind: vfs.OpMkdir, err: syscall.EROFS}
	f.on.Store(true)
	s := mustOpen(t, Options{FS: f.fs(vfs.NewMem())})
	wantErr(t, s.Flush(), syscall.EROFS)
	appendUnits(t, s.Open("T", 0), 0, 5)
	wantErr(t, s.Flush(), syscall.EROFS)
	f.on.Store(false)
	must(t, s.Flush())
	mustClose(t, s)
}

func TestClosedStoreRefusesEverything(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem()})
	q := s.Open("T", 0)
	appendUnits(t, q, 0, 5)
	must(t, s.Close())
	must(t, s.Close())
	wantErr(t, q.Append(5, unitAt(5)), ErrClosed)
	wantErr(t, s.Flush(), ErrClosed)
	wantErr(t, s.SetMinLog(1), ErrClosed)
	wantErr(t, s.Truncate(1), ErrClosed)
	_, err := q.Read(make([]Unit, 5), 0)
	wantErr(t, err, ErrClosed)
}
