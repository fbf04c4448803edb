package consumequeue

import "fmt"

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
	if err := c.fs.RemoveAll(c.topicDir(topic)); err != nil {
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
