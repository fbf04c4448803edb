package consumequeue

import (
	"fmt"
	"sync"
)

// workers is how many files are synced, or recovered, at a time: enough for the file system to commit several with one
// write of its journal, few enough to leave the disk to the log.
const workers = 8

// flushAll is flush for callers that don't have maintenance.
func (c *core) flushAll() error {
	c.maintenance.Lock()
	defer c.maintenance.Unlock()
	if err := c.flushAndMark(); err != nil || c.told {
		return err
	}
	c.told = true
	if len(c.lostQueues()) == 0 {
		return nil
	}
	return c.saveBounds(c.savedMinLog)
}

// flushAndMark is flush that also leaves a directory, be it empty. Should that be missing once the owner notes that
// something is durable, it was lost.
func (c *core) flushAndMark() error {
	if err := c.flush(); err != nil || c.marked {
		return err
	}
	if err := c.fs.MkdirAll(c.dir); err != nil {
		return fmt.Errorf("%v: %w", c.layout, err)
	}
	c.marked = true
	return nil
}

// flush makes durable what was appended before the call.
//
//  1. take the list of dirty streams; whatever is appended from now on puts its stream on the next list
//  2. per stream, up to workers at a time: write the tail, datasync the files that got anything, sync the directories
//     in which files were made or removed
//
// From Options.SyncTogetherFrom streams on, step 2 only writes, and the file system is synced as a whole.
//
// A stream whose tail can't be written stays dirty, and the others are flushed all the same: a full disk heals. A sync
// that fails is final, as the kernel may have dropped what it couldn't write.
// The caller has maintenance.
func (c *core) flush() error {
	if err := c.refused(); err != nil {
		return err
	}
	c.dirtyMu.Lock()
	work := c.dirty
	c.dirty = nil
	c.dirtyMu.Unlock()
	if c.volume != nil && len(work) >= c.togetherFrom {
		return c.flushTogether(work)
	}
	return c.each(work, (*stream).flush)
}

// each calls f for each stream, for up to workers of them at a time, and returns the first error when all are done.
func (c *core) each(work []*stream, f func(*stream) error) error {
	var mu sync.Mutex // guards work and first
	var first error
	one := func() bool {
		mu.Lock()
		if len(work) == 0 {
			mu.Unlock()
			return false
		}
		s := work[0]
		work = work[1:]
		mu.Unlock()
		if err := f(s); err != nil {
			mu.Lock()
			if first == nil {
				first = err
			}
			mu.Unlock()
		}
		return true
	}
	var wg sync.WaitGroup
	for range min(workers, c.fds.max, len(work)) - 1 {
		wg.Go(func() {
			for one() {
			}
		})
	}
	for one() {
	}
	wg.Wait()
	return first
}
