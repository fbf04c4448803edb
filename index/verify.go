package index

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Verify reads all files from end to end and compares slots, links and log offsets with what the entries say they
// must be. Entries that are pending in memory are not looked at. The error names the first damage of each damaged file. Puts go on
// meanwhile until memory is full; 8 bytes per slot are needed.
func (x *Index) Verify() error {
	x.gate.RLock()
	defer x.gate.RUnlock()
	x.flushMu.Lock()
	defer x.flushMu.Unlock()
	x.mu.RLock()
	files := x.files
	x.mu.RUnlock()
	var errs []error
	for _, f := range files {
		x.mu.RLock()
		count := f.flushed
		x.mu.RUnlock()
		errs = append(errs, f.verify(count))
	}
	return errors.Join(errs...)
}

// verify proves that the first count entries and all slots are what puts left there.
func (f *file) verify(count int32) error {
	newest := make([]int32, f.slots)
	block := make([]byte, min(blockEntries, int(count))*entrySize)
	lowest := int64(0)
	for n := int32(1); n <= count; {
		block = block[:min(len(block), int(count-n+1)*entrySize)]
		if err := f.read(block, f.entryAt(n)); err != nil {
			return err
		}
		for b := block; len(b) > 0; b = b[entrySize:] {
			e := decodeEntry(b)
			if e.hash < 0 || e.diff < 0 || e.logOffset < lowest {
				return fmt.Errorf("index: %s entry %d: hash %d, log offset %d after %d, %d s: %w", f.f.Name(), n, e.hash, e.logOffset, lowest, e.diff, errDamaged)
			}
			slot := f.slotOf(e.hash)
			if e.prev != newest[slot] {
				return fmt.Errorf("index: %s entry %d of slot %d: previous is %d, expected %d: %w", f.f.Name(), n, slot, e.prev, newest[slot], errDamaged)
			}
			newest[slot] = n
			lowest = e.logOffset
			n++
		}
	}
	table := make([]byte, f.slotsEnd()-headerSize)
	if err := f.read(table, headerSize); err != nil {
		return err
	}
	for slot, want := range newest {
		if got := int32(binary.BigEndian.Uint32(table[slot*slotSize:])); got != want {
			return fmt.Errorf("index: %s slot %d: newest is %d, expected %d: %w", f.f.Name(), slot, got, want, errDamaged)
		}
	}
	return nil
}
