package consumequeue

import "fmt"

const (
	// sector is what a disk writes whole or not at all, in any order with other sectors.
	sector = 512
	// lostLog is how much of the log a power loss may take that was dispatched before: more than any asynchronous flush leaves.
	lostLog = 1 << 30
)

// lastIsTorn tells whether the unit that ends at end, the last one that was accepted, is half of one that was being
// written when the power failed. Where a border of two sectors cuts through a log offset and only the part behind it
// reached the disk, a smaller log offset is read than was meant. It looks valid if it lies between the offset of the unit
// before and the last flush; all other torn units fail one of these tests.
// If it can't be known the error is ErrDamaged.
func (s *stream) lastIsTorn(base, end int64, chain chain) (bool, error) {
	c := s.core
	off := end - c.layout.unitSize() - base
	if !mayBeTorn(off, chain.last, c.durableTo, c.logEnd) {
		return false, nil
	}
	if c.holds != nil && chain.last >= c.keepBelow {
		return !c.holds(s.topic, s.id, chain.nextBefore, chain.last), nil
	}
	return false, fmt.Errorf("%v: %s: unit at %d points to %d, which may be torn: %w", c.layout, c.path(s, base), off, chain.last, ErrDamaged)
}

// mayBeTorn tells whether a unit at off in a file that reads logOffset may have been meant to read one that was not
// durable, in a log that ends at logEnd after the power loss.
func mayBeTorn(off, logOffset, durableTo, logEnd int64) bool {
	before := sector - off%sector // bytes of the unit before the border: zeros, if the sector wasn't written
	if before > 8 {
		return false
	}
	bits := uint(64 - 8*before) // of the log offset that lie behind the border
	if bits >= 48 || logOffset>>bits != 0 {
		return false // the log is smaller than 2^48, or a part of the offset before the border was written
	}
	step := int64(1) << bits
	meant := durableTo&^(step-1) | logOffset // the smallest one from durableTo on that ends in these bits
	if meant < durableTo {
		meant += step
	}
	return meant != logOffset && meant-lostLog < logEnd
}
