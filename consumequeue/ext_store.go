package consumequeue

// ExtStore is the extensions of all queues that have one. Its files are durable as far as they were flushed; what lies
// behind the last address that a queue has is dropped by Ext.Truncate. Flush it before the Store whose units point here.
type ExtStore struct{ core *core }

// OpenExt opens the extensions below o.Dir. Of the options it uses FS, Dir, FileSize (0 means 48 MiB), MaxOpenFiles and
// Logger; each extension is read when it is first used.
func OpenExt(o Options) (*ExtStore, error) {
	c, err := newCore(o, extLayout)
	if err != nil {
		return nil, err
	}
	c.boundsFile = "" // the queue has the bounds
	c.trusted, c.durableTo = true, 0
	if err := c.open(); err != nil {
		return nil, err
	}
	return &ExtStore{c}, nil
}

// Open returns the extension of the queue of that name. Nothing is written before the first Put.
func (s *ExtStore) Open(topic string, id int32) *Ext { return (*Ext)(s.core.stream(topic, id)) }

// Flush is Store.Flush.
func (s *ExtStore) Flush() error { return s.core.flushAll() }

// DirtyBytes is how much was put and isn't durable yet.
func (s *ExtStore) DirtyBytes() int64 { return s.core.dirtyBytes.Load() }

// Stats returns the numbers of the moment.
func (s *ExtStore) Stats() Stats { return s.core.stats() }

// DeleteTopic removes the extensions of all queues of a topic.
func (s *ExtStore) DeleteTopic(topic string) error { return s.core.deleteTopic(topic) }

// Close flushes and closes the store. It waits for readers.
func (s *ExtStore) Close() error { return s.core.close() }
