package consumequeue

import (
	"fmt"
	"math"
)

// Queue is one queue of a topic. There is one Queue per name and Store, to be kept by whoever uses it often.
//
// Append is for one goroutine at a time; everything else is safe for concurrent use, also beside Append.
type Queue stream

// maxQueueOffset keeps positions in bytes, and a file behind them, within an int64.
const maxQueueOffset = (math.MaxInt64 - math.MaxInt32) / UnitSize

// Topic is the name of the queue's topic.
func (q *Queue) Topic() string { return q.topic }

// ID is the queue's number within its topic.
func (q *Queue) ID() int32 { return q.id }

// Append adds units, of which the first one is that of the message at queueOffset. They can be read at once, and are
// durable after the next Flush of the store.
//
// Units that the queue has already are ignored, so that a part of the log may be dispatched twice. A queue that has no
// message in the log any more, or never had one, begins anew at any later offset. Otherwise a gap is ErrGap.
// If an error comes in between, Bounds tells how many units were taken, and the call can be repeated as it was.
func (q *Queue) Append(queueOffset int64, us ...Unit) error {
	s := (*stream)(q)
	s.mu.Lock()
	err := s.append(queueOffset, us)
	s.mu.Unlock()
	return err
}

func (s *stream) append(queueOffset int64, us []Unit) error {
	if err := s.writable(); err != nil {
		return err
	}
	if queueOffset < 0 || queueOffset > maxQueueOffset-int64(len(us)) {
		return fmt.Errorf("%v: queue offset %d, expected 0 … %d: %w", s, queueOffset, maxQueueOffset-int64(len(us)), ErrOrder)
	}
	if s.anywhere && queueOffset < s.next {
		s.setEmpty(queueOffset)
	}
	if known := s.next - queueOffset; known > 0 {
		us = us[min(known, int64(len(us))):]
		queueOffset += known
	}
	if len(us) == 0 {
		return nil
	}
	if err := s.begin(queueOffset, us[0].LogOffset); err != nil {
		return err
	}
	s.list()
	if pos := queueOffset * UnitSize; pos > s.end {
		if err := s.fill(pos); err != nil {
			return err
		}
	}
	for i := range us {
		if us[i].LogOffset <= s.last || us[i].Size <= 0 {
			return fmt.Errorf("%v: unit for queue offset %d points to %d (%d bytes), the one before to %d: %w",
				s, queueOffset+int64(i), us[i].LogOffset, us[i].Size, s.last, ErrOrder)
		}
		b, err := s.extend(UnitSize)
		if err != nil {
			return err
		}
		putUnit(b, us[i])
		s.last = us[i].LogOffset
		s.next = queueOffset + int64(i) + 1
	}
	return nil
}

// begin prepares for a unit at queueOffset ≥ next: a queue of which the log has nothing begins there.
func (s *stream) begin(queueOffset, logOffset int64) error {
	minLog := s.core.minLog.Load()
	empty := s.last < max(minLog, 0)
	if queueOffset > s.next && !empty {
		return fmt.Errorf("%v: unit for queue offset %d, next is %d: %w", s, queueOffset, s.next, ErrGap)
	}
	if empty {
		s.min, s.minFor = queueOffset, 0
		if logOffset >= minLog {
			s.minFor = minLog + 1
		}
	}
	s.anywhere, s.lost = false, false
	return nil
}

// fill writes fillers up to position to, from where the file that to belongs into begins. Older files are removed if it
// is another file than the last one. It can be repeated after an error.
func (s *stream) fill(to int64) error {
	c := s.core
	if base := to - to%c.fileSize; base > s.end {
		var old []queueFile
		for b := s.first; b < s.files; b += c.fileSize {
			old = append(old, queueFile{base: b})
		}
		if err := s.removeFiles(old); err != nil {
			return err
		}
		s.dropTail()
		c.dirtyBytes.Add(s.synced - s.end)
		s.restart(to / UnitSize)
	}
	for s.end < to {
		b, err := s.extend(UnitSize)
		if err != nil {
			return err
		}
		putUnit(b, filler)
	}
	return nil
}

// Read copies the units from queue offset from on into dst and returns how many there were: 0 if from lies outside
// Bounds. It sees what was appended before the call.
func (q *Queue) Read(dst []Unit, from int64) (int, error) {
	s := (*stream)(q)
	first, next, err := s.bounds()
	if err != nil || from < first || from >= next {
		return 0, err
	}
	c := s.core
	buf := c.buffers.get(min(len(dst)*UnitSize, 4096))
	defer c.buffers.put(buf)
	n := 0
	for n < len(dst) {
		b := buf.b[:min(cap(buf.b)/UnitSize, len(dst)-n)*UnitSize]
		read, err := s.readAt(b, (from+int64(n))*UnitSize)
		for u := b[:read]; len(u) >= UnitSize; u = u[UnitSize:] {
			if dst[n] = DecodeUnit(u); dst[n].Size <= 0 {
				return n, s.hole(n, (from+int64(n))*UnitSize)
			}
			n++
		}
		if err != nil || read < len(b) {
			return n, err
		}
	}
	return n, nil
}

// hole is the error of a read that met a place without a unit at pos, after n units: none, if there are some before it or
// it was just cut off.
func (s *stream) hole(n int, pos int64) error {
	if n > 0 || !s.isInside(pos) {
		return nil
	}
	return fmt.Errorf("%v: no unit at position %d: %w", s, pos, ErrDamaged)
}

// Bounds returns the queue offsets of the first message that is still in the log and of the next one to come; they are
// equal if the queue is empty. If the queue's files can't be read they are those that the table of bounds has; Read
// and Append tell the error.
func (q *Queue) Bounds() (min, next int64) {
	min, next, _ = (*stream)(q).bounds()
	return min, next
}

// SeekTime finds a message by the time of its storage in ms since 1970: for Lower the first one at ms or later, and the
// next offset if there is none; for Upper the last one at ms or earlier, and the first offset if there is none.
// timeOf tells the time of the record at a log offset, which must not decrease along the queue; its error is returned.
func (q *Queue) SeekTime(ms int64, b Boundary, timeOf func(logOffset int64, size int32) (int64, error)) (int64, error) {
	s := (*stream)(q)
	first, next, err := s.bounds()
	if err != nil || first == next {
		return next, err
	}
	pos, err := s.searchBetween(first*UnitSize, next*UnitSize, func(unit []byte, pos int64) (bool, error) {
		h := decodeHead(unit)
		t, err := timeOf(h.logOffset, h.size)
		if err != nil {
			return true, fmt.Errorf("%v: time of queue offset %d: %w", s, pos/UnitSize, err)
		}
		return t > ms || b == Lower && t == ms, nil
	})
	if err != nil {
		return 0, err
	}
	offset := pos / UnitSize
	if b == Upper {
		offset--
	}
	return min(max(offset, first), next), nil
}
