package index

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	headerSize = 40
	slotSize   = 4
	entrySize  = 20
)

// layout places the three areas of a file. It is the same for all files of a directory.
type layout struct {
	slots   uint32 // H
	entries int32  // N: numbers 1 … N-1 are used
}

func newLayout(slots, entries int) (layout, error) {
	if slots < 1 || entries < 2 || int64(slots) > math.MaxInt32 || int64(entries) > math.MaxInt32 {
		return layout{}, fmt.Errorf("index: %d slots and %d entries: need at least 1 slot and 2 entries", slots, entries)
	}
	l := layout{slots: uint32(slots), entries: int32(entries)}
	if l.size() > math.MaxInt32 {
		// RocketMQ computes positions in these files with 32 bits.
		return layout{}, fmt.Errorf("index: %d slots and %d entries make files of %d bytes, at most %d are possible", slots, entries, l.size(), math.MaxInt32)
	}
	return l, nil
}

func (l layout) size() int64              { return l.entryAt(l.entries) }
func (l layout) slotsEnd() int64          { return headerSize + slotSize*int64(l.slots) }
func (l layout) slotAt(slot uint32) int64 { return headerSize + slotSize*int64(slot) }
func (l layout) entryAt(n int32) int64    { return l.slotsEnd() + entrySize*int64(n) }
func (l layout) slotOf(hash int32) uint32 { return uint32(hash) % l.slots }

// capacity is the number of entries that a file can hold.
func (l layout) capacity() int32 { return l.entries - 1 }

// header is the first 40 bytes of a file.
type header struct {
	beginTime, endTime     int64 // store times in ms; no entry is earlier or later
	beginOffset, endOffset int64 // log offsets of the first and the last entry's record
	slotsUsed              int32
	count                  int32 // entries; the file has count+1, the number of the next one
}

func (h *header) encode(b *[headerSize]byte) {
	binary.BigEndian.PutUint64(b[0:], uint64(h.beginTime))
	binary.BigEndian.PutUint64(b[8:], uint64(h.endTime))
	binary.BigEndian.PutUint64(b[16:], uint64(h.beginOffset))
	binary.BigEndian.PutUint64(b[24:], uint64(h.endOffset))
	binary.BigEndian.PutUint32(b[32:], uint32(h.slotsUsed))
	binary.BigEndian.PutUint32(b[36:], uint32(h.count+1))
}

// decodeHeader refuses what no writer of a file of this layout can have left there.
func (l layout) decodeHeader(b *[headerSize]byte) (header, error) {
	h := header{
		beginTime:   int64(binary.BigEndian.Uint64(b[0:])),
		endTime:     int64(binary.BigEndian.Uint64(b[8:])),
		beginOffset: int64(binary.BigEndian.Uint64(b[16:])),
		endOffset:   int64(binary.BigEndian.Uint64(b[24:])),
		slotsUsed:   int32(binary.BigEndian.Uint32(b[32:])),
	}
	next := int32(binary.BigEndian.Uint32(b[36:]))
	switch {
	case next < 0 || next > l.entries:
		return header{}, fmt.Errorf("header: next entry is %d, expected 1 … %d", next, l.entries)
	case h.beginTime < 0 || h.endTime < 0:
		return header{}, fmt.Errorf("header: store times %d … %d", h.beginTime, h.endTime)
	case h.beginOffset < 0 || h.endOffset < h.beginOffset:
		return header{}, fmt.Errorf("header: log offsets %d … %d", h.beginOffset, h.endOffset)
	case h.slotsUsed < 0 || h.slotsUsed > next:
		return header{}, fmt.Errorf("header: %d slots used by fewer than %d entries", h.slotsUsed, next)
	}
	h.count = max(next, 1) - 1 // a file that was never written to has 0
	return h, nil
}

// entry is one key of one record.
type entry struct {
	hash      int32
	logOffset int64
	diff      int32 // seconds since the header's beginTime
	prev      int32 // number of the next older entry of the same slot, 0 = none
}

func appendEntry(dst []byte, e entry) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(e.hash))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.logOffset))
	dst = binary.BigEndian.AppendUint32(dst, uint32(e.diff))
	return binary.BigEndian.AppendUint32(dst, uint32(e.prev))
}

func decodeEntry(b []byte) entry {
	_ = b[entrySize-1]
	return entry{
		hash:      int32(binary.BigEndian.Uint32(b[0:])),
		logOffset: int64(binary.BigEndian.Uint64(b[4:])),
		diff:      int32(binary.BigEndian.Uint32(b[12:])),
		prev:      int32(binary.BigEndian.Uint32(b[16:])),
	}
}

// older is the entry that follows entry n in its chain, 0 at the end. Links lead to smaller numbers only,
// so a damaged one ends the chain instead of making it endless.
func (e entry) older(n int32) int32 {
	if e.prev <= 0 || e.prev >= n {
		return 0
	}
	return e.prev
}

// timeDiff is a store time as entries hold it.
func timeDiff(storeTime, beginTime int64) int32 {
	if beginTime <= 0 || storeTime <= beginTime {
		return 0
	}
	return int32(min((storeTime-beginTime)/1000, math.MaxInt32))
}

// timeOf is the store time of entry n, exact to the second: the record was stored in the 1000 ms that begin then.
//
// The first entry's time is the header's begin time by definition. Its own field is ignored: RocketMQ computes it
// against the end of the previous file, which the header holds at that moment.
func (e entry) timeOf(n int32, beginTime int64) int64 {
	if n == 1 {
		return beginTime
	}
	return beginTime + int64(e.diff)*1000
}
