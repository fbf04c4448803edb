package vfs

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	pageSize   = 4096 // what the page cache writes back
	sectorSize = 512  // what a disk writes whole

	defaultCapacity = 1 << 40
)

// ErrCrashed is what every operation on a Mem fails with after its Crash or Kill.
var ErrCrashed = errors.New("file system is gone: its machine crashed")

// Mem is a file system in memory that knows what a power loss leaves of it; doc.go describes the model. Given the
// same operations and random numbers it behaves the same. It is safe for concurrent use; a mapping may be read while
// the file is written elsewhere than where it is read.
type Mem struct {
	mu sync.Mutex // guards all below and the nodes

	root     *node
	pending  []dirChange // changes of directories that aren't durable, oldest first
	unsynced []*node     // files with content or size that isn't durable, in the order in which they became so

	used, capacity int64 // bytes, whole pages
	clock          func() time.Time

	writeBackRand        *rand.Rand // nil: no write-back of its own
	writeBackProbability float64

	crashed bool
}

// NewMem makes an empty file system of 1 TiB. Its root directory, where relative names start too, is there.
func NewMem() *Mem {
	m := &Mem{capacity: defaultCapacity, clock: time.Now}
	m.root = newDir(m.clock())
	return m
}

// SetCapacity sets the total space in bytes. What exceeds it already stays.
func (m *Mem) SetCapacity(sizeBytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.capacity = sizeBytes
}

// SetClock sets the source of modification times, which is time.Now at first. It is called with m locked.
func (m *Mem) SetClock(clock func() time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock = clock
}

// SetWriteBack makes each operation that changes something be followed by a WriteBack with the given probability.
// From here on rng belongs to m.
func (m *Mem) SetWriteBack(rng *rand.Rand, probability float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writeBackRand, m.writeBackProbability = rng, probability
}

// changed runs behind each operation that changed something.
func (m *Mem) changed() {
	if m.writeBackRand != nil && m.writeBackRand.Float64() < m.writeBackProbability {
		m.writeBack(m.writeBackRand)
	}
}

// take charges n's pages in [first, last] to the disk and returns the first one that no longer fits, or last+1.
func (m *Mem) take(n *node, first, last int64) int64 {
	for pg := first; pg <= last; pg++ {
		if n.blocks.has(pg) {
			continue
		}
		if m.used+pageSize > m.capacity {
			return pg
		}
		n.blocks.add(pg)
		m.used += pageSize
	}
	return last + 1
}

// give frees n's pages from first on.
func (m *Mem) give(n *node, first int64) {
	for pg := range n.blocks.from(first) {
		n.blocks.remove(pg)
		m.used -= pageSize
	}
}

// forgetUnused gives back the space of a file that has neither name nor opener nor mapping. Its durable image stays: as long as
// the removal of the name isn't durable, a crash brings it back.
func (m *Mem) forgetUnused(n *node) {
	if !n.dir && n.names == 0 && n.openers == 0 && n.mappings == 0 && len(n.outgrown) == 0 {
		m.give(n, 0)
	}
}
