//go:build unix

package vfs

import (
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// osFile is a file of the real file system.
type osFile struct {
	file *os.File

	// closing is held for reading by calls that use the bare descriptor, so that Close can't hand its number to
	// another file under them. Calls through package os are guarded there.
	closing sync.RWMutex
	fd      int // -1 once closed
}

func newOSFile(f *os.File) *osFile { return &osFile{file: f, fd: int(f.Fd())} }

func (f *osFile) Name() string { return f.file.Name() }

func (f *osFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.file.ReadAt(p, off)
	if err != nil && err != io.EOF {
		err = opError("read", f.Name(), err)
	}
	return n, err
}

func (f *osFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.file.WriteAt(p, off)
	return n, opError("write", f.Name(), err)
}

func (f *osFile) Close() error {
	f.closing.Lock()
	defer f.closing.Unlock()
	f.fd = -1
	return opError("close", f.Name(), f.file.Close())
}

func (f *osFile) Size() (int64, error) {
	var st unix.Stat_t
	err := f.call("stat", func(fd int) error { return unix.Fstat(fd, &st) })
	return st.Size, err
}

func (f *osFile) Truncate(size int64) error {
	return opError("truncate", f.Name(), f.file.Truncate(size))
}

func (f *osFile) Preallocate(size int64) error {
	if size < 0 {
		return opError("preallocate", f.Name(), syscall.EINVAL)
	}
	if size == 0 {
		return nil
	}
	err := f.call("preallocate", func(fd int) error { return reserve(fd, size) })
	if err == nil || !unsupported(errnoOf(err)) {
		return err
	}
	have, err := f.Size()
	if err != nil || have >= size {
		return err
	}
	return f.Truncate(size)
}

func (f *osFile) ZeroRange(off, n int64) error {
	if off < 0 || n < 0 {
		return opError("zerorange", f.Name(), syscall.EINVAL)
	}
	if n == 0 {
		return nil
	}
	err := f.call("zerorange", func(fd int) error { return zeroRange(fd, off, n) })
	if err == nil || !unsupported(errnoOf(err)) {
		return err
	}
	return f.writeZeros(off, n)
}

// writeZeros is ZeroRange where the file system has no such call.
func (f *osFile) writeZeros(off, n int64) error {
	zeros := make([]byte, min(n, 256<<10))
	for n > 0 {
		k, err := f.file.WriteAt(zeros[:min(n, int64(len(zeros)))], off)
		if err != nil {
			return opError("zerorange", f.Name(), err)
		}
		off, n = off+int64(k), n-int64(k)
	}
	return nil
}

func (f *osFile) Sync() error { return opError("sync", f.Name(), f.file.Sync()) }

func (f *osFile) Datasync() error {
	err := f.call("datasync", datasync)
	if err != nil && unsupported(errnoOf(err)) {
		return f.Sync()
	}
	return err
}

func (f *osFile) StartWriteback(off, n int64) error {
	err := f.call("writeback", func(fd int) error { return startWriteback(fd, off, n) })
	if err != nil && unsupported(errnoOf(err)) {
		return nil // a hint
	}
	return err
}

func (f *osFile) ReadResident(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var n int
	err := f.call("read", func(fd int) (err error) {
		n, err = readResident(fd, p, off)
		return err
	})
	switch {
	case err != nil && (unsupported(errnoOf(err)) || errnoOf(err) == unix.EAGAIN):
		return 0, ErrNotResident
	case err != nil:
		return 0, err
	case n == len(p):
		return n, nil
	}
	// A short read: the file ends here, or only the first pages were in memory.
	size, err := f.Size()
	switch {
	case err != nil:
		return 0, err
	case off+int64(n) >= size:
		return n, io.EOF
	}
	return 0, ErrNotResident
}

func (f *osFile) Map(size int64) ([]byte, error) {
	have, err := f.Size()
	if err != nil {
		return nil, err
	}
	// The kernel would map pages behind the end too, and answer a touch with SIGBUS.
	if size < 0 || size > have || int64(int(size)) != size {
		return nil, opError("map", f.Name(), syscall.EINVAL)
	}
	if size == 0 {
		return []byte{}, nil
	}
	var b []byte
	err = f.call("map", func(fd int) (err error) {
		b, err = unix.Mmap(fd, 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
		return err
	})
	return b, err
}

func (f *osFile) Unmap(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return opError("unmap", f.Name(), unix.Munmap(b))
}

// call runs a system call on the descriptor, which stays open meanwhile.
func (f *osFile) call(op string, do func(fd int) error) error {
	f.closing.RLock()
	defer f.closing.RUnlock()
	if f.fd < 0 {
		return opError(op, f.Name(), os.ErrClosed)
	}
	for {
		if err := do(f.fd); err != unix.EINTR {
			return opError(op, f.Name(), err)
		}
	}
}
