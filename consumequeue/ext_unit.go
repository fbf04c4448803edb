package consumequeue

import (
	"encoding/binary"
	"math"
)

const (
	extHeaderSize  = 20            // bytes of an ext unit before its bitmap
	maxExtUnitSize = math.MaxInt16 // the size is an i16
	extSpare       = 4             // bytes that stay free behind the last unit of a file: room for the end mark
	extEndMark     = 0xFFFF        // i16 −1 in the place of a size: the next unit is in the next file

	// maxExtAddress is the greatest tag code that is an address: no 32-bit hash is as small.
	maxExtAddress = math.MinInt32 - 1
	maxExtOffset  = maxExtAddress - math.MinInt64
)

// ExtUnit is what doesn't fit into a queue unit. Its address takes the place of the unit's tag code.
type ExtUnit struct {
	TagCode   int64  // hash of the message's tags
	StoreTime int64  // ms since 1970
	Bitmap    []byte // Bloom bits of the filters that the message matches; empty if they aren't computed
}

// IsExtAddress tells an address of an ExtUnit from a tag code.
func IsExtAddress(tagCode int64) bool { return tagCode <= maxExtAddress }

// extAddress is the address of the unit at an offset, 0 … maxExtOffset, in the queue's ext files.
func extAddress(offset int64) int64 { return offset + math.MinInt64 }

func extOffset(address int64) int64 { return address - math.MinInt64 }

func putExtUnit(b []byte, tagCode, storeTime int64, bitmap []byte) {
	binary.BigEndian.PutUint16(b, uint16(extHeaderSize+len(bitmap)))
	binary.BigEndian.PutUint64(b[2:], uint64(tagCode))
	binary.BigEndian.PutUint64(b[10:], uint64(storeTime))
	binary.BigEndian.PutUint16(b[18:], uint16(len(bitmap)))
	copy(b[extHeaderSize:], bitmap)
}

// extUnitSize reads the size of the unit that b begins with, 0 if there is none.
func extUnitSize(b []byte) int {
	if len(b) < extHeaderSize {
		return 0
	}
	size := int(binary.BigEndian.Uint16(b))
	if size < extHeaderSize || size > maxExtUnitSize || size != extHeaderSize+int(binary.BigEndian.Uint16(b[18:])) {
		return 0
	}
	return size
}
