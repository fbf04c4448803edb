package consumequeue

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// counter counts the operations on a file system by kind.
type counter struct {
	mu sync.Mutex // guards n
	n  map[vfs.OpKind]int
}

func (c *counter) fs(fs vfs.FS) vfs.FS {
	return vfs.Fault(fs, func(op vfs.Op) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.n[op.Kind]++
		return nil
	})
}

// take returns the counts and begins anew.
func (c *counter) take() map[vfs.OpKind]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = map[vfs.OpKind]int{}
	return n
}

func TestManyNewQueuesAreSyncedByOneCall(t *testing.T) {
	mem := vfs.NewMem()
	var ops counter
	ops.take()
	s := mustOpen(t, Options{FS: ops.fs(mem), FileSize: 400, SyncTogetherFrom: 40})
	for id := range int32(40) {
		appendUnits(t, s.Open("T", id), 0, 30) // two files each
	}
	ops.take()
	must(t, s.Flush())
	if n := ops.take(); n[vfs.OpSyncVolume] != 1 || n[vfs.OpDatasync] != 0 || n[vfs.OpSync] != 0 || n[vfs.OpSyncDir] != 0 {
		t.Fatalf("operations %v, expected one sync of the volume and no other", n)
	}
	if dirty := s.DirtyBytes(); dirty != 0 {
		t.Fatalf("%d dirty bytes, expected none", dirty)
	}
	appendUnits(t, s.Open("T", 0), 30, 31)
	must(t, s.Flush())
	if n := ops.take(); n[vfs.OpSyncVolume] != 0 || n[vfs.OpDatasync] != 1 || n[vfs.OpSyncDir] != 0 {
		t.Fatalf("operations %v, expected one file to be synced", n)
	}

	s = mustOpen(t, Options{FS: mem.Crash(rand.New(rand.NewPCG(1, 1))), FileSize: 400, DurableTo: 3100})
	wantUnits(t, s.Open("T", 0), 0, 31)
	for id := range int32(39) {
		wantUnits(t, s.Open("T", id+1), 0, 30)
	}
	mustClose(t, s)
}

func TestWithoutAReliableVolumeEachFileIsSynced(t *testing.T) {
	mem := vfs.NewMem()
	var ops counter
	ops.take()
	fs := vfs.Fault(ops.fs(mem), func(op vfs.Op) error {
		if op.Kind == vfs.OpOpenVolume {
			return errors.ErrUnsupported
		}
		return nil
	})
	s := mustOpen(t, Options{FS: fs, SyncTogetherFrom: 1})
	for id := range int32(10) {
		appendUnits(t, s.Open("T", id), 0, 3)
	}
	must(t, s.Flush())
	if n := ops.take(); n[vfs.OpDatasync] != 10 {
		t.Fatalf("operations %v, expected ten files to be synced", n)
	}
	s = mustOpen(t, Options{FS: mem.Crash(rand.New(rand.NewPCG(1, 1))), DurableTo: 300})
	for id := range int32(10) {
		wantUnits(t, s.Open("T", id), 0, 3)
	}
	mustClose(t, s)
}

// A process that is killed leaves directories that are there and whose names nobody has synced.
func TestDirectoriesThatAKilledProcessMadeAreSyncedWithTheFirstFile(t *testing.T) {
	for seed := range uint64(20) {
		mem := vfs.NewMem()
		s := mustOpen(t, Options{FS: mem, FileSize: 400, SyncTogetherFrom: 100})
		appendUnits(t, s.Open("T", 0), 0, 1000) // more than is kept in memory
		if _, err := mem.Stat("/cq/T/0"); err != nil {
			t.Fatalf("the queue has no directory yet: %v", err)
		}
		mem = mem.Kill()
		s = mustOpen(t, Options{FS: mem, FileSize: 400, SyncTogetherFrom: 100})
		appendUnits(t, s.Open("T", 0), 0, 10)
		must(t, s.Flush())
		s = mustOpen(t, Options{FS: mem.Crash(rand.New(rand.NewPCG(seed, 0))), FileSize: 400, DurableTo: 1000})
		if lost := s.Lost(); len(lost) > 0 {
			t.Fatalf("seed %d: lost %v", seed, lost)
		}
		wantUnits(t, s.Open("T", 0), 0, 10)
		mustClose(t, s)
	}
}
