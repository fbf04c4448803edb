package consumequeue

import "fmt"

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
	// The log may not have given up what SetMinLog announced, for the owner died. What comes to stand there is new.
	revoked := logOffset < c.minLog.Load()
	if revoked {
		c.minLog.Store(logOffset)
		c.savedMinLog = min(c.savedMinLog, logOffset)
	}
	if len(work) == 0 && !revoked {
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
