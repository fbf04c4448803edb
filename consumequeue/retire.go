package consumequeue

import (
	"errors"

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
