package consumequeue

import "sync"

const (
	aheadBytes  = 4080 // what is read at once, 204 units of a simple queue
	aheadBlocks = 64
)

// ahead are the blocks that were read ahead, for the queues that somebody reads from front to back: a pull takes 32 units, which cost a
// system call each time otherwise. Queues share blocks by their numbers, and one that comes later takes the block over.
type ahead [aheadBlocks]block

// block holds bytes of one stream's files. What lies below stream.written changes only with stream.epoch.
type block struct {
	mu    sync.Mutex // guards what follows; held while the file is read
	s     *stream
	epoch uint32
	next  int64 // position behind what was read last: whoever goes on there reads from front to back
	from  int64 // of bytes
	bytes []byte
}

// read fills p with the bytes of s at pos, of which the file at base has those up to end. The caller checks afterwards that the epoch is
// still the same.
func (a *ahead) read(s *stream, epoch uint32, base int64, p []byte, pos, end int64) error {
	b := &a[s.number%aheadBlocks]
	if !b.mu.TryLock() {
		return s.core.pread(s, base, p, pos-base)
	}
	defer b.mu.Unlock()
	sequential := b.s == s && b.epoch == epoch && b.next == pos
	if b.s != s || b.epoch != epoch {
		b.s, b.epoch, b.bytes = s, epoch, b.bytes[:0]
	}
	b.next = pos + int64(len(p))
	if b.from <= pos && b.next <= b.from+int64(len(b.bytes)) {
		copy(p, b.bytes[pos-b.from:])
		return nil
	}
	n := int(min(end-pos, aheadBytes))
	if !sequential || n <= len(p) {
		return s.core.pread(s, base, p, pos-base)
	}
	if b.bytes == nil {
		b.bytes = make([]byte, 0, aheadBytes)
	}
	if err := s.core.pread(s, base, b.bytes[:n], pos-base); err != nil {
		b.bytes = b.bytes[:0]
		return err
	}
	b.from, b.bytes = pos, b.bytes[:n]
	copy(p, b.bytes)
	return nil
}
