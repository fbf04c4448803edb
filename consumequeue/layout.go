package consumequeue

import "encoding/binary"

// layout is what the kinds of files differ in.
type layout uint8

const (
	simpleLayout layout = iota
	batchLayout
	extLayout
)

// unitSize is the number of bytes per unit. Files have a multiple of it; 2 where units vary in length.
func (l layout) unitSize() int64 {
	switch l {
	case simpleLayout:
		return UnitSize
	case batchLayout:
		return BatchUnitSize
	}
	return 2
}

func (l layout) defaultFileSize() int64 {
	const units = 300_000
	if l == extLayout {
		return 48 << 20
	}
	return units * l.unitSize()
}

// largestTail is how much a queue keeps in memory at most before it is written out.
func (l layout) largestTail() int {
	if l == extLayout {
		return maxExtUnitSize + 1
	}
	return 4096
}

func (l layout) String() string {
	return [...]string{"consumequeue", "batchconsumequeue", "consumequeue_ext"}[l]
}

// valid tells a unit from a place that wasn't written.
func (l layout) valid(unit []byte) bool {
	h := decodeHead(unit)
	ok := h.logOffset >= 0 && h.size > 0
	if l == batchLayout {
		ok = ok && decodeBase(unit) >= 0 && decodeCount(unit) > 0
	}
	return ok
}

// begins is the queue offset of a unit's first message. pos is where the unit stands, in bytes from the queue's start.
func (l layout) begins(unit []byte, pos int64) int64 {
	if l == batchLayout {
		return decodeBase(unit)
	}
	return pos / UnitSize
}

// ends is the queue offset after a unit's last message.
func (l layout) ends(unit []byte, pos int64) int64 {
	if l == batchLayout {
		return decodeBase(unit) + int64(decodeCount(unit))
	}
	return pos/UnitSize + 1
}

// nextAt is the queue offset after the units of a chain that ends at position end.
func (l layout) nextAt(end int64, c chain) int64 {
	if l == simpleLayout {
		return end / UnitSize
	}
	return c.next
}

func decodeBase(batchUnit []byte) int64  { return int64(binary.BigEndian.Uint64(batchUnit[28:])) }
func decodeCount(batchUnit []byte) int16 { return int16(binary.BigEndian.Uint16(batchUnit[36:])) }
