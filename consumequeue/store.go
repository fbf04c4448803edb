package consumequeue

// Store is the queues of all topics. All methods are safe for concurrent use, but Truncate must not run beside an Append.
type Store struct{ core *core }

// Open opens the queues below o.Dir. It fails with ErrFileSize if they were written with another file size.
//
// A queue whose files are damaged doesn't stop the others. After an orderly stop it answers ErrDamaged; otherwise it is
// emptied and appears in Lost. In both cases the log can fill it again.
func Open(o Options) (*Store, error) {
	c, err := newCore(o, simpleLayout)
	if err == nil {
		err = c.open()
	}
	if err != nil {
		return nil, err
	}
	return &Store{c}, nil
}

// Open returns the queue of that name. Nothing is written before the first unit is appended. A name that can't be a
// directory gives a queue that refuses everything with ErrName.
func (s *Store) Open(topic string, id int32) *Queue { return (*Queue)(s.core.stream(topic, id)) }

// Lookup returns the queue of that name if it is on disk or was opened before.
func (s *Store) Lookup(topic string, id int32) (*Queue, bool) {
	q := (*Queue)(s.core.lookup(topic, id))
	return q, q != nil
}

// Queues calls f for each queue, by topic and id, until it returns false.
func (s *Store) Queues(f func(*Queue) bool) {
	for _, q := range s.core.snapshot() {
		if !f((*Queue)(q)) {
			return
		}
	}
}

// ReplayFrom is the log offset from which on the owner has to append again what belongs into the queues:
// Options.DurableTo, or 0 if something older was lost and the whole log has to be gone through. In that case the owner
// makes 0 its DurableTo before it appends or flushes anything, so that a crash meanwhile doesn't end the repair.
func (s *Store) ReplayFrom() int64 { return s.core.replayFrom() }

// Lost tells which queues lost units that should have been durable. A name of "" stands for all.
func (s *Store) Lost() []Lost { return s.core.lostQueues() }

// Flush makes everything durable that was appended before the call.
//
// If the disk is full (vfs.ErrFull) what couldn't be written stays in memory, and the next Flush tries again. If a sync
// fails the error is ErrBroken, then and for every later call that changes anything.
func (s *Store) Flush() error { return s.core.flushAll() }

// SetMinLog tells the queues that the log begins at logOffset now. Bounds follow at once, whole files that lie before it
// are removed, but never the last one of a queue. It must be called before the log gives up what lies before logOffset:
// the next offsets of queues that lose their last message are durable when it returns.
func (s *Store) SetMinLog(logOffset int64) error { return s.core.setMinLog(logOffset) }

// Truncate drops all units that point at or beyond logOffset, durably.
func (s *Store) Truncate(logOffset int64) error { return s.core.truncate(logOffset) }

// DirtyBytes is how much was appended and isn't durable yet.
func (s *Store) DirtyBytes() int64 { return s.core.dirtyBytes.Load() }

// Stats returns the numbers of the moment.
func (s *Store) Stats() Stats { return s.core.stats() }

// DeleteTopic removes all queues of a topic. Their Queues answer ErrDeleted from then on; Open makes new ones that begin at 0.
func (s *Store) DeleteTopic(topic string) error { return s.core.deleteTopic(topic) }

// Close flushes and closes the store. If it returns nil, the next Open may set Clean. It waits for readers.
func (s *Store) Close() error { return s.core.close() }
