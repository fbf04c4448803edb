package consumequeue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// The table of bounds: see the package comment for the format.
const (
	boundsMagic      = "GtQB"
	boundsVersion    = 1
	boundsHeaderSize = 24
	flagRepairing    = 1
	flagAnywhere     = 1               // of a line
	flagLost         = 2               // of a line
	boundsLineSize   = 2 + 4 + 1 + 4*8 // without the topic's bytes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// boundsTable is the durable table of next offsets. It tells where a queue goes on of which the log has nothing any more.
type boundsTable struct {
	// repairing is set while a recovery or a truncation is under way. Should that be killed, the file system shows files
	// as they were left, but nobody knows which of them are durable so.
	repairing bool
	minLog    int64 // retention had come that far
	lines     []boundsLine
}

type boundsLine struct {
	queueName
	anywhere bool // the queue is empty and may begin at any offset; next is for the case that the log has nothing of it
	lost     bool // the log has to be searched for its units from the begin

	min  int64 // no message below is in the log
	next int64 // queue offset after the last unit
	last int64 // log offset of the last unit; -1 if there is none
	end  int64 // position in the queue's files after the last unit, in bytes
}

func (t *boundsTable) encode() []byte {
	b := make([]byte, 0, boundsHeaderSize+len(t.lines)*(boundsLineSize+24)+4)
	var flags uint16
	if t.repairing {
		flags |= flagRepairing
	}
	b = append(b, boundsMagic...)
	b = binary.BigEndian.AppendUint16(b, boundsVersion)
	b = binary.BigEndian.AppendUint16(b, flags)
	b = binary.BigEndian.AppendUint64(b, uint64(t.minLog))
	b = binary.BigEndian.AppendUint64(b, uint64(len(t.lines)))
	for _, l := range t.lines {
		b = binary.BigEndian.AppendUint16(b, uint16(len(l.topic)))
		b = append(b, l.topic...)
		b = binary.BigEndian.AppendUint32(b, uint32(l.id))
		b = append(b, l.flags())
		b = binary.BigEndian.AppendUint64(b, uint64(l.min))
		b = binary.BigEndian.AppendUint64(b, uint64(l.next))
		b = binary.BigEndian.AppendUint64(b, uint64(l.last))
		b = binary.BigEndian.AppendUint64(b, uint64(l.end))
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func (l *boundsLine) flags() (flags byte) {
	if l.anywhere {
		flags |= flagAnywhere
	}
	if l.lost {
		flags |= flagLost
	}
	return flags
}

// decodeBounds reads a table. It keeps nothing of b.
func decodeBounds(b []byte) (boundsTable, error) {
	damaged := func(format string, args ...any) (boundsTable, error) {
		return boundsTable{}, fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrBounds)
	}
	if len(b) < boundsHeaderSize+4 {
		return damaged("%d bytes, expected at least %d", len(b), boundsHeaderSize+4)
	}
	if got := string(b[:4]); got != boundsMagic {
		return damaged("begins with %q, expected %q", got, boundsMagic)
	}
	if got := binary.BigEndian.Uint16(b[4:]); got != boundsVersion {
		return damaged("version %d, expected %d", got, boundsVersion)
	}
	flags := binary.BigEndian.Uint16(b[6:])
	if flags&^flagRepairing != 0 {
		return damaged("flags %04x, expected 0 or %d", flags, flagRepairing)
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if got := crc32.Checksum(body, castagnoli); got != sum {
		return damaged("CRC %08x≠%08x", got, sum)
	}
	t := boundsTable{repairing: flags&flagRepairing != 0, minLog: int64(binary.BigEndian.Uint64(body[8:]))}
	n := binary.BigEndian.Uint64(body[16:])
	rest := body[boundsHeaderSize:]
	if n > uint64(len(rest)/boundsLineSize) {
		return damaged("%d lines in %d bytes", n, len(rest))
	}
	t.lines = make([]boundsLine, 0, n)
	topic := "" // lines are sorted: queues of a topic share its name
	for ; n > 0; n-- {
		if len(rest) < 2 || len(rest) < boundsLineSize+int(binary.BigEndian.Uint16(rest)) {
			return damaged("ends within line %d", len(t.lines))
		}
		size := int(binary.BigEndian.Uint16(rest))
		if name := rest[2 : 2+size]; string(name) != topic {
			topic = string(name)
		}
		rest = rest[2+size:]
		l := boundsLine{
			queueName: queueName{topic, int32(binary.BigEndian.Uint32(rest))},
			anywhere:  rest[4]&flagAnywhere != 0,
			lost:      rest[4]&flagLost != 0,
			min:       int64(binary.BigEndian.Uint64(rest[5:])),
			next:      int64(binary.BigEndian.Uint64(rest[13:])),
			last:      int64(binary.BigEndian.Uint64(rest[21:])),
			end:       int64(binary.BigEndian.Uint64(rest[29:])),
		}
		if l.flags() != rest[4] || l.min < 0 || l.next < l.min || l.last < -1 || l.end < 0 || !validName(l.topic, l.id) {
			return damaged("line %d: %q/%d from %d to %d, last log offset %d, end %d", len(t.lines), l.topic, l.id, l.min, l.next, l.last, l.end)
		}
		t.lines = append(t.lines, l)
		rest = rest[boundsLineSize-2:]
	}
	if len(rest) > 0 {
		return damaged("%d bytes behind the last line", len(rest))
	}
	return t, nil
}

// loadBounds registers a stream for each line of the table.
func (c *core) loadBounds() error {
	if c.boundsFile == "" {
		return nil
	}
	var t boundsTable
	var why error
	_, err := vfs.ReadFileOrBackup(c.fs, c.boundsFile, func(b []byte) bool {
		decoded, err := decodeBounds(b)
		if err != nil {
			why = errors.Join(why, err)
			return false
		}
		t = decoded
		return true
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil && why != nil:
		return fmt.Errorf("%v: %s: %w", c.layout, c.boundsFile, why)
	case err != nil:
		return fmt.Errorf("%v: bounds: %w", c.layout, err)
	case why != nil:
		c.log.Warn("table of bounds is damaged, its backup is used", "store", c.layout.String(), "path", c.boundsFile, "err", why)
	}
	// The log may have kept what SetMinLog announced as gone, for the owner died, and been cut below it since. Then the table
	// takes messages for old that are not.
	revoked := t.minLog > c.logEnd
	if revoked {
		t.minLog = c.logEnd
	}
	c.hadBounds, c.repairing, c.savedMinLog = true, t.repairing, t.minLog
	c.minLog.Store(max(c.minLog.Load(), t.minLog))
	for _, l := range t.lines {
		s := c.stream(l.topic, l.id)
		s.bounded, s.anywhere, s.lost = true, l.anywhere, l.lost
		s.min, s.next, s.last, s.end = l.min, l.next, l.last, l.end
		s.noted = l.last
		if revoked {
			s.min = 0
		}
	}
	return nil
}

// boundsLine is the stream's line in the table as of minLog. The caller has mu.
func (s *stream) boundsLine(minLog int64) boundsLine {
	l := boundsLine{queueName{s.topic, s.id}, s.anywhere, s.lost && !s.core.told, min(s.min, s.next), s.next, s.last, s.end}
	switch {
	case s.last < minLog:
		l.min = s.next
	case s.minFor > minLog+1: // it is known for a later begin of the log, which couldn't be written down yet
		l.min = 0
	}
	return l
}

// saveBounds makes the table durable, as of minLog. The caller has maintenance.
func (c *core) saveBounds(minLog int64) error {
	if c.boundsFile == "" {
		return nil
	}
	t := boundsTable{repairing: c.repairing, minLog: minLog}
	for _, s := range c.snapshot() {
		s.mu.Lock()
		if s.state == loaded || s.bounded {
			t.lines = append(t.lines, s.boundsLine(minLog))
		}
		s.mu.Unlock()
	}
	if err := vfs.WriteFileWithBackup(c.fs, c.boundsFile, t.encode()); err != nil {
		return fmt.Errorf("%v: bounds: %w", c.layout, err)
	}
	c.savedMinLog = minLog
	return nil
}
