package vfs

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// dirChange is a change of one directory, or a move between two, that is not durable yet.
// A nil place of from is a creation, a nil place of to a removal.
type dirChange struct {
	n        *node
	from, to place
}

// place is a name in a directory.
type place struct {
	dir  *node
	name string
}

// apply makes the change durable. It has no effect when the file isn't where it should come from: an earlier change
// that brought it there was lost.
func (c dirChange) apply() {
	if c.from.dir != nil {
		if c.from.dir.durable[c.from.name] != c.n {
			return
		}
		delete(c.from.dir.durable, c.from.name)
	}
	if c.to.dir != nil {
		c.to.dir.durable[c.to.name] = c.n
	}
}

// change does c now and leaves it to a later SyncDir to make it durable.
func (m *Mem) change(c dirChange) {
	if c.from.dir != nil {
		delete(c.from.dir.entries, c.from.name)
		c.n.names--
	}
	if c.to.dir != nil {
		if replaced := c.to.dir.entries[c.to.name]; replaced != nil {
			replaced.names--
			m.forgetUnused(replaced)
		}
		c.to.dir.entries[c.to.name] = c.n
		c.n.names++
	}
	m.forgetUnused(c.n)
	m.pending = append(m.pending, c)
}

// commit makes the oldest k changes durable.
func (m *Mem) commit(k int) {
	for _, c := range m.pending[:k] {
		c.apply()
	}
	m.pending = slices.Delete(m.pending, 0, k)
}

// syncDir makes the changes of a directory durable, and those of others that they build on.
func (m *Mem) syncDir(dir *node) {
	dirs := map[*node]bool{dir: true}
	chosen := make([]bool, len(m.pending))
	for i, c := range slices.Backward(m.pending) {
		if dirs[c.from.dir] || dirs[c.to.dir] {
			chosen[i] = true
			if c.from.dir != nil {
				dirs[c.from.dir] = true
			}
			if c.to.dir != nil {
				dirs[c.to.dir] = true
			}
		}
	}
	kept := m.pending[:0]
	for i, c := range m.pending {
		if chosen[i] {
			c.apply()
		} else {
			kept = append(kept, c)
		}
	}
	clear(m.pending[len(kept):])
	m.pending = kept
}

// find returns the node of that name.
func (m *Mem) find(name string) (*node, error) {
	n := m.root
	for part := range strings.SplitSeq(path.Clean("/" + name)[1:], "/") {
		switch {
		case part == "":
		case !n.dir:
			return nil, syscall.ENOTDIR
		case n.entries[part] == nil:
			return nil, fs.ErrNotExist
		default:
			n = n.entries[part]
		}
	}
	return n, nil
}

// place splits a name; its directory has to be there.
func (m *Mem) place(name string) (place, error) {
	dirName, base := path.Split(path.Clean("/" + name))
	if base == "" {
		return place{}, fs.ErrExist // the root
	}
	dir, err := m.find(dirName)
	if err == nil && !dir.dir {
		err = syscall.ENOTDIR
	}
	return place{dir, base}, err
}

// openOrCreate returns the file of that name, a new one if there is none.
func (m *Mem) openOrCreate(name string) (*node, error) {
	at, err := m.place(name)
	if err != nil {
		return nil, err
	}
	if n := at.dir.entries[at.name]; n != nil {
		if n.dir {
			return nil, syscall.EISDIR
		}
		return n, nil
	}
	if m.used+pageSize > m.capacity {
		return nil, syscall.ENOSPC
	}
	n := newFile(m.clock())
	m.change(dirChange{n: n, to: at})
	return n, nil
}

func (m *Mem) remove(name string) error {
	at, err := m.place(name)
	if err != nil {
		return err
	}
	n := at.dir.entries[at.name]
	switch {
	case n == nil:
		return fs.ErrNotExist
	case len(n.entries) > 0:
		return syscall.ENOTEMPTY
	}
	m.change(dirChange{n: n, from: at})
	return nil
}

func (m *Mem) removeAll(name string) error {
	n, err := m.find(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	for _, child := range slices.Sorted(maps.Keys(n.entries)) {
		if err := m.removeAll(path.Join(name, child)); err != nil {
			return err
		}
	}
	return m.remove(name)
}

func (m *Mem) rename(oldName, newName string) error {
	from, err := m.place(oldName)
	if err != nil {
		return err
	}
	to, err := m.place(newName)
	if err != nil {
		return err
	}
	n, replaced := from.dir.entries[from.name], to.dir.entries[to.name]
	switch {
	case n == nil:
		return fs.ErrNotExist
	case n == replaced:
		return nil
	case n.dir && within(to.dir, n):
		return syscall.EINVAL
	case replaced == nil:
	case n.dir && !replaced.dir:
		return syscall.ENOTDIR
	case !n.dir && replaced.dir:
		return syscall.EISDIR
	case len(replaced.entries) > 0:
		return syscall.ENOTEMPTY
	}
	m.change(dirChange{n: n, from: from, to: to})
	return nil
}

// within tells whether dir is top or lies below it.
func within(dir, top *node) bool {
	if dir == top {
		return true
	}
	for _, child := range top.entries {
		if child.dir && within(dir, child) {
			return true
		}
	}
	return false
}

func (m *Mem) mkdir(name string) error {
	at, err := m.place(name)
	if err != nil {
		return err
	}
	switch there := at.dir.entries[at.name]; {
	case there == nil:
		m.change(dirChange{n: newDir(m.clock()), to: at})
	case !there.dir:
		return fs.ErrExist
	}
	return nil
}

func (m *Mem) mkdirAll(name string) error {
	n := m.root
	for part := range strings.SplitSeq(path.Clean("/" + name)[1:], "/") {
		if part == "" {
			continue
		}
		child := n.entries[part]
		if child == nil {
			child = newDir(m.clock())
			m.change(dirChange{n: child, to: place{n, part}})
			m.syncDir(n)
		}
		if !child.dir {
			return syscall.ENOTDIR
		}
		n = child
	}
	return nil
}

// dirInfo is a file's description for ReadDir.
type dirInfo struct {
	name string
	info Info
}

func (i dirInfo) Name() string       { return i.name }
func (i dirInfo) Size() int64        { return i.info.Size }
func (i dirInfo) ModTime() time.Time { return i.info.ModTime }
func (i dirInfo) IsDir() bool        { return i.info.Dir }
func (i dirInfo) Sys() any           { return nil }

func (i dirInfo) Mode() fs.FileMode {
	if i.info.Dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
