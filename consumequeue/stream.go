package consumequeue

import (
	"fmt"
	"sync"
)

// stream is one queue's units as bytes: positions first … end, of which those from written on are still in memory, in
// fixed-size files of which each begins at a multiple of the file size.
//
//	first            synced        written      end          files
//	├── durable ─────┼─ in files ──┼─ in tail ──┤             │
//	└─ file ─┴─ file ─┴─ file ───────────────────────────────┘
//
// There is one writer at a time; readers and the maintenance calls of the store may run beside it.
type stream struct {
	core   *core
	topic  string
	id     int32
	number uint32 // spreads the streams over the blocks of core.ahead

	mu sync.Mutex // guards everything below

	state    state
	onDisk   bool   // a directory was found when the store was opened
	bounded  bool   // next, last and min come from the table of bounds
	anywhere bool   // the units are gone, and the first one to come may have any offset, also one below next
	lost     bool   // as anywhere, and what is gone may lie before Options.DurableTo
	listed   bool   // it is in core.dirty, or a flush is about to look at it
	renamed  bool   // files were made or removed since the directory was synced
	founded  bool   // a first file was made: the names of the directories may not be durable either
	cleared  bool   // the file at written was changed behind written, and not synced since
	stale    bool   // the file at written may have bytes behind written that are not zero
	epoch    uint32 // counts what moves or removes bytes that a reader may be reading

	first, files         int64 // where the first file begins, where the last one ends; equal if there is none
	synced, written, end int64
	tail                 *buffer // positions written … end; nil if that is nothing
	next                 int64   // queue offset after the last unit
	last                 int64   // log offset of the last unit that isn't a filler, -1 if there is none
	noted                int64   // last as the table of bounds had it, -1 if it had no line
	min, minFor          int64   // the first queue offset not below log offset minFor-1; minFor 0: not known yet
}

// state is where a stream is in its life.
type state uint8

const (
	unloaded state = iota // there may be files that nobody has looked at
	loaded
	unnameable // has no place on disk
	deleted
)

func (s *stream) String() string {
	return fmt.Sprintf("%v: %s/%d", s.core.layout, s.topic, s.id)
}

// ready loads the stream if need be and tells whether it can be used. The caller has mu.
func (s *stream) ready() error {
	switch s.state {
	case loaded:
		return nil
	case unnameable:
		return fmt.Errorf("%v: topic %q, queue %d: %w", s.core.layout, s.topic, s.id, ErrName)
	case deleted:
		return fmt.Errorf("%v: %w", s, ErrDeleted)
	}
	return s.load()
}

// writable is ready for the writer. The caller has mu.
func (s *stream) writable() error {
	if err := s.core.refused(); err != nil {
		return err
	}
	return s.ready()
}

// extend adds n bytes to the end for the caller to fill in, before it gives mu back. n is at most the largest tail.
func (s *stream) extend(n int) ([]byte, error) {
	t := s.tail
	if t == nil {
		t = s.core.buffers.get(n)
		s.tail = t
	}
	if len(t.b)+n > cap(t.b) {
		if largest := s.core.layout.largestTail(); cap(t.b) < largest {
			t = s.core.buffers.grow(t, min(len(t.b)+n, largest))
			s.tail = t
		}
		if len(t.b)+n > cap(t.b) {
			if err := s.writeOut(); err != nil {
				return nil, err
			}
		}
	}
	at := len(t.b)
	t.b = t.b[:at+n]
	s.end += int64(n)
	s.core.dirtyBytes.Add(int64(n))
	return t.b[at : at+n], nil
}

// dropTail gives the tail's buffer back. The caller has mu.
func (s *stream) dropTail() {
	if s.tail != nil {
		s.core.buffers.put(s.tail)
		s.tail = nil
	}
}

// list puts the stream on the list of those that a flush has to look at. The caller has mu.
func (s *stream) list() {
	if s.listed {
		return
	}
	s.listed = true
	s.core.dirtyMu.Lock()
	s.core.dirty = append(s.core.dirty, s)
	s.core.dirtyMu.Unlock()
}

// writeOut writes the tail to the files and leaves it empty, or with what couldn't be written. The caller has mu.
func (s *stream) writeOut() error {
	c := s.core
	for s.tail != nil && len(s.tail.b) > 0 {
		base := s.written - s.written%c.fileSize
		n := min(int64(len(s.tail.b)), base+c.fileSize-s.written)
		if err := s.pwrite(base, s.tail.b[:n]); err != nil {
			return fmt.Errorf("%v: write %d bytes at position %d: %w", s, n, s.written, err)
		}
		s.written += n
		rest := copy(s.tail.b, s.tail.b[n:])
		s.tail.b = s.tail.b[:rest]
	}
	return nil
}

// pwrite writes p at written, into the file at base, which it makes if there is none yet. The caller has mu.
func (s *stream) pwrite(base int64, p []byte) error {
	c, open := s.core, s.core.openFile
	if base == s.files {
		open = c.createFile
		s.renamed = true // even if it fails: it may have left something behind
		s.founded = s.founded || s.first == s.files
	}
	d, err := c.fds.acquire(s, base, open)
	if err != nil {
		return err
	}
	defer c.fds.release(d)
	s.files = max(s.files, base+c.fileSize)
	if s.stale {
		if err := c.clear(d.file, s.written-base); err != nil {
			return err
		}
		s.stale = false
	}
	_, err = d.file.WriteAt(p, s.written-base)
	return err
}

// readAt copies what the stream has from pos on into p and returns how many bytes that is. Zero if pos is outside.
// It sees all that was appended before the call, and never half of a change.
func (s *stream) readAt(p []byte, pos int64) (int, error) {
	c := s.core
	n := 0
	for n < len(p) {
		s.mu.Lock()
		if pos < s.first || pos >= s.end {
			s.mu.Unlock()
			break
		}
		if pos >= s.written {
			n += copy(p[n:], s.tail.b[pos-s.written:])
			s.mu.Unlock()
			break
		}
		base := pos - pos%c.fileSize
		end := min(s.written, base+c.fileSize)
		part := p[n : n+int(min(int64(len(p)-n), end-pos))]
		epoch := s.epoch
		s.mu.Unlock()

		// The file is read without the lock, so that a slow disk holds up this reader only.
		err := c.ahead.read(s, epoch, base, part, pos, end)

		s.mu.Lock()
		moved := epoch != s.epoch
		s.mu.Unlock()
		if moved {
			continue // what was read, or why it couldn't be, may be no longer so
		}
		if err != nil {
			return n, err
		}
		n += len(part)
		pos += int64(len(part))
	}
	return n, nil
}
