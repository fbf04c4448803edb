package consumequeue

// Newest is the log offset of the newest message that the queue has or, as far as it knows, once had; -1 if there is none.
func (q *Queue) Newest() (logOffset int64, err error) { return (*stream)(q).newest() }

// Newest is Queue.Newest.
func (q *BatchQueue) Newest() (logOffset int64, err error) { return (*stream)(q).newest() }

func (s *stream) newest() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.ready()
	return s.last, err
}
