// Package mapped is one fixed-size segment file of a log: preallocated, written by pwrite, read through a
// read-only mapping of the same pages, pinned while somebody reads, retired when the last reader has let go.
package mapped

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"sync/atomic"
	"unsafe"

	"github.com/gantry-mq/gantry/commitlog/seeded"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// NameDigits is the length of a segment's file name: the offset of its first byte, decimal, zero-padded.
const NameDigits = 20

// Name is the file name of the segment that starts at base.
func Name(base int64) string { return fmt.Sprintf("%020d", base) }

// ParseName is the inverse of Name; ok is false for names that no segment has.
func ParseName(name string) (base int64, ok bool) {
	if len(name) != NameDigits {
		return 0, false
	}
	for i := 0; i < len(name); i++ {
		if name[i] < '0' || name[i] > '9' {
			return 0, false
		}
	}
	base, err := strconv.ParseInt(name, 10, 64)
	return base, err == nil
}

// Segment is an open segment file. Its offsets (pos) are from the start of the file.
//
// References: the owner holds one from Create or Open until Retire, each reader one from Acquire until Release.
// With the last of them the mapping and the descriptor go, and the file too if it was retired with remove.
// A slice of the mapping is valid exactly as long as a reference is held.
type Segment struct {
	fs   vfs.FS
	file vfs.File
	name string
	base int64
	size int64
	data []byte // to be touched with a reference only

	refs     atomic.Int64
	unlinked atomic.Bool // the name is gone, though perhaps not durably
}

// Create makes the segment file base in dir with its size bytes reserved and zero, durable under its name.
func Create(fsys vfs.FS, dir string, base, size int64) (*Segment, error) {
	name := path.Join(dir, Name(base))
	f, err := fsys.Create(name)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	s, err := prepare(fsys, f, base, size)
	if err != nil {
		// An unfinished file that stays behind is deleted, or taken as an empty segment, by the next open.
		_, _ = f.Close(), fsys.Remove(name)
		return nil, fmt.Errorf("create segment %s of %d bytes: %w", name, size, err)
	}
	return s, nil
}

func prepare(fsys vfs.FS, f vfs.File, base, size int64) (*Segment, error) {
	if err := f.Preallocate(size); err != nil {
		return nil, err
	}
	s, err := mapFile(fsys, f, base, size)
	if err != nil {
		return nil, err
	}
	if err := s.SyncName(); err != nil {
		_ = f.Unmap(s.data) // the error that counts is the first
		return nil, err
	}
	return s, nil
}

// Open opens the segment file base in dir, which must be size bytes long.
func Open(fsys vfs.FS, dir string, base, size int64, readOnly bool) (*Segment, error) {
	name := path.Join(dir, Name(base))
	open := fsys.Open
	if readOnly {
		open = fsys.OpenReadOnly
	}
	f, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	found, err := f.Size()
	if err == nil && found != size {
		err = fmt.Errorf("file has %d bytes, expected %d", found, size)
	}
	var s *Segment
	if err == nil {
		s, err = mapFile(fsys, f, base, size)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open segment %s: %w", name, err)
	}
	return s, nil
}

func mapFile(fsys vfs.FS, f vfs.File, base, size int64) (*Segment, error) {
	data, err := f.Map(size)
	if err != nil {
		return nil, err
	}
	s := &Segment{fs: fsys, file: f, name: f.Name(), base: base, size: size, data: data}
	s.refs.Store(1)
	return s, nil
}

// Base is the log offset of the segment's first byte, End that behind its last, Size their difference.
func (s *Segment) Base() int64 { return s.base }

// End is the log offset behind the segment's last byte.
func (s *Segment) End() int64 { return s.base + s.size }

// Size is the length of the file in bytes.
func (s *Segment) Size() int64 { return s.size }

// Path is the name of the file.
func (s *Segment) Path() string { return s.name }

// Dir is the directory of the file.
func (s *Segment) Dir() string { return path.Dir(s.name) }

// Bytes is the mapping of n bytes at pos. The caller holds a reference and has made sure that they were written.
func (s *Segment) Bytes(pos, n int64) []byte { return s.data[pos : pos+n : pos+n] }

// PosOf is the position of an address in the mapping: what a page fault that debug.SetPanicOnFault caught tells.
func (s *Segment) PosOf(addr uintptr) int64 {
	return int64(addr) - int64(uintptr(unsafe.Pointer(unsafe.SliceData(s.data))))
}

// WriteAt writes p at pos with one pwrite. It never writes past the segment.
func (s *Segment) WriteAt(p []byte, pos int64) error {
	if pos < 0 || pos+int64(len(p)) > s.size {
		return fmt.Errorf("segment %s: write of %d bytes at %d is outside its %d bytes", s.name, len(p), pos, s.size)
	}
	if _, err := s.file.WriteAt(p, pos); err != nil {
		return fmt.Errorf("segment %s: write of %d bytes at %d: %w", s.name, len(p), pos, err)
	}
	return nil
}

// ReadAt fills p by pread: unlike the mapping it can't fault, so a cold read blocks a thread and not the scheduler.
func (s *Segment) ReadAt(p []byte, pos int64) error {
	if _, err := s.file.ReadAt(p, pos); err != nil {
		return fmt.Errorf("segment %s: read of %d bytes at %d: %w", s.name, len(p), pos, err)
	}
	return nil
}

// ReadResident is ReadAt if all of it lies in memory; else it fails at once with vfs.ErrNotResident.
func (s *Segment) ReadResident(p []byte, pos int64) error {
	n, err := s.file.ReadResident(p, pos)
	if err == nil && n < len(p) {
		err = vfs.ErrNotResident
	}
	return err
}

// Zero makes n bytes at pos read as zeros; Datasync makes that last.
func (s *Segment) Zero(pos, n int64) error {
	if err := s.file.ZeroRange(pos, n); err != nil {
		return fmt.Errorf("segment %s: zero %d bytes at %d: %w", s.name, n, pos, err)
	}
	return nil
}

// Datasync makes all that was written before the call durable.
func (s *Segment) Datasync() error {
	if err := s.file.Datasync(); err != nil {
		return fmt.Errorf("segment %s: fdatasync: %w", s.name, err)
	}
	return nil
}

// SyncName makes the file's length and its name durable. Both must be before the first message in it is acknowledged:
// a later fdatasync promises neither the one (set before) nor the other (in the directory).
func (s *Segment) SyncName() error {
	err := s.file.Sync()
	if err == nil && !seeded.Is(seeded.SegmentNameNotSynced) {
		err = s.fs.SyncDir(s.Dir())
	}
	if err != nil {
		return fmt.Errorf("segment %s: fsync: %w", s.name, err)
	}
	return nil
}

// StartWriteback asks the kernel to begin writing a range out. It is a hint: its failure is of no consequence.
func (s *Segment) StartWriteback(pos, n int64) { _ = s.file.StartWriteback(pos, n) }

// Acquire takes a reference, unless the segment is gone.
func (s *Segment) Acquire() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release gives a reference back.
func (s *Segment) Release() {
	switch n := s.refs.Add(-1); {
	case n == 0:
		s.close()
	case n < 0:
		panic("mapped: segment released more often than acquired")
	}
}

// Unlink removes the file's name, durably. The content stays readable until the last reference goes. Calling it again
// after a failure, or after it succeeded, does what is left to do.
func (s *Segment) Unlink() error {
	err := s.fs.Remove(s.name)
	if err == nil {
		s.unlinked.Store(true)
	}
	if seeded.Is(seeded.RetirementNotSynced) {
		return err
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = s.fs.SyncDir(s.Dir())
	}
	if err != nil {
		return fmt.Errorf("remove segment: %w", err)
	}
	return nil
}

// Unlinked tells whether the file has lost its name: what is written to it now will not be found again.
func (s *Segment) Unlinked() bool { return s.unlinked.Load() }

// Retire gives the owner's reference back, after Unlink if remove is set: then a restart doesn't find the file again, and its
// space comes free when the last reader lets go. It is called once.
func (s *Segment) Retire(remove bool) error {
	var err error
	if remove {
		err = s.Unlink()
	}
	s.Release()
	return err
}

// Pinned tells whether readers hold the segment beside its owner.
func (s *Segment) Pinned() bool { return s.refs.Load() > 1 }

func (s *Segment) close() {
	// Nothing can be done about a failing munmap or close of a file whose content no longer matters or was synced.
	_ = s.file.Unmap(s.data)
	_ = s.file.Close()
	s.data = nil
}
