package consumequeue

import (
	"encoding/binary"
	"math"
)

// UnitSize is the size of a Unit on disk in bytes.
const UnitSize = 20

// Unit is the place of one message in the log.
type Unit struct {
	LogOffset int64 // where its record begins
	Size      int32 // bytes of the record
	// TagCode is the hash of the message's tags, a deliver time in ms since 1970 for queues of delayed messages, or the
	// address of an ExtUnit (see IsExtAddress).
	TagCode int64
}

// fillerSize marks units that stand for messages which a queue never had: those before the one it began with.
const fillerSize = math.MaxInt32

// filler is the unit that is written at queue offsets before a queue's first message.
var filler = Unit{Size: fillerSize}

// Filler reports whether the unit stands for a message that the queue never had. Bounds leaves such units out.
func (u Unit) Filler() bool { return u.LogOffset == 0 && u.Size == fillerSize }

// AppendUnit appends the 20 bytes of u to b.
func AppendUnit(b []byte, u Unit) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(u.LogOffset))
	b = binary.BigEndian.AppendUint32(b, uint32(u.Size))
	return binary.BigEndian.AppendUint64(b, uint64(u.TagCode))
}

func putUnit(b []byte, u Unit) {
	_ = b[UnitSize-1]
	binary.BigEndian.PutUint64(b, uint64(u.LogOffset))
	binary.BigEndian.PutUint32(b[8:], uint32(u.Size))
	binary.BigEndian.PutUint64(b[12:], uint64(u.TagCode))
}

// DecodeUnit reads a unit from the first 20 bytes of b. All bytes decode; a place that was never written has Size 0.
func DecodeUnit(b []byte) Unit {
	_ = b[UnitSize-1]
	return Unit{
		LogOffset: int64(binary.BigEndian.Uint64(b)),
		Size:      int32(binary.BigEndian.Uint32(b[8:])),
		TagCode:   int64(binary.BigEndian.Uint64(b[12:])),
	}
}

// head is what all kinds of units begin with, and all that recovery, truncation and retention look at.
type head struct {
	logOffset int64
	size      int32
}

func decodeHead(b []byte) head {
	_ = b[11]
	return head{int64(binary.BigEndian.Uint64(b)), int32(binary.BigEndian.Uint32(b[8:]))}
}

func (h head) filler() bool { return h.logOffset == 0 && h.size == fillerSize }
