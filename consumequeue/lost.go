package consumequeue

import (
	"fmt"
	"slices"
)

func (c *core) noteLost(l Lost) {
	c.log.Warn("queue units were lost and have to come from the log again", "store", c.layout.String(), "topic", l.Topic, "queue", l.QueueID, "err", l.Err)
	c.lostMu.Lock()
	defer c.lostMu.Unlock()
	c.lost = append(c.lost, l)
}

func (c *core) lostQueues() []Lost {
	c.lostMu.Lock()
	defer c.lostMu.Unlock()
	return slices.Clone(c.lost)
}

func (c *core) replayFrom() int64 {
	c.lostMu.Lock()
	defer c.lostMu.Unlock()
	if len(c.lost) > 0 {
		return 0
	}
	return c.durableTo
}

// missing is for a stream that has no files but may have a line in the table of bounds.
func (s *stream) missing() {
	next := s.next
	if s.bounded {
		switch c := s.core; {
		case s.lost: // was so before
			c.noteLost(s.stillLost())
		case s.anywhere: // was so before
		case s.last >= c.recoverBelow: // its last units went with the end of the log
			next, s.anywhere = s.min, true
		case s.last >= c.keepBelow:
			s.anywhere, s.lost = true, true
			c.noteLost(Lost{s.topic, s.id, fmt.Errorf("%v: no files, expected units up to queue offset %d: %w", s, s.next-1, ErrDamaged)})
		}
	}
	s.setEmpty(next)
}

func (s *stream) stillLost() Lost {
	return Lost{s.topic, s.id, fmt.Errorf("%v: lost at an earlier start: %w", s, ErrDamaged)}
}

// reset gives up a damaged queue, which the log has to fill again. Its files are left for removeLost.
func (s *stream) reset(cause error) {
	next := s.next
	if s.bounded && s.last >= s.core.recoverBelow {
		next = s.min
	}
	s.setEmpty(next)
	s.anywhere, s.lost = true, true
	s.core.noteLost(Lost{s.topic, s.id, cause})
}

// removeLost removes the files of queues that were reset. The table of bounds has to say first that they are lost: a
// recovery that finds no files wouldn't know.
func (c *core) removeLost() error {
	lost := false
	for _, s := range c.snapshot() {
		s.mu.Lock()
		lost = lost || s.lost && s.onDisk
		s.mu.Unlock()
	}
	if !lost {
		return nil
	}
	if err := c.saveBounds(c.savedMinLog); err != nil {
		return err
	}
	return c.each(c.snapshot(), func(s *stream) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.lost || !s.onDisk {
			return nil
		}
		files, err := c.listFiles(s)
		if err != nil {
			return err
		}
		return s.removeFiles(files)
	})
}

// restartEmpty is for a queue of which no unit survived: the log has them all, and says where the queue begins. If it
// has none, the table of bounds knows the next offset; without a table the first file's name is the best guess.
func (s *stream) restartEmpty(files []queueFile) error {
	c := s.core
	if !s.bounded && !c.hadBounds && c.layout == simpleLayout {
		s.next = files[0].base / UnitSize
	}
	if err := s.removeFiles(files); err != nil {
		return err
	}
	s.missing()
	s.anywhere = true
	return nil
}
