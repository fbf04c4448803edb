package consumequeue

import "sort"

// Boundary says which message SeekTime looks for.
type Boundary uint8

const (
	Lower Boundary = iota // the first one that was stored at the time or later
	Upper                 // the last one that was stored at the time or earlier
)

// search returns the position of the first unit that points at or beyond logOffset, or the end. Fillers point to 0.
func (s *stream) search(logOffset int64) (int64, error) {
	s.mu.Lock()
	first, end := s.first, s.end
	s.mu.Unlock()
	return s.searchBetween(first, end, func(unit []byte, pos int64) (bool, error) {
		h := decodeHead(unit)
		return !h.filler() && h.logOffset >= logOffset, nil
	})
}

// searchBetween returns the position of the first unit between two positions for which reached is true, or end. It must
// be true for all units that follow one for which it is true.
func (s *stream) searchBetween(first, end int64, reached func(unit []byte, pos int64) (bool, error)) (int64, error) {
	unit := s.core.layout.unitSize()
	buf := s.core.buffers.get(int(unit))
	defer s.core.buffers.put(buf)
	u := buf.b[:unit]
	var err error
	n := sort.Search(int((end-first)/unit), func(i int) bool {
		if err != nil {
			return true
		}
		pos := first + int64(i)*unit
		var read int
		if read, err = s.readAt(u, pos); err != nil || read < len(u) {
			return err != nil || !s.isInside(pos)
		}
		var ok bool
		ok, err = reached(u, pos)
		return ok
	})
	return first + int64(n)*unit, err
}

// isInside tells whether a position lies before the end. One before the first file does, too: it did once.
func (s *stream) isInside(pos int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pos < s.end
}

// lastBefore returns the log offset of the last unit before pos, -1 if there is none or it is a filler.
func (s *stream) lastBefore(pos int64) (int64, error) {
	var unit [BatchUnitSize]byte
	u := unit[:s.core.layout.unitSize()]
	n, err := s.readAt(u, pos-int64(len(u)))
	if err != nil || n == 0 {
		return -1, err
	}
	if h := decodeHead(u); !h.filler() {
		return h.logOffset, nil
	}
	return -1, nil
}

// bounds returns the queue offsets of the first message that is in the log and of the next one.
func (s *stream) bounds() (first, next int64, err error) {
	minLog := s.core.minLog.Load()
	s.mu.Lock()
	err = s.ready()
	first, next = s.min, s.next
	switch {
	case err != nil || s.last < max(minLog, 0): // the log has none of its messages
		s.mu.Unlock()
		return next, next, err
	case s.minFor == minLog+1:
		s.mu.Unlock()
		return first, next, nil
	}
	epoch := s.epoch
	s.mu.Unlock()

	first, err = s.searchMin(minLog, next)
	if err != nil {
		return next, next, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if epoch == s.epoch {
		s.min, s.minFor = first, minLog+1
	}
	return min(first, s.next), s.next, nil
}

// searchMin finds the queue offset of the first message that doesn't lie before minLog, next if there is none.
func (s *stream) searchMin(minLog, next int64) (int64, error) {
	unit := s.core.layout.unitSize()
	buf := s.core.buffers.get(int(unit))
	defer s.core.buffers.put(buf)
	u := buf.b[:unit]
	inLog := func(u []byte) bool {
		h := decodeHead(u)
		return !h.filler() && h.logOffset >= minLog
	}
	s.mu.Lock()
	pos := s.first
	s.mu.Unlock()
	n, err := s.readAt(u, pos)
	if err != nil {
		return 0, err
	}
	if n == 0 || !inLog(u) { // else the first one of all, as it is most of the time
		if pos, err = s.search(minLog); err != nil {
			return 0, err
		}
		if n, err = s.readAt(u, pos); err != nil {
			return 0, err
		}
	}
	if n == 0 {
		return next, nil
	}
	return s.core.layout.begins(u, pos), nil
}
