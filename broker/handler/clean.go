package handler

// cleanLog deletes what retention gives up, whatever the hour.
func (c *call) cleanLog() error {
	n, err := c.h.Store.Clean(true)
	if err != nil {
		return err
	}
	c.h.Logger.Info("handler: retention on demand", "segments", n, "remote", c.c.RemoteAddr())
	return c.ok()
}

// cleanQueues has nothing to do: the files of queues go with the segments of the log that they point into.
func (c *call) cleanQueues() error { return c.ok() }

// cleanTopics removes what is left of topics that aren't there any more.
func (c *call) cleanTopics() error {
	if err := c.h.Life.Sweep(); err != nil {
		return err
	}
	return c.ok()
}
