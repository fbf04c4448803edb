package record

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// Kind is what stands at a position of the log.
type Kind uint8

const (
	// End: nothing was written here.
	End Kind = iota
	// Message is a record of either version.
	Message
	// Blank: the rest of the segment is unused; the log goes on with the next one.
	Blank
)

// Check says which sums Verify computes. Structure and position are always checked.
type Check struct {
	BodyCRC   bool
	RecordCRC bool // the CRC property, in records that have one
}

// CRCPropertyError reports a CRC property that is wrong in a record that is right otherwise. It is no sign of the log's end: a peer
// that rewrites a record can leave a property behind that was true before.
type CRCPropertyError struct {
	At       int64 // log offset of the record
	Size     int   // bytes of the record
	Computed uint32
	Stated   [10]byte // the property's digits, the least significant first
}

func (e *CRCPropertyError) Error() string {
	digits := crcDigitsOf(e.Computed)
	return fmt.Sprintf("record at %d: CRC property %q≠%q (record of %d bytes)", e.At, e.Stated[:], digits[:], e.Size)
}

// Verify tells whether a whole record begins at the start of b, which is the rest of the segment, or what there is of it, from log offset at on.
//
// A Message has a size that fits, the right magic number, lengths that add up, the position at, and the sums that c asks for. A Blank has
// a size that fits. End means that nothing was written: eight zero bytes, fewer that are all zero, or no more than four of any kind.
// The size is that of the record, 0 at the End.
//
// Errors name the position. They wrap ErrDamaged if something else is there, with kind End and size 0. They wrap ErrTruncated if b is too short
// for what a record states; kind and size are then what it states, and a longer b may do. A wrong CRC property in a record that passes
// otherwise is a *CRCPropertyError beside kind Message and the size of that record.
func Verify(b []byte, at int64, c Check) (size int, kind Kind, err error) {
	switch {
	case isEnd(b):
		return 0, End, nil
	case len(b) >= BlankSize && Magic(b) == MagicBlank:
		return verifyBlank(b, at)
	}
	l, err := measure(b)
	switch {
	case errors.Is(err, ErrTruncated) && len(b) >= 8:
		return int(Size(b)), Message, describe(b, at, err)
	case err != nil:
		return 0, End, describe(b, at, err)
	}
	b = b[:l.size]
	if off := LogOffset(b); off != at {
		return 0, End, describe(b, at, damaged("log offset %d≠%d", off, at))
	}
	var bodyCRC uint32
	if c.BodyCRC {
		bodyCRC = crc32.ChecksumIEEE(b[l.body:l.bodyEnd])
		if stated := BodyCRC(b); bodyCRC&crcMask != stated {
			return 0, End, describe(b, at, damaged("body CRC %08x≠%08x", stated, bodyCRC&crcMask))
		}
	}
	if c.RecordCRC && hasCRCProperty(b[l.props:]) {
		covered := b[:l.size-CRCPropertySize]
		var crc uint32
		if c.BodyCRC {
			crc = spanCRC(covered, l.body, l.bodyEnd-l.body, bodyCRC)
		} else {
			crc = crc32.ChecksumIEEE(covered)
		}
		crc &= crcMask
		if stated := [crcDigits]byte(b[l.size-1-crcDigits:]); stated != crcDigitsOf(crc) {
			return l.size, Message, &CRCPropertyError{At: at, Size: l.size, Computed: crc, Stated: stated}
		}
	}
	return l.size, Message, nil
}

func isEnd(b []byte) bool {
	if len(b) <= 4 {
		return true
	}
	for _, v := range b[:min(len(b), 8)] {
		if v != 0 {
			return false
		}
	}
	return true
}

func verifyBlank(b []byte, at int64) (int, Kind, error) {
	size := int(Size(b))
	switch {
	case size < BlankSize:
		return 0, End, describe(b, at, damaged("blank of less than %d bytes", BlankSize))
	case size > len(b):
		return size, Blank, describe(b, at, truncated(len(b)))
	}
	return size, Blank, nil
}

// describe says where a record is that isn't one, and what size it states.
func describe(b []byte, at int64, err error) error {
	if len(b) < 8 {
		return fmt.Errorf("record at %d: %w", at, err)
	}
	return fmt.Errorf("record at %d: %w (record of %d bytes)", at, err, Size(b))
}
