package vfs

import (
	"syscall"
	"time"
)

// node is a file or a directory apart from its name. Mem.mu guards it.
type node struct {
	dir     bool
	entries map[string]*node // what a directory holds now
	durable map[string]*node // what a power loss leaves of it if no pending change survives

	data     []byte // what a file holds now; zeros from len to cap
	mappings int    // of data's array
	outgrown []outgrown

	dirty   bitset   // pages that differ, or may, from saved
	blocks  bitset   // pages that have a block
	resizes []resize // of which saved knows nothing, oldest first
	saved   image

	modTime, savedModTime time.Time

	names, openers int
	locked         bool
	listed         bool // in Mem.unsynced
}

// outgrown is an array that the file has outgrown while it was mapped. Writes go there too, so that the mapping shows them.
type outgrown struct {
	data     []byte
	mappings int
}

// resize is a change of a file's length. A write's may be found half done, the others happen or not.
type resize struct {
	to      int64
	byWrite bool
}

// image is a file as the disk has it.
type image struct {
	size   int64
	pages  map[int64]*page // a missing one reads as zeros; bytes behind size don't count
	blocks bitset
}

type page [pageSize]byte

func newDir(now time.Time) *node {
	return &node{dir: true, entries: map[string]*node{}, durable: map[string]*node{}, modTime: now, savedModTime: now}
}

func newFile(now time.Time) *node {
	return &node{saved: image{pages: map[int64]*page{}}, modTime: now, savedModTime: now}
}

func (n *node) size() int64 { return int64(len(n.data)) }

// write stores p at off, as far as the disk has room: written < len(p) comes with ENOSPC.
func (m *Mem) write(n *node, p []byte, off int64) (written int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	first, last := off/pageSize, (off+int64(len(p))-1)/pageSize
	if fits := m.take(n, first, last); fits <= last {
		p, err = p[:max(0, fits*pageSize-off)], syscall.ENOSPC
		if len(p) == 0 {
			return 0, err
		}
		last = fits - 1
	}
	if end := off + int64(len(p)); end > n.size() {
		n.resize(end, true)
	}
	if n.mappings > 0 {
		copyChanges(n.data[off:], p)
	} else {
		copy(n.data[off:], p)
	}
	for _, o := range n.outgrown {
		if off < int64(len(o.data)) {
			copyChanges(o.data[off:], p)
		}
	}
	for pg := first; pg <= last; pg++ {
		n.dirty.add(pg)
	}
	m.touch(n)
	return len(p), err
}

// copyChanges is copy, but leaves bytes alone that stay what they are. Of a real file, those can be read through a mapping while the
// kernel writes the same there; here mapping and file are one piece of Go memory, where that would be a data race.
func copyChanges(dst, src []byte) {
	for len(src) > 0 && len(dst) > 0 {
		n := min(len(src), len(dst), 4) // numbers in files have this size or a multiple, mostly
		if string(dst[:n]) != string(src[:n]) {
			copy(dst, src[:n])
		}
		dst, src = dst[n:], src[n:]
	}
}

// truncate sets the length; what it cuts off is free again.
func (m *Mem) truncate(n *node, size int64) {
	if size < n.size() {
		for pg := range n.dirty.from(pageAbove(size)) {
			n.dirty.remove(pg)
		}
		m.give(n, pageAbove(size))
	}
	if size != n.size() {
		n.resize(size, false)
	}
	m.touch(n)
}

// preallocate charges all pages below size, or fails without a change of the length.
func (m *Mem) preallocate(n *node, size int64) error {
	last := pageAbove(size) - 1
	if m.take(n, 0, last) <= last {
		return syscall.ENOSPC
	}
	if size > n.size() {
		n.resize(size, false)
	}
	m.touch(n)
	return nil
}

// touch notes that n was changed.
func (m *Mem) touch(n *node) {
	n.modTime = m.clock()
	if !n.listed {
		n.listed = true
		m.unsynced = append(m.unsynced, n)
	}
}

func (n *node) resize(size int64, byWrite bool) {
	last := len(n.resizes) - 1
	if byWrite && last >= 0 && n.resizes[last].byWrite {
		n.resizes[last].to = size // writes only grow
	} else {
		n.resizes = append(n.resizes, resize{size, byWrite})
	}
	switch {
	case size < n.size():
		clear(n.data[size:])
		for _, o := range n.outgrown {
			clear(o.data[min(size, int64(len(o.data))):])
		}
		n.data = n.data[:size]
	case size <= int64(cap(n.data)):
		n.data = n.data[:size]
	default:
		n.grow(size)
	}
}

// grow moves the file to a larger array. One that is only ever sized beforehand never moves.
func (n *node) grow(size int64) {
	data := make([]byte, size, max(size, min(2*int64(cap(n.data)), size+1<<20)))
	copy(data, n.data)
	if n.mappings > 0 {
		n.outgrown = append(n.outgrown, outgrown{n.data[:cap(n.data)], n.mappings})
		n.mappings = 0
	}
	n.data = data
}

// unmap tells whether b was a mapping.
func (n *node) unmap(b []byte) bool {
	if n.mappings > 0 && &n.data[:1][0] == &b[0] {
		n.mappings--
		return true
	}
	for i := range n.outgrown {
		o := &n.outgrown[i]
		if &o.data[0] != &b[0] {
			continue
		}
		if o.mappings--; o.mappings == 0 {
			n.outgrown = append(n.outgrown[:i], n.outgrown[i+1:]...)
		}
		return true
	}
	return false
}

// pageAbove is the number of the first page that lies wholly at or behind off.
func pageAbove(off int64) int64 { return (off + pageSize - 1) / pageSize }
