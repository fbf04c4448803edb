package vfs

import (
	"io"
	"io/fs"
	"maps"
	"slices"
	"syscall"
	"time"
)

// run does one operation under the lock, unless the machine is gone.
func (m *Mem) run(op, name string, do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.crashed {
		return opError(op, name, ErrCrashed)
	}
	return opError(op, name, do())
}

func (m *Mem) open(op, name string, readOnly bool, find func() (*node, error)) (File, error) {
	var f *memFile
	err := m.run(op, name, func() error {
		n, err := find()
		if err != nil {
			return err
		}
		if n.dir {
			return syscall.EISDIR
		}
		n.openers++
		f = &memFile{m: m, n: n, name: name, readOnly: readOnly}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Create implements FS.
func (m *Mem) Create(name string) (File, error) {
	return m.open("create", name, false, func() (*node, error) {
		n, err := m.openOrCreate(name)
		if err == nil {
			m.truncate(n, 0)
			m.changed()
		}
		return n, err
	})
}

// Open implements FS.
func (m *Mem) Open(name string) (File, error) {
	return m.open("open", name, false, func() (*node, error) { return m.find(name) })
}

// OpenReadOnly implements FS.
func (m *Mem) OpenReadOnly(name string) (File, error) {
	return m.open("open", name, true, func() (*node, error) { return m.find(name) })
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	return m.run("remove", name, func() error {
		defer m.changed()
		return m.remove(name)
	})
}

// RemoveAll implements FS.
func (m *Mem) RemoveAll(name string) error {
	return m.run("removeall", name, func() error {
		defer m.changed()
		return m.removeAll(name)
	})
}

// Rename implements FS.
func (m *Mem) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.crashed {
		return renameError(oldName, newName, ErrCrashed)
	}
	defer m.changed()
	return renameError(oldName, newName, m.rename(oldName, newName))
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(dir string) error {
	return m.run("mkdir", dir, func() error { return m.mkdirAll(dir) })
}

// Mkdir implements FS.
func (m *Mem) Mkdir(dir string) error {
	return m.run("mkdir", dir, func() error {
		defer m.changed()
		return m.mkdir(dir)
	})
}

// ReadDir implements FS.
func (m *Mem) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries := []fs.DirEntry{}
	err := m.run("readdir", dir, func() error {
		n, err := m.find(dir)
		if err != nil {
			return err
		}
		if !n.dir {
			return syscall.ENOTDIR
		}
		for _, name := range slices.Sorted(maps.Keys(n.entries)) {
			entries = append(entries, fs.FileInfoToDirEntry(dirInfo{name, n.entries[name].info()}))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// Stat implements FS.
func (m *Mem) Stat(name string) (Info, error) {
	var info Info
	err := m.run("stat", name, func() error {
		n, err := m.find(name)
		if err == nil {
			info = n.info()
		}
		return err
	})
	return info, err
}

func (n *node) info() Info { return Info{Size: n.size(), ModTime: n.modTime, Dir: n.dir} }

// SetModTime implements FS.
func (m *Mem) SetModTime(name string, t time.Time) error {
	return m.run("setmodtime", name, func() error {
		n, err := m.find(name)
		if err == nil {
			n.modTime = t
		}
		return err
	})
}

// SyncDir implements FS.
func (m *Mem) SyncDir(dir string) error {
	return m.run("syncdir", dir, func() error {
		n, err := m.find(dir)
		if err != nil {
			return err
		}
		m.syncDir(n)
		return nil
	})
}

// OpenVolume implements FS: a Mem is one volume.
func (m *Mem) OpenVolume(dir string) (Volume, error) {
	err := m.run("openvolume", dir, func() error {
		_, err := m.find(dir)
		return err
	})
	if err != nil {
		return nil, err
	}
	return memVolume{m}, nil
}

type memVolume struct{ m *Mem }

func (v memVolume) Sync() error {
	return v.m.run("syncvolume", "/", func() error {
		v.m.syncAll()
		return nil
	})
}

func (v memVolume) Close() error { return nil }

// Usage implements FS.
func (m *Mem) Usage(dir string) (Usage, error) {
	var u Usage
	err := m.run("statfs", dir, func() error {
		u = Usage{Used: m.used, Available: max(0, m.capacity-m.used)}
		_, err := m.find(dir)
		return err
	})
	return u, err
}

// Lock implements FS.
func (m *Mem) Lock(name string, content []byte) (io.Closer, error) {
	l := &memLock{m: m, name: name}
	err := m.run("lock", name, func() error {
		n, err := m.openOrCreate(name)
		if err != nil {
			return err
		}
		if n.locked {
			return ErrLocked
		}
		if _, err := m.write(n, content, 0); err != nil {
			return err
		}
		m.truncate(n, int64(len(content)))
		m.changed()
		n.locked = true
		l.n = n
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// memLock is a held lock. n is nil once it was let go; Mem.mu guards it.
type memLock struct {
	m    *Mem
	n    *node
	name string
}

func (l *memLock) Close() error {
	return l.m.run("unlock", l.name, func() error {
		if l.n != nil {
			l.n.locked = false
			l.n = nil
		}
		return nil
	})
}
