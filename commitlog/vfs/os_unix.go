//go:build unix

package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	filePerm = 0o644
	dirPerm  = 0o755
)

// OS is the real file system. What it lacks on this platform falls back, call by call; Degraded lists it.
func OS() FS { return osFS{} }

type osFS struct{}

func (osFS) Create(name string) (File, error) {
	return openFile("create", name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (osFS) Open(name string) (File, error) { return openFile("open", name, os.O_RDWR) }

func (osFS) OpenReadOnly(name string) (File, error) { return openFile("open", name, os.O_RDONLY) }

func openFile(op, name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, filePerm)
	if err != nil {
		return nil, opError(op, name, err)
	}
	return newOSFile(f), nil
}

func (osFS) Remove(name string) error { return opError("remove", name, os.Remove(name)) }

func (osFS) RemoveAll(name string) error { return opError("removeall", name, os.RemoveAll(name)) }

func (osFS) Rename(oldName, newName string) error {
	return renameError(oldName, newName, os.Rename(oldName, newName))
}

// MkdirAll differs from os.MkdirAll in that a directory it made is still there after a power loss.
func (o osFS) MkdirAll(dir string) error {
	dir = path.Clean(dir)
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return opError("mkdir", dir, syscall.ENOTDIR)
	case !errors.Is(err, fs.ErrNotExist):
		return opError("mkdir", dir, err)
	}
	parent := path.Dir(dir)
	if parent == dir {
		return opError("mkdir", dir, err)
	}
	if err := o.MkdirAll(parent); err != nil {
		return err
	}
	// Somebody else may have made it meanwhile; its entry is ours to sync all the same.
	if err := os.Mkdir(dir, dirPerm); err != nil && !errors.Is(err, fs.ErrExist) {
		return opError("mkdir", dir, err)
	}
	return o.SyncDir(parent)
}

func (osFS) Mkdir(dir string) error {
	err := os.Mkdir(dir, dirPerm)
	if errors.Is(err, fs.ErrExist) {
		if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
			return nil
		}
	}
	return opError("mkdir", dir, err)
}

func (osFS) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	return entries, opError("readdir", dir, err)
}

func (osFS) Stat(name string) (Info, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Info{}, opError("stat", name, err)
	}
	return Info{Size: info.Size(), ModTime: info.ModTime(), Dir: info.IsDir()}, nil
}

func (osFS) SetModTime(name string, t time.Time) error {
	return opError("setmodtime", name, os.Chtimes(name, time.Time{}, t))
}

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return opError("syncdir", dir, err)
	}
	err = d.Sync()
	// EINVAL is how some network file systems say that directories need no fsync.
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return opError("syncdir", dir, err)
}

func (osFS) Lock(name string, content []byte) (io.Closer, error) {
	l, err := lockFile(name)
	if err != nil {
		return nil, opError("lock", name, err)
	}
	// Written over the former content and cut then: a lock must not need a block that a full disk no longer has.
	_, err = l.file.WriteAt(content, 0)
	if err == nil {
		err = l.file.Truncate(int64(len(content)))
	}
	if err != nil {
		l.Close()
		return nil, opError("lock", name, err)
	}
	return l, nil
}

func (osFS) OpenVolume(dir string) (Volume, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, opError("openvolume", dir, err)
	}
	if err := volumeReliable(int(d.Fd())); err != nil {
		d.Close()
		return nil, opError("openvolume", dir, err)
	}
	return osVolume{d}, nil
}

// osVolume is a directory that stays open: the kernel notes at each descriptor up to which failure it was told.
type osVolume struct{ dir *os.File }

func (v osVolume) Sync() error {
	return opError("syncvolume", v.dir.Name(), retry(func() error { return syncVolume(int(v.dir.Fd())) }))
}

func (v osVolume) Close() error { return opError("close", v.dir.Name(), v.dir.Close()) }

func (osFS) Usage(dir string) (Usage, error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Statfs(dir, &st) }); err != nil {
		return Usage{}, opError("statfs", dir, err)
	}
	block := int64(st.Bsize)
	return Usage{
		Used:      int64(st.Blocks-st.Bfree) * block,
		Available: max(0, int64(st.Bavail)) * block, // negative on BSDs when root's reserve is in use
	}, nil
}

// retry repeats a system call that a signal interrupted; Go's own preemption signals do that.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// unsupported tells whether the kernel or the file system doesn't know the facility at all.
func unsupported(err error) bool {
	return err == unix.ENOSYS || err == unix.EOPNOTSUPP || err == unix.ENOTSUP
}

// unknown is unsupported for calls whose arguments are beyond doubt: there, EINVAL refuses the command or the flag.
func unknown(err error) bool { return err == unix.EINVAL || unsupported(err) }
