package consumequeue

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// unsynced is what a stream has given to the file system since it was synced.
type unsynced struct {
	stream     *stream
	from, upTo int64  // positions
	files      int64  // the stream's
	epoch      uint32 // the stream's when that was so

	renamed, founded, cleared bool // the stream's fields of that name, which are reset
}

// writeForSync writes the stream's tail and returns what is to be synced then. An error leaves the stream dirty.
func (s *stream) writeForSync() (unsynced, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed = false
	if s.state == deleted {
		return unsynced{stream: s, epoch: s.epoch}, nil
	}
	if err := s.writeOut(); err != nil {
		s.list()
		return unsynced{}, err
	}
	s.dropTail()
	u := unsynced{s, s.synced, s.written, s.files, s.epoch, s.renamed, s.founded, s.cleared}
	s.renamed, s.founded, s.cleared = false, false, false
	return u, nil
}

// settle notes that u is durable. The stream may have lost it meanwhile.
func (s *stream) settle(u unsynced) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.epoch == s.epoch {
		s.core.dirtyBytes.Add(u.from - u.upTo)
		s.synced = u.upTo
	}
}

// restore undoes writeForSync for a sync that could not even begin. It reports whether that was because a file had gone
// meanwhile; otherwise the stream stays dirty.
func (s *stream) restore(u unsynced) (moved bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renamed, s.founded, s.cleared = s.renamed || u.renamed, s.founded || u.founded, s.cleared || u.cleared
	if u.epoch != s.epoch {
		return true
	}
	s.list()
	return false
}

// flush makes one stream durable. Its error says whether the store is broken by it.
func (s *stream) flush() error {
	for {
		u, err := s.writeForSync()
		if err != nil {
			return err
		}
		opened, err := s.sync(u)
		if err == nil {
			s.settle(u)
			return nil
		}
		if opened || !s.restore(u) {
			return err
		}
	}
}

// sync syncs the files that hold u, and the directories if names changed in them. If opened is false, nothing was lost
// by the error; otherwise the store is broken.
func (s *stream) sync(u unsynced) (opened bool, err error) {
	c := s.core
	to := u.upTo
	if u.cleared {
		to = min(to+1, u.files) // the file of the unit to come
	}
	for base := u.from - u.from%c.fileSize; base < to && !seeded.Is(seeded.QueueDataNotSynced); base += c.fileSize {
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
	if seeded.Is(seeded.QueueNameNotSynced) {
		return true, nil
	}
	if u.renamed {
		err = c.syncDir(c.queueDir(s))
	}
	if u.founded && err == nil {
		err = errors.Join(c.syncDir(c.topicDir(s.topic)), c.syncDir(c.dir))
	}
	return true, err
}

// syncDir makes the names in a directory durable, if there is one: nothing may have been written yet.
func (c *core) syncDir(dir string) error {
	if err := c.fs.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.fail(err)
		return c.refused()
	}
	return nil
}

// flushTogether is flush for many streams: a new queue is a file and up to two directories, each of which would need a
// sync of its own.
func (c *core) flushTogether(work []*stream) error {
	var mu sync.Mutex // guards written
	written := make([]unsynced, 0, len(work))
	failed := c.each(work, func(s *stream) error {
		u, err := s.writeForSync()
		if err != nil {
			return err
		}
		mu.Lock()
		written = append(written, u)
		mu.Unlock()
		return nil
	})
	if !seeded.Is(seeded.QueueDataNotSynced) {
		if err := c.volume.Sync(); err != nil {
			c.fail(err)
			return c.refused()
		}
	}
	for _, u := range written {
		u.stream.settle(u)
	}
	return failed
}
