package consumequeue

// BatchStore is the batch queues of all topics that have such. It does for them what a Store does for simple ones.
type BatchStore struct{ core *core }

// OpenBatch is Open for batch queues. They have a directory and a table of bounds of their own.
func OpenBatch(o Options) (*BatchStore, error) {
	c, err := newCore(o, batchLayout)
	if err == nil {
		err = c.open()
	}
	if err != nil {
		return nil, err
	}
	return &BatchStore{c}, nil
}

// Open returns the queue of that name, as Store.Open does.
func (s *BatchStore) Open(topic string, id int32) *BatchQueue {
	return (*BatchQueue)(s.core.stream(topic, id))
}

// Lookup returns the queue of that name if it is on disk or was opened before.
func (s *BatchStore) Lookup(topic string, id int32) (*BatchQueue, bool) {
	q := (*BatchQueue)(s.core.lookup(topic, id))
	return q, q != nil
}

// Queues calls f for each queue, by topic and id, until it returns false.
func (s *BatchStore) Queues(f func(*BatchQueue) bool) {
	for _, q := range s.core.snapshot() {
		if !f((*BatchQueue)(q)) {
			return
		}
	}
}

// ReplayFrom is Store.ReplayFrom.
func (s *BatchStore) ReplayFrom() int64 { return s.core.replayFrom() }

// Lost is Store.Lost.
func (s *BatchStore) Lost() []Lost { return s.core.lostQueues() }

// Flush is Store.Flush.
func (s *BatchStore) Flush() error { return s.core.flushAll() }

// SetMinLog is Store.SetMinLog.
func (s *BatchStore) SetMinLog(logOffset int64) error { return s.core.setMinLog(logOffset) }

// Truncate is Store.Truncate.
func (s *BatchStore) Truncate(logOffset int64) error { return s.core.truncate(logOffset) }

// DirtyBytes is how much was appended and isn't durable yet.
func (s *BatchStore) DirtyBytes() int64 { return s.core.dirtyBytes.Load() }

// Stats returns the numbers of the moment.
func (s *BatchStore) Stats() Stats { return s.core.stats() }

// DeleteTopic is Store.DeleteTopic.
func (s *BatchStore) DeleteTopic(topic string) error { return s.core.deleteTopic(topic) }

// Close is Store.Close.
func (s *BatchStore) Close() error { return s.core.close() }
