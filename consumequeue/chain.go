package consumequeue

// chain accepts units as long as each one is valid, follows the one before it and points below a log offset.
type chain struct {
	layout layout
	below  int64
	last   int64 // log offset of the last one that isn't a filler, -1 if there was none
	next   int64 // queue offset after the last one
	end    int64 // position after the last one that isn't a filler

	lastBefore, nextBefore int64 // what they were before the last one
}

func (c *chain) accept(unit []byte, pos int64) bool {
	if !c.layout.valid(unit) {
		return false
	}
	lastBefore, nextBefore := c.last, c.next
	h := decodeHead(unit)
	if !h.filler() || c.layout != simpleLayout {
		if h.logOffset <= c.last || h.logOffset >= c.below || c.layout.begins(unit, pos) < c.next {
			return false
		}
		c.last = h.logOffset
		c.end = pos + c.layout.unitSize()
	}
	c.next = c.layout.ends(unit, pos)
	c.lastBefore, c.nextBefore = lastBefore, nextBefore
	return true
}

// scan reads a file from its start and returns the position of the first unit that doesn't follow.
func (s *stream) scan(base int64, chain *chain) (int64, error) {
	c := s.core
	unit := c.layout.unitSize()
	buf := c.buffers.get(1024)
	defer func() { c.buffers.put(buf) }()
	for off := int64(0); off < c.fileSize; {
		b := buf.b[:min(int64(cap(buf.b))/unit*unit, c.fileSize-off)]
		if err := c.pread(s, base, b, off); err != nil {
			return 0, err
		}
		for ; len(b) > 0; b, off = b[unit:], off+unit {
			if !chain.accept(b[:unit], base+off) {
				return base + off, nil
			}
		}
		if largest := bufferSizes[len(bufferSizes)-1]; cap(buf.b) < largest { // most queues end in the first piece
			buf = c.buffers.grow(buf, largest)
		}
	}
	return base + c.fileSize, nil
}
