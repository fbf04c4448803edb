package index

import "math/bits"

// pending holds the entries of the last file that are not on disk yet, encoded as they will be there, and for
// each slot that they change the newest of them.
type pending struct {
	first   int32  // number of the first entry held
	entries []byte // entrySize each, consecutive numbers

	// cells is a hash table with linear probing, at most half full: slot<<32 | newest entry. 0 is a free cell, for
	// no entry has the number 0. used lists the taken cells.
	cells []uint64
	used  []uint32

	// Set when the entries are handed to a write-out: the file's header with them, and what is durable once they are.
	header header
	state  State
}

const minCells = 1 << 10

func (p *pending) len() int { return len(p.entries) / entrySize }

// entry returns entry n, if it is held.
func (p *pending) entry(n int32) (entry, bool) {
	if i := int(n) - int(p.first); i >= 0 && i < p.len() {
		return decodeEntry(p.entries[i*entrySize:]), true
	}
	return entry{}, false
}

// newest returns the newest entry of a slot, 0 if none is held.
func (p *pending) newest(slot uint32) int32 {
	if len(p.used) == 0 {
		return 0
	}
	return int32(uint32(p.cells[p.find(slot)]))
}

// exchange makes n the newest entry of a slot and returns the one that was it, 0 if none was held.
func (p *pending) exchange(slot uint32, n int32) int32 {
	if 2*(len(p.used)+1) > len(p.cells) {
		p.grow()
	}
	i := p.find(slot)
	old := int32(uint32(p.cells[i]))
	if old == 0 {
		p.used = append(p.used, i)
	}
	p.cells[i] = uint64(slot)<<32 | uint64(uint32(n))
	return old
}

// home is where the search for a slot begins. There must be cells.
func (p *pending) home(slot uint32) uint32 {
	return slot * 0x9e3779b1 >> (32 - bits.TrailingZeros32(uint32(len(p.cells))))
}

// look reads the cell where the search for a slot begins.
func (p *pending) look(slot uint32) uint64 {
	if len(p.cells) == 0 {
		return 0
	}
	return p.cells[p.home(slot)]
}

// find returns the cell of a slot, or the free one where it would go.
func (p *pending) find(slot uint32) uint32 {
	mask := uint32(len(p.cells) - 1)
	i := p.home(slot)
	for ; p.cells[i] != 0 && uint32(p.cells[i]>>32) != slot; i = (i + 1) & mask {
	}
	return i
}

// crowded tells that it is cheaper to go through all cells, one after the other, than to those that are taken, which lie anywhere.
func (p *pending) crowded() bool { return len(p.used) > len(p.cells)/16 }

// changes calls f for each taken cell: slot<<32 | newest entry.
func (p *pending) changes(f func(change uint64)) {
	if p.crowded() {
		for _, c := range p.cells {
			if c != 0 {
				f(c)
			}
		}
		return
	}
	for _, i := range p.used {
		f(p.cells[i])
	}
}

func (p *pending) grow() {
	old := p.cells
	p.cells = make([]uint64, max(2*len(old), minCells))
	for k, i := range p.used {
		j := p.find(uint32(old[i] >> 32))
		p.cells[j] = old[i]
		p.used[k] = j
	}
}

// reset forgets everything and keeps the memory.
func (p *pending) reset() {
	if p.crowded() {
		clear(p.cells)
	} else {
		for _, i := range p.used {
			p.cells[i] = 0
		}
	}
	p.used = p.used[:0]
	p.entries = p.entries[:0]
}
