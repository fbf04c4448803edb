package vfs

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// sync makes a file's content and length durable.
func (n *node) sync() {
	n.saveSize()
	for pg := range n.dirty.from(0) {
		n.savePage(pg)
	}
	n.saved.blocks = n.blocks.clone()
}

// saveSize makes the length durable, and with it that whatever was cut off since is zeros.
func (n *node) saveSize() {
	if cut := lowestCut(n.saved.size, n.resizes); cut < math.MaxInt64 {
		n.saved.cut(cut)
	}
	n.saved.size = n.size()
	n.resizes = nil
}

func (n *node) savePage(pg int64) {
	p := new(page)
	if off := pg * pageSize; off < n.size() {
		copy(p[:], n.data[off:])
	}
	n.saved.pages[pg] = p
	n.dirty.remove(pg)
}

// cut makes everything from off on read as zeros.
func (im *image) cut(off int64) {
	for pg, p := range im.pages {
		switch start := pg * pageSize; {
		case start >= off:
			delete(im.pages, pg)
		case start+pageSize > off:
			q := *p
			clear(q[off-start:])
			im.pages[pg] = &q
		}
	}
}

// lowestCut is the smallest length that one of the changes shortened a file of size bytes to, or MaxInt64.
func lowestCut(size int64, changes []resize) int64 {
	cut := int64(math.MaxInt64)
	for _, c := range changes {
		if c.to < size {
			cut = min(cut, c.to)
		}
		size = c.to
	}
	return cut
}

// afterPowerLoss makes the file that the next boot finds in n's place.
func (n *node) afterPowerLoss(rng *rand.Rand) *node {
	size := n.saved.size
	changes := n.resizes[:rng.IntN(len(n.resizes)+1)]
	if k := len(changes); k > 0 {
		before := size
		if k > 1 {
			before = changes[k-2].to
		}
		size = changes[k-1].to
		if changes[k-1].byWrite && rng.IntN(2) == 0 {
			size = before + rng.Int64N(size-before+1)
		}
	}
	found := newFile(n.savedModTime)
	if rng.IntN(2) == 0 {
		found.modTime, found.savedModTime = n.modTime, n.modTime
	}
	im := image{size: size, pages: maps.Clone(n.saved.pages), blocks: n.saved.blocks.clone()}
	im.cut(lowestCut(n.saved.size, changes))
	for pg := range n.dirty.from(0) {
		n.mix(&im, pg, rng)
	}
	im.cut(size)
	for pg := range im.blocks.from(pageAbove(size)) {
		im.blocks.remove(pg)
	}
	found.data = make([]byte, size)
	for pg, p := range im.pages {
		im.blocks.add(pg)
		copy(found.data[pg*pageSize:], p[:])
	}
	found.saved, found.blocks = im, im.blocks.clone()
	return found
}

// mix leaves page pg of im as it is, replaces it by the current one, or replaces some of its sectors.
func (n *node) mix(im *image, pg int64, rng *rand.Rand) {
	sectors := uint(0)
	switch rng.IntN(3) {
	case 1:
		sectors = math.MaxUint
	case 2:
		sectors = rng.Uint()
	}
	if sectors == 0 {
		return
	}
	var p page
	if old := im.pages[pg]; old != nil {
		p = *old
	}
	for s := range pageSize / sectorSize {
		// Behind the current end there is nothing that could have been written.
		start := pg*pageSize + int64(s)*sectorSize
		if end := min(start+sectorSize, n.size()); sectors&(1<<s) != 0 && start < end {
			copy(p[s*sectorSize:], n.data[start:end])
		}
	}
	im.pages[pg] = &p
}

// syncAll makes everything durable.
func (m *Mem) syncAll() {
	m.commit(len(m.pending))
	for _, n := range m.unsynced {
		n.sync()
		n.savedModTime, n.listed = n.modTime, false
	}
	m.unsynced = nil
}

// WriteBack makes a random part of what isn't durable yet durable, as the kernel does at moments of its own choice.
func (m *Mem) WriteBack(rng *rand.Rand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writeBack(rng)
}

func (m *Mem) writeBack(rng *rand.Rand) {
	if len(m.pending) > 0 && rng.IntN(2) == 0 {
		m.commit(1 + rng.IntN(len(m.pending)))
	}
	for _, n := range m.unsynced {
		if rng.IntN(2) == 0 {
			n.saveSize()
		}
		// A page must not become durable before a cut that came before it was written, or the cut would undo it.
		if lowestCut(n.saved.size, n.resizes) < math.MaxInt64 {
			continue
		}
		for pg := range n.dirty.from(0) {
			if rng.IntN(2) == 0 {
				n.savePage(pg)
			}
		}
	}
}

// synced drops n from the list of files with something to lose.
func (m *Mem) synced(n *node) {
	if n.listed {
		n.listed = false
		m.unsynced = slices.DeleteFunc(m.unsynced, func(o *node) bool { return o == n })
	}
}

// Crash cuts the power and returns what the machine finds when it boots: see doc.go. From here on m refuses everything
// with ErrCrashed. Capacity and clock go over, the automatic write-back does not.
func (m *Mem) Crash(rng *rand.Rand) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.crashed = true
	for _, c := range m.pending {
		if rng.IntN(2) == 0 {
			c.apply()
		}
	}
	next := &Mem{capacity: m.capacity, clock: m.clock}
	next.root = next.boot(m.root, rng)
	return next
}

// boot copies the durable part of a tree.
func (m *Mem) boot(old *node, rng *rand.Rand) *node {
	if !old.dir {
		n := old.afterPowerLoss(rng)
		n.names = 1
		m.used += n.blocks.count() * pageSize
		return n
	}
	dir := newDir(old.modTime)
	for _, name := range slices.Sorted(maps.Keys(old.durable)) {
		n := m.boot(old.durable[name], rng)
		dir.entries[name], dir.durable[name] = n, n
	}
	return dir
}

// Kill returns the file system as the next process finds it after SIGKILL: all that was written is there, durable or
// not, and nothing is open or locked. From here on m refuses everything with ErrCrashed. The settings go over.
func (m *Mem) Kill() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.crashed = true
	next := &Mem{
		root: m.root, pending: m.pending, unsynced: m.unsynced, capacity: m.capacity, clock: m.clock,
		writeBackRand: m.writeBackRand, writeBackProbability: m.writeBackProbability,
	}
	next.inherit(next.root)
	return next
}

func (m *Mem) inherit(n *node) {
	if n.dir {
		for _, child := range n.entries {
			m.inherit(child)
		}
		return
	}
	// The dead process' mappings get an array of their own: a goroutine that has not noticed yet may still read there.
	n.data = slices.Clone(n.data)
	n.mappings, n.outgrown, n.openers, n.locked = 0, nil, 0, false
	m.used += n.blocks.count() * pageSize
}
