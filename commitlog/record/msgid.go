package record

import (
	"encoding/hex"
	"fmt"
	"slices"
)

// hexPairs are the digits of each byte.
var hexPairs = func() (t [256][2]byte) {
	const digits = "0123456789ABCDEF"
	for i := range t {
		t[i] = [2]byte{digits[i>>4], digits[i&0xF]}
	}
	return t
}()

// AppendMessageID appends the offset message id: address, port and log offset of a record in upper-case hex, 32 characters for an IPv4 host and 56 for an IPv6 one.
func AppendMessageID(dst []byte, store Host, logOffset int64) []byte {
	var b [16 + 4 + 8]byte
	n := putHost(b[:], 0, store)
	putInt64(b[:], n, logOffset)
	from := len(dst)
	dst = slices.Grow(dst, 2*(n+8))[:from+2*(n+8)]
	for i, v := range b[:n+8] {
		*(*[2]byte)(dst[from+2*i:]) = hexPairs[v]
	}
	return dst
}

// ParseMessageID reads what AppendMessageID wrote, in either case. Errors wrap ErrMessageID.
func ParseMessageID(id string) (store Host, logOffset int64, err error) {
	var text [2 * 28]byte
	var b [28]byte
	n := copy(text[:], id)
	if len(id) != 32 && len(id) != 56 {
		return Host{}, 0, fmt.Errorf("record: message id %q has %d characters, not 32 or 56: %w", id[:n], len(id), ErrMessageID)
	}
	if _, err := hex.Decode(b[:], text[:n]); err != nil {
		return Host{}, 0, fmt.Errorf("record: message id %q: %w: %w", id, err, ErrMessageID)
	}
	return hostAt(b[:], 0, n == 56), getInt64(b[:], n/2-8), nil
}
