package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// file is one index file. Its header counts entries that may still be pending in memory; the first flushed ones
// are on disk, where they never change while queries run.
type file struct {
	layout
	name string // 17 digits
	f    vfs.File

	header  header // guarded by Index.mu
	flushed int32  // guarded by Index.mu

	buf [headerSize]byte // of writeHeader; guarded by Index.flushMu

	slotMap []byte // header and slots, mapped for the put path while this is the last file; guarded by Index.mu
}

// createFile makes a file whose blocks are all reserved, so that a full disk shows here and not at a later write.
// It is durable, name included, when createFile returns. On failure nothing is left of it.
func createFile(fs vfs.FS, dir, name string, l layout, h header) (_ *file, err error) {
	full := path.Join(dir, name)
	vf, err := fs.Create(full)
	if err != nil {
		return nil, fmt.Errorf("index: new file: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("index: new file: %w", errors.Join(err, vf.Close(), fs.Remove(full)))
		}
	}()
	f := &file{layout: l, name: name, f: vf, header: h}
	if err := vf.Preallocate(l.size()); err != nil {
		return nil, err
	}
	if err := f.writeHeader(h); err != nil {
		return nil, err
	}
	if err := vf.Sync(); err != nil {
		return nil, err
	}
	if err := fs.SyncDir(dir); err != nil {
		return nil, err
	}
	return f, nil
}

// openFile opens an existing file. The error wraps ErrFileSize or errDamaged if that is what is wrong with it.
func openFile(fs vfs.FS, dir, name string, l layout) (_ *file, err error) {
	vf, err := fs.Open(path.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, vf.Close())
		}
	}()
	size, err := vf.Size()
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	if size != l.size() {
		return nil, fmt.Errorf("index: %s has %d bytes, expected %d (%d slots, %d entries): %w", vf.Name(), size, l.size(), l.slots, l.entries, ErrFileSize)
	}
	var b [headerSize]byte
	if _, err := vf.ReadAt(b[:], 0); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	h, err := l.decodeHeader(&b)
	if err != nil {
		return nil, fmt.Errorf("index: %s: %w: %w", vf.Name(), errDamaged, err)
	}
	return &file{layout: l, name: name, f: vf, header: h, flushed: h.count}, nil
}

func (f *file) full() bool { return f.header.count >= f.capacity() }

// read is ReadAt for ranges that lie within the file.
func (f *file) read(b []byte, off int64) error {
	n, err := f.f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("index: %s at %d: %w", f.f.Name(), off, err)
}

func (f *file) readEntry(n int32, b *[entrySize]byte) (entry, error) {
	if err := f.read(b[:], f.entryAt(n)); err != nil {
		return entry{}, err
	}
	return decodeEntry(b[:]), nil
}

// readSlot returns the newest entry of a slot on disk. It may be one that the header on disk doesn't count yet.
func (f *file) readSlot(slot uint32, b *[entrySize]byte) (int32, error) {
	if err := f.read(b[:slotSize], f.slotAt(slot)); err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(b[:])), nil
}

func (f *file) writeHeader(h header) error {
	h.encode(&f.buf)
	if _, err := f.f.WriteAt(f.buf[:], 0); err != nil {
		return fmt.Errorf("index: header: %w", err)
	}
	return nil
}

// mapSlots makes the file ready for puts.
func (f *file) mapSlots() error {
	m, err := f.f.Map(f.slotsEnd())
	if err != nil {
		return fmt.Errorf("index: slots: %w", err)
	}
	f.slotMap = m
	return nil
}

func (f *file) unmapSlots() error {
	if f.slotMap == nil {
		return nil
	}
	m := f.slotMap
	f.slotMap = nil
	return f.f.Unmap(m)
}

// mappedSlot is the newest entry of a slot that is on disk, 0 if there is none.
func (f *file) mappedSlot(slot uint32) int32 {
	n := int32(binary.BigEndian.Uint32(f.slotMap[f.slotAt(slot):]))
	if n < 0 || n > f.flushed {
		return 0
	}
	return n
}

func (f *file) close() error {
	return errors.Join(f.unmapSlots(), f.f.Close())
}
