package fastjson

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// MaxDepth is how deeply values may be nested, maxKeyDepth how often an object may be a key within a key: each such level doubles the
// backslashes in what Standard returns.
const (
	MaxDepth    = 200
	maxKeyDepth = 3
)

// ErrSyntax is wrapped by the errors of texts that aren't JSON in this dialect either.
var ErrSyntax = errors.New("bad JSON")

// Standard rewrites a text in the dialect into standard JSON in a new slice: the text is one value, with white space and comments
// around it. Numbers and strings keep their value, and invalid UTF-8 becomes U+FFFD. Errors say at which byte the text stops making sense.
func Standard(src []byte) ([]byte, error) {
	s := scanner{src: src, dst: make([]byte, 0, len(src)+len(src)/8+16)}
	s.value(0)
	s.space()
	if s.err == nil && s.pos < len(src) {
		s.fail("text behind the value")
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.dst, nil
}

// scanner reads the dialect from src and appends standard JSON to dst. Its methods do nothing more once err is set.
type scanner struct {
	src []byte
	pos int
	dst []byte
	err error

	inKeys int // how many keys the scanner is inside of
}

func (s *scanner) fail(what string) {
	if s.err == nil {
		s.err = fmt.Errorf("fastjson: %w: %s at byte %d of %d", ErrSyntax, what, s.pos, len(s.src))
	}
}

// peek skips white space and comments and returns the next byte, 0 at the end of the text.
func (s *scanner) peek() byte {
	s.space()
	if s.err != nil || s.pos == len(s.src) {
		return 0
	}
	return s.src[s.pos]
}

func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\r', '\n', '\f', '\v':
			s.pos++
		case '/':
			if !s.comment() {
				return
			}
		case 0xEF: // a byte order mark
			if s.pos > 0 || len(s.src) < 3 || s.src[1] != 0xBB || s.src[2] != 0xBF {
				return
			}
			s.pos = 3
		default:
			return
		}
	}
}

// comment skips a comment of either kind; false where there is none, or no end of it.
func (s *scanner) comment() bool {
	if s.pos+1 == len(s.src) {
		return false
	}
	switch s.src[s.pos+1] {
	case '/':
		for s.pos < len(s.src) && s.src[s.pos] != '\n' {
			s.pos++
		}
		return true
	case '*':
		for i := s.pos + 2; i+1 < len(s.src); i++ {
			if s.src[i] == '*' && s.src[i+1] == '/' {
				s.pos = i + 2
				return true
			}
		}
	}
	return false
}

func (s *scanner) value(depth int) {
	if depth > MaxDepth {
		s.fail(fmt.Sprintf("values nested deeper than %d", MaxDepth))
	}
	c := s.peek()
	if s.err != nil {
		return
	}
	switch {
	case c == '{':
		s.object(depth)
	case c == '[':
		s.array(depth)
	case c == '"' || c == '\'':
		s.text()
	case c == '-' || c == '+' || c == '.' || isDigit(c):
		s.number()
	default:
		s.word()
	}
}

func (s *scanner) object(depth int) {
	s.pos++
	s.dst = append(s.dst, '{')
	for first := true; ; first = false {
		s.commas(first)
		if s.peek() == '}' || s.err != nil {
			break
		}
		if !first {
			s.dst = append(s.dst, ',')
		}
		s.key(depth + 1)
		if s.peek() != ':' {
			s.fail("no colon behind a key")
			return
		}
		s.pos++
		s.dst = append(s.dst, ':')
		s.value(depth + 1)
		if s.err != nil {
			return
		}
	}
	s.pos++
	s.dst = append(s.dst, '}')
}

func (s *scanner) array(depth int) {
	s.pos++
	s.dst = append(s.dst, '[')
	for first := true; ; first = false {
		s.commas(first)
		if s.peek() == ']' || s.err != nil {
			break
		}
		if !first {
			s.dst = append(s.dst, ',')
		}
		s.value(depth + 1)
		if s.err != nil {
			return
		}
	}
	s.pos++
	s.dst = append(s.dst, ']')
}

// commas skips what stands between two elements: at least one comma, except before the first element and before the end.
func (s *scanner) commas(first bool) {
	n := 0
	for s.peek() == ',' {
		s.pos++
		n++
	}
	if c := s.peek(); n == 0 && !first && c != '}' && c != ']' {
		s.fail("no comma between two elements")
	}
}

// key writes a key as a string, whatever it is in the source.
func (s *scanner) key(depth int) {
	switch c := s.peek(); {
	case s.err != nil:
	case c == '"' || c == '\'':
		s.text()
	case c == '{' || c == '[':
		if s.inKeys == maxKeyDepth {
			s.fail(fmt.Sprintf("objects as keys nested deeper than %d", maxKeyDepth))
			return
		}
		from := len(s.dst)
		s.inKeys++
		s.value(depth)
		s.inKeys--
		if s.err != nil {
			return
		}
		inner := append([]byte(nil), s.dst[from:]...)
		s.dst = appendString(s.dst[:from], inner)
	default:
		from := s.pos
		for s.pos < len(s.src) && isName(s.src[s.pos]) {
			s.pos++
		}
		if s.pos == from {
			s.fail("no key")
			return
		}
		s.dst = appendString(s.dst, s.src[from:s.pos])
	}
}

// word reads a value without quotes that isn't a number.
func (s *scanner) word() {
	from := s.pos
	for s.pos < len(s.src) && isName(s.src[s.pos]) {
		s.pos++
	}
	switch w := s.src[from:s.pos]; string(w) {
	case "true", "false", "null":
		s.dst = append(s.dst, w...)
	case "NaN", "Infinity", "undefined":
		s.dst = append(s.dst, "null"...) // standard JSON has no such numbers
	default:
		s.pos = from
		s.fail("no value")
	}
}

// number copies a number, and makes up what the standard wants: no plus, no leading zeros, digits on both sides of a point. The letters that
// say which of Java's types a number has are dropped.
func (s *scanner) number() {
	digits := func() (from, to int) {
		for from = s.pos; s.pos < len(s.src) && isDigit(s.src[s.pos]); s.pos++ {
		}
		return from, s.pos
	}
	next := func(set string) byte {
		for i := 0; s.pos < len(s.src) && i < len(set); i++ {
			if set[i] == s.src[s.pos] {
				s.pos++
				return set[i]
			}
		}
		return 0
	}
	sign := next("+-")
	if s.pos < len(s.src) && s.src[s.pos] == 'I' {
		s.word() // Infinity
		return
	}
	if sign == '-' {
		s.dst = append(s.dst, '-')
	}
	from, to := digits()
	whole := s.src[from:to]
	for len(whole) > 1 && whole[0] == '0' {
		whole = whole[1:]
	}
	if len(whole) == 0 {
		whole = []byte("0")
	}
	s.dst = append(s.dst, whole...)
	if next(".") != 0 {
		a, b := digits()
		if a < b {
			s.dst = append(append(s.dst, '.'), s.src[a:b]...)
		}
		to += b - a
	}
	if to == from {
		s.fail("a number without digits")
		return
	}
	if next("eE") != 0 {
		s.dst = append(s.dst, 'e')
		if next("+-") != 0 {
			s.dst = append(s.dst, s.src[s.pos-1])
		}
		a, b := digits()
		if a == b {
			s.fail("an exponent without digits")
		}
		s.dst = append(s.dst, s.src[a:b]...)
	}
	next("LSBFD")
	if s.pos < len(s.src) && isName(s.src[s.pos]) {
		s.fail("a letter behind a number")
	}
}

// text reads a string in quotes of either kind.
func (s *scanner) text() {
	quote := s.src[s.pos]
	s.pos++
	s.dst = append(s.dst, '"')
	for s.pos < len(s.src) {
		plain := s.pos // most of a text is copied in runs
		for s.pos < len(s.src) && isPlain(s.src[s.pos]) {
			s.pos++
		}
		s.dst = append(s.dst, s.src[plain:s.pos]...)
		if s.pos == len(s.src) {
			break
		}
		c := s.src[s.pos]
		switch {
		case c == quote:
			s.pos++
			s.dst = append(s.dst, '"')
			return
		case c == '\\':
			s.escape()
			if s.err != nil {
				return
			}
		case c < utf8.RuneSelf:
			s.dst = appendASCII(s.dst, c)
			s.pos++
		default:
			r, n := utf8.DecodeRune(s.src[s.pos:])
			s.dst = utf8.AppendRune(s.dst, r)
			s.pos += n
		}
	}
	s.fail("a string without an end")
}

// escape rewrites one escape sequence. Those that the standard has are copied.
func (s *scanner) escape() {
	if s.pos+1 == len(s.src) {
		s.fail("a string without an end")
		return
	}
	c := s.src[s.pos+1]
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.dst = append(s.dst, '\\', c)
	case '\'', '#', '@', '`', '%', '(', ')', '*', ',', '-', '.', ':', ';', '<', '=', '>', '?', '_', '|', '~', '&':
		s.dst = append(s.dst, c)
	case 'v':
		s.dst = appendASCII(s.dst, '\v')
	case 'a':
		s.dst = appendASCII(s.dst, '\a')
	case '0', '1', '2', '3', '4', '5', '6', '7':
		s.dst = appendASCII(s.dst, c-'0')
	case 'x':
		if v, ok := s.hex(2); ok {
			s.dst = appendRune(s.dst, rune(v))
			s.pos += 4
		}
		return
	case 'u':
		if _, ok := s.hex(4); ok {
			s.dst = append(s.dst, s.src[s.pos:s.pos+6]...)
			s.pos += 6
		}
		return
	default:
		s.fail("an unknown escape")
		return
	}
	s.pos += 2
}

// hex reads the n digits behind a backslash and a letter.
func (s *scanner) hex(n int) (v int, ok bool) {
	if s.pos+2+n > len(s.src) {
		s.fail("an escape without its digits")
		return 0, false
	}
	for _, c := range s.src[s.pos+2 : s.pos+2+n] {
		switch {
		case isDigit(c):
			v = v<<4 | int(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			v = v<<4 | int(c|0x20-'a'+10)
		default:
			s.fail("an escape with other digits than hexadecimal ones")
			return 0, false
		}
	}
	return v, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isPlain says whether c stands for itself in strings of either kind.
func isPlain(c byte) bool {
	return c >= 0x20 && c != '"' && c != '\'' && c != '\\' && c < utf8.RuneSelf
}

// isName says whether c can be in a key or a word without quotes.
func isName(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '$' || c == '-' || c == '+' || c == '.' || c == '@' || c >= utf8.RuneSelf
}

// appendString appends b as a JSON string.
func appendString(dst, b []byte) []byte {
	dst = append(dst, '"')
	for _, r := range string(b) { // invalid UTF-8 comes out as U+FFFD
		dst = appendRune(dst, r)
	}
	return append(dst, '"')
}

func appendRune(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		return appendASCII(dst, byte(r))
	}
	return utf8.AppendRune(dst, r)
}

func appendASCII(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c < 0x20:
		return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
	}
	return append(dst, c)
}
