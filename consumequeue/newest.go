package consumequeue

// Newest is the log offset of the newest message that the queue has or, as far as it knows, once had; -1 if there is none.
func (q *Queue) Newest() (logOffset int64, err error) { return (*stream)(q).newest() }

// Newest is Queue.Newest.
func (q *BatchQueue) Newest() (logOffset int64, err error) { return (*stream)(q).newest() }

func (s *stream) newest() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.ready()
	if s.last < 0 { // the table knows of those that are gone, of which only these can have stayed in the log
		return min(s.noted, s.core.recoverBelow-1), err
	}
	return s.last, err
}
