package index

import (
	"encoding/binary"
	"fmt"
	"sort"
)

// blockEntries is how many entries are read at a time where a file is read in order.
const blockEntries = 8192

// cut takes back all entries behind the first count and makes that durable. empty is the header that the file had
// before its first entry. The entries to take back may not be counted by the header, but slots lead to none that is
// not whole (see the package comment), so each can be undone by the link that it holds. saved says that count is that of the owner's State.
func (f *file) cut(count int32, empty header, saved bool) error {
	table := make([]byte, f.slotsEnd()-headerSize)
	if err := f.read(table, headerSize); err != nil {
		return err
	}
	if err := f.undo(table, count); err != nil {
		return err
	}
	h, err := f.headerAt(count, table, empty)
	if err != nil {
		return err
	}
	if count < f.header.count && !saved {
		// First the header: should a crash undo entries that the owner's State counts, the header must tell.
		if err := f.writeHeader(h); err != nil {
			return err
		}
		if err := f.f.Datasync(); err != nil {
			return err
		}
	}
	if _, err := f.f.WriteAt(table, headerSize); err != nil {
		return fmt.Errorf("index: slots: %w", err)
	}
	if count < f.header.count && saved {
		// Last the header: if it fits the State after an orderly stop, nothing is looked at any more.
		if err := f.f.Datasync(); err != nil {
			return err
		}
	}
	if err := f.writeHeader(h); err != nil {
		return err
	}
	// Even if nothing changed: a process that was killed after such a cut may have left it unsynced, and the entries that
	// are about to be overwritten must not be led to by any slot on disk.
	if err := f.f.Datasync(); err != nil {
		return err
	}
	f.header, f.flushed = h, count
	return nil
}

// undo sets each slot in table back to its newest entry among the first count.
func (f *file) undo(table []byte, count int32) error {
	top := count
	for i := 0; i < len(table); i += slotSize {
		n := int32(binary.BigEndian.Uint32(table[i:]))
		if n < 0 || n > f.capacity() {
			binary.BigEndian.PutUint32(table[i:], 0)
			continue
		}
		top = max(top, n)
	}
	block := make([]byte, min(blockEntries, int(top-count))*entrySize)
	for ; top > count; top -= int32(len(block) / entrySize) {
		block = block[:min(len(block), int(top-count)*entrySize)]
		first := top - int32(len(block)/entrySize) + 1
		if err := f.read(block, f.entryAt(first)); err != nil {
			return err
		}
		for n := top; n >= first; n-- {
			e := decodeEntry(block[(n-first)*entrySize:])
			if e.hash < 0 {
				continue
			}
			slot := table[f.slotOf(e.hash)*slotSize:]
			if int32(binary.BigEndian.Uint32(slot)) == n {
				binary.BigEndian.PutUint32(slot, uint32(e.older(n)))
			}
		}
	}
	// What still leads behind the cut is a slot whose entry belongs elsewhere: damage.
	for i := 0; i < len(table); i += slotSize {
		if int32(binary.BigEndian.Uint32(table[i:])) > count {
			binary.BigEndian.PutUint32(table[i:], 0)
		}
	}
	return nil
}

// headerAt is the header for the first count entries, whose slots are in table.
func (f *file) headerAt(count int32, table []byte, empty header) (header, error) {
	if count == 0 {
		return empty, nil
	}
	var b [entrySize]byte
	e, err := f.readEntry(count, &b)
	if err != nil {
		return header{}, err
	}
	h := f.header
	h.count = count
	h.endOffset = max(e.logOffset, h.beginOffset)
	// The end time stays: an end that is too late makes queries look into a file in vain, the last entry's time, cut to
	// seconds, would make them miss it.
	h.endTime = max(h.endTime, e.timeOf(count, h.beginTime))
	h.slotsUsed = 0
	for i := 0; i < len(table); i += slotSize {
		if binary.BigEndian.Uint32(table[i:]) != 0 {
			h.slotsUsed++
		}
	}
	return h, nil
}

// countBelow is the number of entries whose log offset is below logOffset. All entries are on disk.
func (f *file) countBelow(logOffset int64) (int32, error) {
	var b [entrySize]byte
	var failed error
	n := sort.Search(int(f.flushed), func(i int) bool {
		e, err := f.readEntry(int32(i+1), &b)
		if err != nil {
			failed = err
		}
		return err != nil || e.logOffset >= logOffset
	})
	return int32(n), failed
}
