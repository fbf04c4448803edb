package consumequeue

import (
	"encoding/binary"
	"fmt"
)

// Ext is the extension of one queue: units of varying length that the queue's units point to.
//
// Put is for one goroutine at a time; everything else is safe for concurrent use, also beside Put.
type Ext stream

// Put adds a unit and returns the address that takes the place of the tag code in the queue's unit. ErrTooLarge says that
// it has no place here: the queue's unit gets the tag code itself. The bitmap is copied.
func (x *Ext) Put(tagCode, storeTime int64, bitmap []byte) (address int64, err error) {
	s := (*stream)(x)
	c := s.core
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return 0, err
	}
	size := int64(extHeaderSize + len(bitmap))
	if largest := min(maxExtUnitSize, c.fileSize-extSpare); size > largest || s.end > maxExtOffset-2*c.fileSize {
		return 0, fmt.Errorf("%v: unit of %d bytes at %d, expected at most %d below %d: %w", s, size, s.end, largest, maxExtOffset-2*c.fileSize, ErrTooLarge)
	}
	s.list()
	if free := c.fileSize - s.end%c.fileSize; size > free-extSpare {
		if err := s.endFile(free); err != nil {
			return 0, err
		}
	}
	at := s.end
	b, err := s.extend(int(size))
	if err != nil {
		return 0, err
	}
	putExtUnit(b, tagCode, storeTime, bitmap)
	return extAddress(at), nil
}

// endFile marks the end of the last file's units and goes on to the next file, free bytes away. It can be repeated.
func (s *stream) endFile(free int64) error {
	mark := free == s.core.fileSize-s.end%s.core.fileSize
	for free > 0 {
		n := min(free, int64(s.core.layout.largestTail()))
		b, err := s.extend(int(n))
		if err != nil {
			return err
		}
		clear(b)
		if mark {
			binary.BigEndian.PutUint16(b, extEndMark)
			mark = false
		}
		free -= n
	}
	return nil
}

// Get reads the unit at an address into u, whose Bitmap it reuses. It reports whether there is one.
func (x *Ext) Get(address int64, u *ExtUnit) (bool, error) {
	s := (*stream)(x)
	s.mu.Lock()
	err := s.ready()
	s.mu.Unlock()
	if err != nil || !IsExtAddress(address) {
		return false, err
	}
	buf, size, err := s.readExt(extOffset(address))
	defer func() { s.core.buffers.put(buf) }()
	if err != nil || size == 0 {
		return false, err
	}
	b := buf.b[:size]
	u.TagCode = int64(binary.BigEndian.Uint64(b[2:]))
	u.StoreTime = int64(binary.BigEndian.Uint64(b[10:]))
	u.Bitmap = append(u.Bitmap[:0], b[extHeaderSize:]...)
	return true, nil
}

// readExt reads the unit at a position. The buffer, which the caller gives back, has size bytes of it; 0 if there is none.
func (s *stream) readExt(pos int64) (buf *buffer, size int, err error) {
	c := s.core
	buf = c.buffers.get(1) // most units are small
	for {
		b := buf.b[:min(int64(cap(buf.b)), c.fileSize-pos%c.fileSize)]
		n, err := s.readAt(b, pos)
		size := extUnitSize(b[:n])
		switch {
		case err != nil || size == 0:
			return buf, 0, err
		case size <= n:
			return buf, size, nil
		case size <= cap(buf.b): // there is not as much as it says
			return buf, 0, nil
		}
		buf = c.buffers.grow(buf, size)
	}
}

// Truncate drops everything behind the unit at lastAddress, the greatest one that a unit of the queue has (see
// Queue.ExtRange), durably; everything, if that isn't an address. ErrDamaged says that there is no such unit.
// It must not run beside Put.
func (x *Ext) Truncate(lastAddress int64) error {
	s := (*stream)(x)
	c := s.core
	c.maintenance.Lock()
	defer c.maintenance.Unlock()
	s.mu.Lock()
	err := s.writable()
	pos := s.first
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if IsExtAddress(lastAddress) {
		pos = extOffset(lastAddress)
		buf, size, err := s.readExt(pos)
		c.buffers.put(buf)
		if err != nil {
			return err
		}
		if size == 0 {
			return fmt.Errorf("%v: no unit at address %d, position %d: %w", s, lastAddress, pos, ErrDamaged)
		}
		pos += int64(size)
	}
	if err := s.cutExt(pos); err != nil {
		return err
	}
	return c.flush()
}

func (s *stream) cutExt(pos int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pos >= s.end {
		return nil
	}
	s.epoch++
	return s.cutBytes(pos)
}

// SetMin removes the files that lie wholly before the unit at firstAddress, the smallest one that a unit of the queue
// still has. The last file stays.
func (x *Ext) SetMin(firstAddress int64) error {
	s := (*stream)(x)
	c := s.core
	c.maintenance.Lock()
	defer c.maintenance.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil || !IsExtAddress(firstAddress) {
		return err
	}
	for s.first+c.fileSize < s.files && s.first+c.fileSize <= extOffset(firstAddress) {
		if err := s.removeFirst(); err != nil {
			return err
		}
	}
	return nil
}

// Bounds returns the addresses of the first place in the files and of the next unit, if that fits into the last file.
func (x *Ext) Bounds() (first, next int64, err error) {
	s := (*stream)(x)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return 0, 0, err
	}
	return extAddress(s.first), extAddress(s.end), nil
}

// loadExt finds out what the files hold: the last file is read from its start for the end of its units. Files that can't
// be right end the run. Whether something is missing, the queue knows: see Truncate. The caller has mu.
func (s *stream) loadExt() error {
	c := s.core
	files, err := c.listFiles(s)
	if err != nil {
		return err
	}
	n := 0
	for ; n < len(files); n++ {
		f := files[n]
		if f.base%c.fileSize != 0 || n > 0 && f.base != files[n-1].base+c.fileSize {
			break
		}
		if c.cutShort(f.size) {
			if err := s.growBack(f.base); err != nil {
				return err
			}
		} else if f.size != c.fileSize {
			break
		}
	}
	if n < len(files) {
		f := files[n]
		c.log.Warn("ext file can't be used, it and those behind it are removed", "store", c.layout.String(),
			"path", c.path(s, f.base), "size", f.size, "expected", c.fileSize, "files", len(files)-n)
		if err := s.removeFiles(files[n:]); err != nil {
			return err
		}
	}
	s.setEmpty(0)
	if n == 0 {
		return nil
	}
	base := files[n-1].base
	s.first, s.files = files[0].base, base+c.fileSize
	s.synced, s.written, s.end = s.files, s.files, s.files // so that readAt reads it all
	end, err := s.scanExt(base)
	if err != nil {
		s.state = unloaded
		return err
	}
	s.synced, s.written, s.end = end, end, end
	s.stale = end < s.files
	return nil
}

// scanExt returns the end of the units in the file at base.
func (s *stream) scanExt(base int64) (int64, error) {
	c := s.core
	largest := bufferSizes[len(bufferSizes)-1]
	buf := c.buffers.get(largest)
	defer c.buffers.put(buf)
	for off := int64(0); ; {
		b := buf.b[:min(int64(largest), c.fileSize-off)]
		if err := c.pread(s, base, b, off); err != nil {
			return 0, err
		}
		last := off+int64(len(b)) == c.fileSize
		for {
			if len(b) >= 2 && binary.BigEndian.Uint16(b) == extEndMark {
				return base + c.fileSize, nil
			}
			size := extUnitSize(b)
			if size > len(b) && !last || len(b) < extHeaderSize && !last {
				break // its rest is in the next piece
			}
			if size == 0 || size > len(b) {
				return base + off, nil
			}
			b, off = b[size:], off+int64(size)
		}
	}
}
