package remoting

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// maxNesting bounds how deeply a value that is skipped may be nested.
const maxNesting = 64

// decodeJSONHeader fills c from a header of type 0. It reads what the peer's library reads: any order, white space, unknown names with whatever
// value, null, numbers as texts and texts as numbers, names without quotes. Escapes are undone in place, so c aliases h and h is no JSON afterwards.
func decodeJSONHeader(c *Command, h []byte, arena []Field) ([]Field, error) {
	*c = Command{}
	first := len(arena)
	s := headerScanner{b: h}
	s.open('{')
	for s.more('}') {
		key := s.key()
		// Two letters tell the names apart; the comparison is there for those that nobody knows.
		switch {
		case len(key) < 4:
			s.skip()
		case key[0] == 'c' && string(key) == "code":
			c.Code = s.int32()
		case key[0] == 'o' && string(key) == "opaque":
			c.Opaque = s.int32()
		case key[0] == 'f' && string(key) == "flag":
			c.Flag = s.int32()
		case key[0] == 'v' && string(key) == "version":
			c.Version = s.int32()
		case key[0] == 'l' && string(key) == "language":
			c.Language = s.language()
		case key[0] == 'r' && string(key) == "remark":
			c.Remark, _ = s.text()
		case key[0] == 'e' && string(key) == "extFields":
			arena = s.fields(arena[:first])
		default:
			s.skip()
		}
	}
	s.end()
	if s.failed != "" {
		return arena, fmt.Errorf("%w: JSON header: %s at byte %d of %d", ErrFrame, s.failed, s.i, len(h))
	}
	c.Fields = Fields(arena[first:len(arena):len(arena)])
	return arena, nil
}

// fields reads the map of named values. Names and values may be of any kind; null is the same as nothing.
func (s *headerScanner) fields(arena []Field) []Field {
	if s.null() {
		return arena
	}
	s.open('{')
	for s.more('}') {
		var left bool
		if arena, left = s.pairs(arena); !left {
			continue
		}
		key := s.key()
		if value, ok := s.text(); ok {
			arena = append(arena, Field{Key: key, Value: value})
		}
	}
	return arena
}

// language reads a word or a number. Anything else, null included, is OTHER, as a word that nobody knows is.
func (s *headerScanner) language() Language {
	word, ok := s.text()
	if !ok {
		return LanguageOther
	}
	if n, ok := ParseInt(word); ok {
		if n < 0 || n > math.MaxUint8 {
			return LanguageOther
		}
		return Language(n)
	}
	return languageOf(word)
}

// int32 reads a number, with or without quotes; null is 0, and a fraction is cut off as the peer cuts it.
func (s *headerScanner) int32() int32 {
	at := s.i
	// Nearly always: a few digits and a comma.
	n := 0
	i := s.i
	for ; i < len(s.b) && i < at+9 && s.b[i]-'0' <= 9; i++ {
		n = n*10 + int(s.b[i]-'0')
	}
	if i > at && i < len(s.b) && (s.b[i] == ',' || s.b[i] == '}') {
		s.i = i
		return int32(n)
	}
	word, ok := s.text()
	if !ok || len(word) == 0 {
		return 0
	}
	if v, ok := ParseInt(word); ok && int64(int32(v)) == v {
		return int32(v)
	}
	if bytes.ContainsAny(word, ".eE") {
		if f, err := strconv.ParseFloat(string(word), 64); err == nil && math.Abs(f) < 1<<31 {
			return int32(f)
		}
	}
	s.i = at
	s.fail("no integer of 32 bits")
	return 0
}
