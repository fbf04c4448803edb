package index

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// KeyHash is the hash under which a record of topic is found by a key (an item of its KEYS) or by its unique key:
// that of the string topic#key. It is never negative.
func KeyHash[T, K ~string | ~[]byte](topic T, key K) int32 {
	return absolute(hashUTF16(31*hashUTF16(0, topic)+'#', key))
}

// TagHash is the hash under which a record of topic is found by its tags: that of the string topic#T#tags.
func TagHash[T, K ~string | ~[]byte](topic T, tags K) int32 {
	return absolute(hashUTF16(hashUTF16(hashUTF16(0, topic), "#T#"), tags))
}

// absolute is Java's Math.abs, and 0 for the one value that has no positive counterpart.
func absolute(h int32) int32 {
	if h == math.MinInt32 {
		return 0
	}
	if h < 0 {
		return -h
	}
	return h
}

// Powers of 31 modulo 2³².
const (
	p1 = 31
	p2 = p1 * p1
	p3 = p2 * p1
	p4 = p3 * p1
	p5 = p4 * p1
	p6 = p5 * p1 & math.MaxUint32
	p7 = p6 * p1 & math.MaxUint32
	p8 = p7 * p1 & math.MaxUint32
)

// hashUTF16 continues String.hashCode from h over the UTF-16 units of s, which is UTF-8. Each byte that is not
// valid UTF-8 counts as U+FFFD.
func hashUTF16[S ~string | ~[]byte](start int32, s S) int32 {
	h := uint32(start)
	i := 0
	// Eight ASCII bytes at a time: one multiplication of h instead of eight that wait for each other.
	for ; i+8 <= len(s); i += 8 {
		var b [8]byte
		copy(b[:], s[i:i+8])
		if binary.LittleEndian.Uint64(b[:])&0x8080808080808080 != 0 {
			break
		}
		h = p8*h + p7*uint32(b[0]) + p6*uint32(b[1]) + p5*uint32(b[2]) + p4*uint32(b[3]) +
			p3*uint32(b[4]) + p2*uint32(b[5]) + p1*uint32(b[6]) + uint32(b[7])
	}
	for i < len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			h = 31*h + uint32(c)
			i++
			continue
		}
		var b [utf8.UTFMax]byte
		r, n := utf8.DecodeRune(b[:copy(b[:], s[i:])])
		i += n
		if r >= 0x10000 { // a surrogate pair
			r -= 0x10000
			h = 31*h + 0xd800 + uint32(r>>10)
			r = 0xdc00 + r&0x3ff
		}
		h = 31*h + uint32(r)
	}
	return int32(h)
}
