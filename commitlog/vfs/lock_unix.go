//go:build unix

package vfs

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// fileLock is a held lock.
type fileLock struct {
	file    *os.File
	release func() // forgets the file in posixLocks; nil for an OFD lock
	once    sync.Once
}

// Close lets go of the lock; further calls do nothing.
func (l *fileLock) Close() (err error) {
	l.once.Do(func() {
		err = opError("unlock", l.file.Name(), l.file.Close())
		if l.release != nil {
			l.release()
		}
	})
	return err
}

func lockFile(name string) (*fileLock, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, err
	}
	err = retry(func() error { return setLock(int(f.Fd())) })
	switch {
	case err == nil:
		return &fileLock{file: f}, nil
	case err == unix.EAGAIN || err == unix.EACCES:
		err = ErrLocked
	case unknown(err):
		return posixLocks.lock(f)
	}
	f.Close()
	return nil, err
}

// posixLocks is the process's own record of its POSIX locks. Such locks belong to the process: a second one on the
// same file succeeds, and closing any descriptor of the file drops them all. That is why this is one per process, and
// why a descriptor that comes too late is kept open until the lock that it would drop is released.
var posixLocks = posixLockTable{held: map[fileID]*heldLock{}}

type posixLockTable struct {
	mu   sync.Mutex // guards held and what it holds
	held map[fileID]*heldLock
}

type fileID struct{ dev, ino uint64 }

type heldLock struct {
	late []*os.File // closed with the lock
}

func (t *posixLockTable) lock(f *os.File) (*fileLock, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(int(f.Fd()), &st) }); err != nil {
		f.Close()
		return nil, err
	}
	id := fileID{uint64(st.Dev), st.Ino}
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.held[id]; h != nil {
		h.late = append(h.late, f)
		return nil, ErrLocked
	}
	err := retry(func() error {
		return unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Len: 1})
	})
	if err != nil {
		f.Close()
		if err == unix.EAGAIN || err == unix.EACCES {
			err = ErrLocked
		}
		return nil, err
	}
	h := &heldLock{}
	t.held[id] = h
	return &fileLock{file: f, release: func() { t.forget(id, h) }}, nil
}

func (t *posixLockTable) forget(id fileID, h *heldLock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range h.late {
		f.Close()
	}
	delete(t.held, id)
}
