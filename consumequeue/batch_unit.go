package consumequeue

import "encoding/binary"

// BatchUnitSize is the size of a BatchUnit on disk in bytes.
const BatchUnitSize = 46

// BatchUnit is the place of one record in the log that holds several messages.
type BatchUnit struct {
	LogOffset     int64 // where the record begins
	Size          int32 // bytes of the record
	TagCode       int64 // hash of the batch's tags
	StoreTime     int64 // ms since 1970
	BaseOffset    int64 // queue offset of the first message
	Count         int16 // of messages
	CompactOffset int32 // of compaction; -1 if there was none
}

// AppendBatchUnit appends the 46 bytes of u to b.
func AppendBatchUnit(b []byte, u BatchUnit) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(u.LogOffset))
	b = binary.BigEndian.AppendUint32(b, uint32(u.Size))
	b = binary.BigEndian.AppendUint64(b, uint64(u.TagCode))
	b = binary.BigEndian.AppendUint64(b, uint64(u.StoreTime))
	b = binary.BigEndian.AppendUint64(b, uint64(u.BaseOffset))
	b = binary.BigEndian.AppendUint16(b, uint16(u.Count))
	b = binary.BigEndian.AppendUint32(b, uint32(u.CompactOffset))
	return binary.BigEndian.AppendUint32(b, 0)
}

// DecodeBatchUnit reads a unit from the first 46 bytes of b. All bytes decode; a place that was never written has Size 0.
func DecodeBatchUnit(b []byte) BatchUnit {
	_ = b[BatchUnitSize-1]
	return BatchUnit{
		LogOffset:     int64(binary.BigEndian.Uint64(b)),
		Size:          int32(binary.BigEndian.Uint32(b[8:])),
		TagCode:       int64(binary.BigEndian.Uint64(b[12:])),
		StoreTime:     int64(binary.BigEndian.Uint64(b[20:])),
		BaseOffset:    decodeBase(b),
		Count:         decodeCount(b),
		CompactOffset: int32(binary.BigEndian.Uint32(b[38:])),
	}
}
