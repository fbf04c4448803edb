package consumequeue

import (
	"errors"
	"fmt"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// setMinLog lets the queues begin at the log's new begin.
func (c *core) setMinLog(minLog int64) error {
	c.maintenance.Lock()
	defer c.maintenance.Unlock()
	if err := c.refused(); err != nil {
		return err
	}
	if minLog > c.minLog.Load() {
		c.minLog.Store(minLog)
	}
	minLog = c.minLog.Load()
	all := c.snapshot()
	if minLog > c.savedMinLog && !seeded.Is(seeded.BoundsNotSaved) {
		// A queue may just have lost its last message. From here on only the table knows its next offset for certain.
		if err := c.loadAll(func(*stream) bool { return true }); err != nil {
			return err
		}
		for _, s := range all {
			if err := s.raiseMin(); err != nil {
				return err
			}
		}
		if err := c.saveBounds(minLog); err != nil {
			return err
		}
	}
	for _, s := range all {
		if err := s.dropRetired(minLog); err != nil {
			return err
		}
	}
	return nil
}

// loadAll loads streams that nobody has used yet. One that is damaged doesn't stop the others.
func (c *core) loadAll(which func(*stream) bool) error {
	for _, s := range c.snapshot() {
		s.mu.Lock()
		var err error
		if s.state == unloaded && which(s) {
			err = s.load()
		}
		s.mu.Unlock()
		if errors.Is(err, ErrDamaged) {
			c.log.Warn("queue is damaged, left as it is", "store", c.layout.String(), "topic", s.topic, "queue", s.id, "err", err)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// raiseMin brings min up to date if there may be files to remove. Should the power then fail, the files that are left
// may have nothing that survives, and don't tell whether those before them were retired or never durable: the table does.
func (s *stream) raiseMin() error {
	s.mu.Lock()
	severalFiles := s.state == loaded && s.first+s.core.fileSize < s.files
	s.mu.Unlock()
	if !severalFiles {
		return nil
	}
	_, _, err := s.bounds()
	return err
}

// dropRetired removes the files from the front whose last unit points below minLog, but never the last file.
func (s *stream) dropRetired(minLog int64) error {
	c := s.core
	for {
		s.mu.Lock()
		ok := s.state == loaded && s.first+c.fileSize < s.files
		first := s.first
		s.mu.Unlock()
		if !ok {
			return nil
		}
		old, err := s.retired(first)
		s.mu.Lock()
		if s.first != first { // the writer let the queue begin anew meanwhile
			s.mu.Unlock()
			continue
		}
		if err != nil || !old {
			s.mu.Unlock()
			return err
		}
		err = s.removeFirst()
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// truncate drops all units that point at or beyond logOffset, durably.
func (c *core) truncate(logOffset int64) error {
	c.maintenance.Lock()
	defer c.maintenance.Unlock()
	if err := c.refused(); err != nil {
		return err
	}
	var work []*stream
	for _, s := range c.snapshot() {
		s.mu.Lock()
		err := s.ready()
		s.mu.Unlock()
		if err != nil {
			return err
		}
		pos, err := s.search(logOffset)
		if err != nil {
			return err
		}
		if s.isInside(pos) {
			work = append(work, s)
		}
	}
	if len(work) == 0 {
		return nil
	}
	return c.repair(func() error {
		for _, s := range work {
			if err := s.cut(logOffset); err != nil {
				return err
			}
		}
		return nil
	})
}

// cut drops the stream's units from the first one on that points at or beyond logOffset.
func (s *stream) cut(logOffset int64) error {
	c := s.core
	pos, err := s.search(logOffset)
	if err != nil {
		return err
	}
	var cutUnit [BatchUnitSize]byte
	if n, err := s.readAt(cutUnit[:c.layout.unitSize()], pos); err != nil || n == 0 {
		return err
	}
	last, err := s.lastBefore(pos)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.last = c.layout.begins(cutUnit[:], pos), last
	s.min, s.minFor = min(s.min, s.next), 0
	s.epoch++
	return s.cutBytes(pos)
}

// removeFirst removes the first of several files, which may not have been synced yet. The caller has mu.
func (s *stream) removeFirst() error {
	if err := s.removeFiles([]queueFile{{base: s.first}}); err != nil {
		return err
	}
	s.first += s.core.fileSize
	s.epoch++
	if unsynced := s.first - s.synced; unsynced > 0 {
		s.synced = s.first
		s.core.dirtyBytes.Add(-unsynced)
	}
	return nil
}

// cutBytes drops everything from pos < end on. The caller has mu.
func (s *stream) cutBytes(pos int64) error {
	c := s.core
	dirty := s.end - s.synced
	var err error
	if pos >= s.written {
		s.tail.b = s.tail.b[:pos-s.written]
		s.end = pos
	} else {
		err = s.cutFiles(pos)
	}
	c.dirtyBytes.Add(s.end - s.synced - dirty)
	s.list()
	return err
}

// cutFiles drops the tail and everything in files from pos on. The first file stays, as its name tells the next offset.
func (s *stream) cutFiles(pos int64) error {
	c := s.core
	s.dropTail()
	base := pos - pos%c.fileSize
	keep := base + c.fileSize
	if pos == base && base > s.first {
		keep = base
	}
	var drop []queueFile
	for b := keep; b < s.files; b += c.fileSize {
		drop = append(drop, queueFile{base: b})
	}
	s.written, s.end, s.synced = pos, pos, min(s.synced, pos)
	s.files, s.stale = keep, keep > base
	if err := s.removeFiles(drop); err != nil {
		return err
	}
	if !s.stale {
		return nil
	}
	d, err := c.fds.acquire(s, base, c.openFile)
	if err != nil {
		return fmt.Errorf("%v: %w", s, err)
	}
	defer c.fds.release(d)
	if err := c.clear(d.file, pos-base); err != nil {
		return fmt.Errorf("%v: clear from position %d: %w", s, pos, err)
	}
	s.stale, s.cleared = false, true
	return nil
}

// deleteTopic removes the queues of a topic. One of the same name that is opened later begins at 0.
func (c *core) deleteTopic(topic string) error {
	if !validName(topic, 0) {
		return fmt.Errorf("%v: topic %q: %w", c.layout, topic, ErrName)
	}
	c.maintenance.Lock()
	defer c.maintenance.Unlock()
	if err := c.refused(); err != nil {
		return err
	}
	for _, s := range c.snapshot() {
		if s.topic == topic {
			c.delete(s)
		}
	}
	// The table goes first: as long as it has the queues, files that are gone count as lost.
	if err := c.saveBounds(c.savedMinLog); err != nil {
		return err
	}
	if err := c.fs.RemoveAll(c.dir + "/" + topic); err != nil {
		return fmt.Errorf("%v: %w", c.layout, err)
	}
	return c.syncDir(c.dir)
}

// delete takes a stream out of the store. Its files are still there.
func (c *core) delete(s *stream) {
	c.mu.Lock()
	delete(c.streams, queueName{s.topic, s.id})
	c.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	c.dirtyBytes.Add(s.synced - s.end)
	s.dropTail()
	for base := s.first; base < s.files; base += c.fileSize {
		c.fds.forget(s, base)
	}
	s.setEmpty(0)
	s.state = deleted
}

// close flushes, saves the table of bounds and closes all files. What can't be flushed is left to recovery.
func (c *core) close() error {
	c.maintenance.Lock()
	defer c.maintenance.Unlock()
	err := c.refused()
	if errors.Is(err, ErrClosed) {
		return nil
	}
	if err == nil {
		err = c.flushAndMark()
	}
	if err == nil {
		err = c.loadAll(func(s *stream) bool { return !s.bounded })
	}
	if err == nil {
		err = c.saveBounds(c.savedMinLog)
	}
	closed := fmt.Errorf("%v: %s: %w", c.layout, c.dir, ErrClosed)
	c.refusal.Store(&closed)
	c.fds.closeAll()
	return err
}
