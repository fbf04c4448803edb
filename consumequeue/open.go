package consumequeue

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// open opens what the store keeps open, and the queues.
func (c *core) open() error {
	if err := c.openVolume(); err != nil {
		return err
	}
	if err := c.openQueues(); err != nil {
		c.fds.closeAll()
		return errors.Join(err, c.closeVolume())
	}
	return nil
}

// openVolume comes before anything is written: of what fails earlier the volume may not tell.
func (c *core) openVolume() error {
	dir := c.dir
	if _, err := c.fs.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		dir = path.Dir(dir) // where it will be made
	}
	v, err := c.fs.OpenVolume(dir)
	switch {
	case err == nil:
		c.volume = v
	case !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%v: open: %w", c.layout, err)
	}
	return nil
}

func (c *core) closeVolume() error {
	if c.volume == nil {
		return nil
	}
	if err := c.volume.Close(); err != nil {
		return fmt.Errorf("%v: %w", c.layout, err)
	}
	return nil
}

// openQueues reads the table of bounds and lists the directories; unless the last stop was clean it recovers every queue.
func (c *core) openQueues() error {
	if err := c.loadBounds(); err != nil {
		return err
	}
	c.trusted = c.trusted && !c.repairing
	c.keepBelow = c.minLog.Load()
	c.recoverBelow = c.logEnd
	if !c.trusted && !seeded.Is(seeded.TornUnitAccepted) {
		c.recoverBelow = min(c.logEnd, max(c.durableTo, c.keepBelow))
	}
	found, err := c.list()
	if err != nil {
		return err
	}
	c.marked = found
	if err := c.checkFileSize(); err != nil {
		return err
	}
	for _, s := range c.snapshot() {
		if !s.onDisk {
			s.mu.Lock()
			s.missing()
			s.mu.Unlock()
		}
	}
	if !found && c.durableTo > 0 && (c.hadBounds || c.layout == simpleLayout) { // batch queues come with the first batch topic
		c.noteLost(Lost{Err: fmt.Errorf("%v: directory %s: not found, expected units up to log offset %d: %w", c.layout, c.dir, c.durableTo, ErrDamaged)})
	}
	if c.trusted {
		return nil
	}
	return c.recover()
}

// recover loads every queue and makes durable what it cuts.
func (c *core) recover() error {
	syncAll := c.repairing
	return c.repair(func() error {
		err := c.each(c.snapshot(), func(s *stream) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			err := s.load()
			if err == nil && syncAll && s.onDisk {
				s.renamed, s.cleared = true, true
				s.list()
			}
			return err
		})
		if err != nil {
			return err
		}
		return c.removeLost()
	})
}

// repair runs what cuts or removes files that are in use, and makes it durable. Only then the log may go on behind the
// cut: units or a table from before it, should they come back, would be taken for those of the new records.
func (c *core) repair(cut func() error) error {
	c.repairing = true
	if err := c.saveBounds(c.savedMinLog); err != nil {
		return err
	}
	if err := cut(); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	c.repairing = false
	return c.saveBounds(c.savedMinLog)
}

// list registers a stream for each queue directory. It reports whether there is a directory at all.
func (c *core) list() (found bool, err error) {
	topics, err := c.fs.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%v: open: %w", c.layout, err)
	}
	for _, topic := range topics {
		if !topic.IsDir() {
			continue
		}
		name := topic.Name()
		queues, err := c.fs.ReadDir(c.topicDir(name))
		if err != nil {
			return true, fmt.Errorf("%v: open: %w", c.layout, err)
		}
		for _, queue := range queues {
			id, err := strconv.ParseInt(queue.Name(), 10, 32)
			if err != nil || id < 0 || !queue.IsDir() || strconv.FormatInt(id, 10) != queue.Name() {
				c.log.Warn("not a queue directory, left alone", "store", c.layout.String(), "topic", name, "name", queue.Name())
				continue
			}
			c.stream(name, int32(id)).onDisk = true
		}
	}
	return true, nil
}
