package remoting

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// headerScanner walks over a JSON header. After a failure its methods return zero values and more says that there is nothing more, so
// that callers check once, at the end.
type headerScanner struct {
	b      []byte
	i      int
	failed string // what is wrong at i; empty so far
	first  bool   // no element of the innermost object or list has been read
}

func (s *headerScanner) fail(what string) {
	if s.failed == "" {
		s.failed = what
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *headerScanner) peek() byte {
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.i++
	}
	return 0
}

// open reads the bracket that an object or a list begins with.
func (s *headerScanner) open(bracket byte) {
	if s.peek() != bracket {
		s.fail("no " + string(rune(bracket)))
		return
	}
	s.i++
	s.first = true
}

// more goes to the next element of the innermost object or list; false at its end, which is read too.
func (s *headerScanner) more(bracket byte) bool {
	if s.failed != "" {
		return false
	}
	if i := s.i; !s.first && i+1 < len(s.b) && s.b[i] == ',' && s.b[i+1] == '"' {
		s.i++ // nearly always
		return true
	}
	c := s.peek()
	if c == ',' && !s.first {
		for c == ',' { // the peer allows for commas too many
			s.i++
			c = s.peek()
		}
	} else if c != bracket && !s.first {
		s.fail("no comma between two elements")
		return false
	}
	s.first = false
	if c == bracket {
		s.i++
		return false
	}
	return true
}

// end makes sure that nothing is left.
func (s *headerScanner) end() {
	if s.failed == "" && s.peek() != 0 || s.i < len(s.b) {
		s.fail("text behind the object")
	}
}

// key reads a name and its colon.
func (s *headerScanner) key() []byte {
	if i := s.i; i < len(s.b) && s.b[i] == '"' { // nearly always, and the colon right behind
		if end := quotedEnd(s.b, i+1); end+1 < len(s.b) && s.b[end] == '"' && s.b[end+1] == ':' {
			s.i = end + 2
			return s.b[i+1 : end]
		}
	}
	var k []byte
	if c := s.peek(); c == '"' || c == '\'' {
		k = s.quoted(c)
	} else if k = s.bare(); len(k) == 0 {
		s.fail("no name")
	}
	if s.i < len(s.b) && s.b[s.i] == ':' {
		s.i++
		return k
	}
	if s.peek() != ':' {
		s.fail("no colon behind a name")
		return nil
	}
	s.i++
	return k
}

// pairs reads names and texts as all clients write their fields: in quotes, with a colon between and a comma behind. It stops at an element that looks
// different, which is left, or behind the last one that doesn't.
func (s *headerScanner) pairs(arena []Field) (_ []Field, left bool) {
	b, i := s.b, s.i
	for {
		if i+2 >= len(b) || b[i] != '"' {
			break
		}
		end := i + 2
		if b[end] != '"' || b[i+1] == '\\' { // the names of what is sent most have one letter
			end = quotedEnd(b, i+1)
		}
		if end+2 >= len(b) || b[end] != '"' || b[end+1] != ':' || b[end+2] != '"' {
			break
		}
		from := end + 3
		to := from + 1 // and half of their values have one digit
		if to >= len(b) || b[to] != '"' || b[from] == '\\' || b[from] == '"' {
			to = quotedEnd(b, from)
		}
		next := to + 1
		value := b[from:to]
		if to == len(b) || b[to] != '"' {
			s.i = to
			value = s.escaped(from, '"')
			next = s.i
		}
		arena = append(arena, Field{Key: b[i+1 : end], Value: value})
		if next+1 >= len(b) || b[next] != ',' || b[next+1] != '"' {
			s.i = next
			return arena, false
		}
		i = next + 1
	}
	s.i = i
	return arena, true
}

// text reads a value of any kind as text; an object or a list as it stands there. False for null.
func (s *headerScanner) text() (_ []byte, ok bool) {
	switch c := s.peek(); c {
	case '"', '\'':
		return s.quoted(c), true
	case '{', '[':
		from := s.i
		s.skip()
		return s.b[from:s.i], true
	}
	w := s.bare()
	if len(w) == 0 {
		s.fail("no value")
	}
	if string(w) == "null" {
		return nil, false
	}
	return w, true
}

// null reads a null, if there is one.
func (s *headerScanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	if string(s.bare()) != "null" {
		s.fail("no value")
	}
	return true
}

// bare reads a number, a word or a name without quotes.
func (s *headerScanner) bare() []byte {
	from := s.i
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c-'0' > 9 && (c|0x20)-'a' > 25 && c != '-' && c != '+' && c != '.' && c != '_' && c != '$' {
			break
		}
		s.i++
	}
	return s.b[from:s.i]
}

// skip reads a value of any kind, without changing a byte of it.
func (s *headerScanner) skip() {
	depth := 0
	for s.failed == "" {
		switch c := s.peek(); c {
		case '{', '[':
			depth++
			s.i++
		case '}', ']':
			depth--
			s.i++
		case ',', ':':
			if depth == 0 {
				s.fail("no value")
				return
			}
			s.i++
			continue
		case '"', '\'':
			s.skipQuoted(c)
		default:
			if len(s.bare()) == 0 {
				s.fail("no value")
			}
		}
		if depth == 0 {
			return
		}
		if depth < 0 || depth > maxNesting {
			s.fail("brackets that don't match or are nested too deeply")
		}
	}
}

func (s *headerScanner) skipQuoted(quote byte) {
	for s.i++; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case '\\':
			s.i++
		case quote:
			s.i++
			return
		}
	}
	s.fail("a text without an end")
}

// quoted reads a text in quotes. What it returns lies in s.b, where escapes are undone: nothing gets longer by that.
func (s *headerScanner) quoted(quote byte) []byte {
	s.i++
	from := s.i
	s.i = textEnd(s.b, s.i, quote)
	if s.i < len(s.b) && s.b[s.i] == quote {
		s.i++
		return s.b[from : s.i-1]
	}
	return s.escaped(from, quote)
}

// escaped goes on with a text that began at from and has its first escape at s.i.
func (s *headerScanner) escaped(from int, quote byte) []byte {
	b, i, to := s.b, s.i, s.i
	for i < len(b) && b[i] != quote {
		if i+6 <= len(b) && string(b[i:i+5]) == `\u000` && hexDigits[b[i+5]] >= 0 {
			b[to] = byte(hexDigits[b[i+5]]) // what separates properties
			to, i = to+1, i+6
		} else {
			s.i = i
			if to = s.unescape(to); s.failed != "" {
				return nil
			}
			i = s.i
		}
		next := textEnd(b, i, quote)
		to += copy(b[to:], b[i:next])
		i = next
	}
	s.i = i + 1
	if i >= len(b) {
		s.i = len(b)
		s.fail("a text without an end")
	}
	return b[from:to]
}

// textEnd is the index of the first quote or backslash in b[i:], or len(b).
func textEnd(b []byte, i int, quote byte) int {
	if quote == '"' {
		return quotedEnd(b, i)
	}
	for i < len(b) && b[i] != quote && b[i] != '\\' {
		i++
	}
	return i
}

// quotedEnd is textEnd for double quotes. It looks at eight bytes at a time: subtracting one carries into the high bit of a byte that was zero.
func quotedEnd(b []byte, i int) int {
	const (
		ones   = 0x0101010101010101
		highs  = ones << 7
		quotes = ones * '"'
		slants = ones * '\\'
	)
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		x, y := w^quotes, w^slants
		// The lowest bit that this finds is right; a borrow can only spoil those above it.
		if found := ((x-ones)&^x | (y-ones)&^y) & highs; found != 0 {
			return i + bits.TrailingZeros64(found)>>3
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// unescape undoes the escape at s.i, writes its bytes to s.b[to:] and returns the index behind them.
func (s *headerScanner) unescape(to int) int {
	if s.i+1 >= len(s.b) {
		s.fail("a text without an end")
		return to
	}
	c := s.b[s.i+1]
	switch c {
	case 'u':
		r, ok := s.unicode(s.i)
		if !ok {
			s.fail("an escape without its digits")
			return to
		}
		s.i += 6
		if utf16.IsSurrogate(r) {
			low, ok := s.unicode(s.i)
			if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
				s.i += 6
			} else {
				r = utf8.RuneError
			}
		}
		if r < utf8.RuneSelf {
			s.b[to] = byte(r)
			return to + 1
		}
		return to + utf8.EncodeRune(s.b[to:], r)
	case 'n':
		c = '\n'
	case 't':
		c = '\t'
	case 'r':
		c = '\r'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case '"', '\\', '/', '\'':
	default:
		s.fail("an unknown escape")
		return to
	}
	s.b[to] = c
	s.i += 2
	return to + 1
}

// unicode reads \uXXXX at s.b[i:].
func (s *headerScanner) unicode(i int) (r rune, ok bool) {
	if i+6 > len(s.b) || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return 0, false
	}
	var bad int8
	for _, c := range s.b[i+2 : i+6] {
		d := hexDigits[c]
		bad |= d
		r = r<<4 | rune(d)
	}
	return r, bad >= 0
}

// hexDigits are the values of the hexadecimal digits, -1 for all other bytes.
var hexDigits = func() (t [256]int8) {
	for c := range t {
		t[c] = -1
	}
	for i, c := range "0123456789abcdef" {
		t[c] = int8(i)
	}
	for i, c := range "ABCDEF" {
		t[c] = int8(10 + i)
	}
	return t
}()
