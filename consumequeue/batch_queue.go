package consumequeue

import "fmt"

// BatchQueue is a queue of a topic whose records hold several messages each: one unit is the place of a record, and
// stands for as many queue offsets as it has messages.
//
// Append is for one goroutine at a time; everything else is safe for concurrent use, also beside Append.
type BatchQueue stream

// Topic is the name of the queue's topic.
func (q *BatchQueue) Topic() string { return q.topic }

// ID is the queue's number within its topic.
func (q *BatchQueue) ID() int32 { return q.id }

// Append adds units. They can be read at once, and are durable after the next Flush of the store.
//
// A unit whose messages the queue has already is ignored. A queue that has no message in the log any more, or never had
// one, begins anew at any later offset. Otherwise a gap is ErrGap, and a unit that has a part of its messages below the
// next offset is ErrOrder. If an error comes in between, Bounds tells how far the queue got, and the call can be
// repeated as it was.
func (q *BatchQueue) Append(us ...BatchUnit) error {
	s := (*stream)(q)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	for i := range us {
		if err := s.appendBatch(&us[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) appendBatch(u *BatchUnit) error {
	end := u.BaseOffset + int64(u.Count)
	if u.BaseOffset < 0 || u.BaseOffset > maxQueueOffset || u.Count <= 0 || u.Size <= 0 {
		return fmt.Errorf("%v: unit of %d messages from %d, %d bytes: %w", s, u.Count, u.BaseOffset, u.Size, ErrOrder)
	}
	if s.anywhere && u.BaseOffset < s.next {
		s.setEmpty(u.BaseOffset)
	}
	if end <= s.next {
		return nil
	}
	if u.BaseOffset < s.next || u.LogOffset <= s.last {
		return fmt.Errorf("%v: unit of %d messages from %d points to %d, next is %d, the unit before points to %d: %w",
			s, u.Count, u.BaseOffset, u.LogOffset, s.next, s.last, ErrOrder)
	}
	if err := s.begin(u.BaseOffset, u.LogOffset); err != nil {
		return err
	}
	s.list()
	b, err := s.extend(BatchUnitSize)
	if err != nil {
		return err
	}
	AppendBatchUnit(b[:0], *u)
	s.last, s.next = u.LogOffset, end
	return nil
}

// Read copies units into dst, from the one on that has the message at queue offset from, and returns how many there
// were: 0 if from lies outside Bounds. It sees what was appended before the call.
func (q *BatchQueue) Read(dst []BatchUnit, from int64) (int, error) {
	s := (*stream)(q)
	first, next, err := s.bounds()
	if err != nil || from < first || from >= next {
		return 0, err
	}
	pos, err := s.searchOffset(from)
	if err != nil {
		return 0, err
	}
	c := s.core
	buf := c.buffers.get(min(len(dst)*BatchUnitSize, 4096))
	defer c.buffers.put(buf)
	n := 0
	for n < len(dst) {
		b := buf.b[:min(cap(buf.b)/BatchUnitSize, len(dst)-n)*BatchUnitSize]
		read, err := s.readAt(b, pos)
		for u := b[:read]; len(u) >= BatchUnitSize; u = u[BatchUnitSize:] {
			if !c.layout.valid(u) {
				return n, s.hole(n, pos+int64(read-len(u)))
			}
			dst[n] = DecodeBatchUnit(u)
			n++
		}
		if err != nil || read < len(b) {
			return n, err
		}
		pos += int64(read)
	}
	return n, nil
}

// searchOffset returns the position of the unit that has a queue offset, or of the first one behind it.
func (s *stream) searchOffset(queueOffset int64) (int64, error) {
	s.mu.Lock()
	first, end := s.first, s.end
	s.mu.Unlock()
	return s.searchBetween(first, end, func(unit []byte, pos int64) (bool, error) {
		return s.core.layout.ends(unit, pos) > queueOffset, nil
	})
}

// Bounds returns the queue offsets of the first message that is still in the log and of the next one to come; they are
// equal if the queue is empty. If the queue's files can't be read they are those that the table of bounds has; Read
// and Append tell the error.
func (q *BatchQueue) Bounds() (min, next int64) {
	min, next, _ = (*stream)(q).bounds()
	return min, next
}

// SeekTime finds a record by the time of its storage in ms since 1970 and returns the queue offset of its first message:
// for Lower of the first record at ms or later, and the next offset if there is none; for Upper of the last record at ms
// or earlier, and the first offset if there is none.
func (q *BatchQueue) SeekTime(ms int64, b Boundary) (int64, error) {
	s := (*stream)(q)
	first, next, err := s.bounds()
	if err != nil || first == next {
		return next, err
	}
	s.mu.Lock()
	end := s.end
	s.mu.Unlock()
	start, err := s.searchOffset(first)
	if err != nil {
		return 0, err
	}
	pos, err := s.searchBetween(start, end, func(unit []byte, _ int64) (bool, error) {
		t := DecodeBatchUnit(unit).StoreTime
		return t > ms || b == Lower && t == ms, nil
	})
	if err != nil {
		return 0, err
	}
	if b == Upper {
		pos = max(start, pos-BatchUnitSize)
	}
	var unit [BatchUnitSize]byte
	if n, err := s.readAt(unit[:], pos); err != nil || n == 0 {
		return next, err
	}
	return decodeBase(unit[:]), nil
}
