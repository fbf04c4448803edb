package record

import "unicode/utf8"

// JavaHash is java.lang.String.hashCode of the UTF-8 text s: over its UTF-16 units, with wrap-around. A byte that isn't UTF-8 counts as U+FFFD.
func JavaHash[T ~string | ~[]byte](s T) int32 {
	var h int32
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			h = 31*h + int32(c)
			i++
			continue
		}
		// A conversion of so few bytes stays on the stack, of all of them it might not.
		r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		i += n
		if r >= 0x10000 { // a surrogate pair
			r -= 0x10000
			h = 31*h + (0xD800 + r>>10)
			r = 0xDC00 + r&0x3FF
		}
		h = 31*h + r
	}
	return h
}

// TagCode is what the unit of a queue says of a message's tag: its hash, 0 without a tag.
func TagCode(tags []byte) int64 {
	return int64(JavaHash(tags))
}
