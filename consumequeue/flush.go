package consumequeue

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/gantry-mq/gantry/commitlog/seeded"
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
//  2. per stream, up to workers at a time: write the tail, datasync the files that got anything, sync the directory
//     if files were made or removed
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

// flush makes one stream durable. Its error says whether the store is broken by it.
func (s *stream) flush() error {
	c := s.core
	for {
		s.mu.Lock()
		s.listed = false
		if s.state == deleted {
			s.mu.Unlock()
			return nil
		}
		if err := s.writeOut(); err != nil {
			s.list()
			s.mu.Unlock()
			return err
		}
		s.dropTail()
		from, upTo, epoch := s.synced, s.written, s.epoch
		sync := upTo
		if s.cleared {
			sync = min(upTo+1, s.files) // the file of the unit to come
		}
		renamed, cleared := s.renamed, s.cleared
		s.renamed, s.cleared = false, false
		s.mu.Unlock()

		opened, err := s.sync(from, sync, renamed)

		s.mu.Lock()
		switch {
		case err == nil:
			if epoch == s.epoch {
				c.dirtyBytes.Add(from - upTo)
				s.synced = upTo
			}
			s.mu.Unlock()
			return nil
		case !opened && epoch != s.epoch: // the file had gone meanwhile
			s.renamed, s.cleared = s.renamed || renamed, s.cleared || cleared
			s.mu.Unlock()
			continue
		case !opened:
			s.renamed, s.cleared = s.renamed || renamed, s.cleared || cleared
			s.list()
		}
		s.mu.Unlock()
		return err
	}
}

// sync syncs the files that hold the positions from … to, and the directory if names changed in it. If opened is false,
// nothing was lost by the error; otherwise the store is broken.
func (s *stream) sync(from, to int64, renamed bool) (opened bool, err error) {
	c := s.core
	for base := from - from%c.fileSize; base < to && !seeded.Is(seeded.QueueDataNotSynced); base += c.fileSize {
		d, err := c.fds.acquire(s, base, c.openFile)
		if err != nil {
			return false, fmt.Errorf("%v: %w", s, err)
		}
		err = d.file.Datasync()
		c.fds.release(d)
		if err != nil {
			c.fail(err)
			return true, c.refused()
		}
	}
	if renamed && !seeded.Is(seeded.QueueNameNotSynced) {
		return true, c.syncDir(c.queueDir(s))
	}
	return true, nil
}

// syncDir makes the names in a directory durable, if there is one: nothing may have been written yet.
func (c *core) syncDir(dir string) error {
	if err := c.fs.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.fail(err)
		return c.refused()
	}
	return nil
}
