package vfs

import (
	"io"
	"io/fs"
	"syscall"
)

// memFile is an open file of a Mem.
type memFile struct {
	m        *Mem
	n        *node
	name     string
	readOnly bool
	closed   bool // guarded by Mem.mu
}

// run does one operation under the lock.
func (f *memFile) run(op string, do func() error) error {
	return f.m.run(op, f.name, func() error {
		if f.closed {
			return fs.ErrClosed
		}
		return do()
	})
}

// modify is run for what a file that was opened for reading refuses.
func (f *memFile) modify(op string, do func() error) error {
	return f.run(op, func() error {
		if f.readOnly {
			return syscall.EBADF
		}
		err := do()
		f.m.changed()
		return err
	})
}

func (f *memFile) Name() string { return f.name }

func (f *memFile) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.run("read", func() error {
		switch {
		case off < 0:
			return syscall.EINVAL
		case off < f.n.size():
			n = copy(p, f.n.data[off:])
		}
		return nil
	})
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// ReadResident always succeeds: Fault makes a file cold.
func (f *memFile) ReadResident(p []byte, off int64) (int, error) { return f.ReadAt(p, off) }

func (f *memFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.modify("write", func() (err error) {
		if off < 0 {
			return syscall.EINVAL
		}
		n, err = f.m.write(f.n, p, off)
		return err
	})
	return n, err
}

func (f *memFile) Close() error {
	return f.run("close", func() error {
		f.closed = true
		f.n.openers--
		f.m.forgetUnused(f.n)
		return nil
	})
}

func (f *memFile) Size() (size int64, err error) {
	err = f.run("stat", func() error {
		size = f.n.size()
		return nil
	})
	return size, err
}

func (f *memFile) Truncate(size int64) error {
	return f.modify("truncate", func() error {
		if size < 0 {
			return syscall.EINVAL
		}
		f.m.truncate(f.n, size)
		return nil
	})
}

func (f *memFile) Preallocate(size int64) error {
	return f.modify("preallocate", func() error {
		if size < 0 {
			return syscall.EINVAL
		}
		return f.m.preallocate(f.n, size)
	})
}

func (f *memFile) ZeroRange(off, n int64) error {
	return f.modify("zerorange", func() error {
		if off < 0 || n < 0 {
			return syscall.EINVAL
		}
		_, err := f.m.write(f.n, make([]byte, n), off)
		return err
	})
}

func (f *memFile) Sync() error {
	return f.run("sync", func() error {
		f.n.sync()
		f.n.savedModTime = f.n.modTime
		f.m.synced(f.n)
		return nil
	})
}

func (f *memFile) Datasync() error {
	return f.run("datasync", func() error {
		f.n.sync()
		f.m.synced(f.n)
		return nil
	})
}

func (f *memFile) StartWriteback(off, n int64) error {
	return f.run("writeback", func() error { return nil })
}

func (f *memFile) Map(size int64) (b []byte, err error) {
	err = f.run("map", func() error {
		switch {
		case size < 0 || size > f.n.size():
			return syscall.EINVAL
		case size == 0:
			b = []byte{}
			return nil
		}
		f.n.mappings++
		b = f.n.data[:size:size]
		return nil
	})
	return b, err
}

func (f *memFile) Unmap(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return f.m.run("unmap", f.name, func() error {
		if !f.n.unmap(b) {
			return syscall.EINVAL
		}
		f.m.forgetUnused(f.n)
		return nil
	})
}
