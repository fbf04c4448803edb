package generator

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// errProtocol marks bytes from the broker that aren't the Remoting protocol.
var errProtocol = errors.New("not the Remoting protocol")

// answer is what a load needs of the frame that answers a request.
type answer struct {
	code        int32
	opaque      int32
	flag        int32
	queueID     int32
	queueOffset int64
	stored      bool   // the answer carries a queue offset: also true for some codes other than 0
	nextBegin   int64  // of a pull: where the next one should begin
	minOffset   int64  // of a pull: the first message of the queue
	maxOffset   int64  // of a pull: behind the last message of the queue
	header      []byte // aliases the read buffer
	body        []byte // likewise
}

// isResponse tells an answer from a request that the broker sends on its own.
func (a *answer) isResponse() bool { return a.flag&1 != 0 }

// remark returns the broker's words to the answer. It is slow and meant for failures.
func (a *answer) remark() string {
	var h struct {
		Remark string `json:"remark"`
	}
	if err := json.Unmarshal(a.header, &h); err != nil {
		return ""
	}
	return h.Remark
}

// cutFrame splits the first frame off b, without its length. The frame is nil while b doesn't hold all of it.
func cutFrame(b []byte) (frame, rest []byte, err error) {
	if len(b) < 4 {
		return nil, b, nil
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	if n < 4 || n > maxFrameBytes {
		return nil, b, fmt.Errorf("%w: frame of %d bytes, expected 4 … %d", errProtocol, n, maxFrameBytes)
	}
	if len(b) < 4+n {
		return nil, b, nil
	}
	return b[4 : 4+n], b[4+n:], nil
}

// parseAnswer reads a frame that cutFrame returned.
func parseAnswer(frame []byte) (a answer, err error) {
	err = a.parse(frame)
	return a, err
}

// parse is parseAnswer without a copy.
func (a *answer) parse(frame []byte) error {
	mark := binary.BigEndian.Uint32(frame)
	if kind := mark >> 24; kind != 0 {
		return fmt.Errorf("%w: header of type %d, expected 0 (JSON) as in the request", errProtocol, kind)
	}
	n := int(mark & 0xFFFFFF)
	if n > len(frame)-4 {
		return fmt.Errorf("%w: header of %d bytes in a frame with %d", errProtocol, n, len(frame)-4)
	}
	*a = answer{header: frame[4 : 4+n], body: frame[4+n:]}
	if err := a.parseHeader(); err != nil {
		return fmt.Errorf("%w: header %.200q: %w", errProtocol, a.header, err)
	}
	return nil
}

func (a *answer) parseHeader() error {
	var codeSeen, opaqueSeen, flagSeen bool
	m := members{text: a.header}
	for m.next() {
		var err error
		switch string(m.key) {
		case "code":
			a.code, err = parseInt32(m.value)
			codeSeen = true
		case "opaque":
			a.opaque, err = parseInt32(m.value)
			opaqueSeen = true
		case "flag":
			a.flag, err = parseInt32(m.value)
			flagSeen = true
		case "extFields":
			err = a.parseFields(m.value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
	}
	if m.err != nil {
		return m.err
	}
	if !codeSeen || !opaqueSeen || !flagSeen {
		return errors.New("without code, opaque or flag")
	}
	return nil
}

func (a *answer) parseFields(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	m := members{text: text}
	for m.next() {
		var err error
		switch string(m.key) {
		case "queueId":
			a.queueID, err = parseInt32(m.value)
		case "queueOffset":
			a.queueOffset, err = parseInt(m.value, 64)
			a.stored = true
		case "nextBeginOffset":
			a.nextBegin, err = parseInt(m.value, 64)
		case "minOffset":
			a.minOffset, err = parseInt(m.value, 64)
		case "maxOffset":
			a.maxOffset, err = parseInt(m.value, 64)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
	}
	return m.err
}

func parseInt32(value []byte) (int32, error) {
	v, err := parseInt(value, 32)
	return int32(v), err
}

// parseInt reads a number that may stand in quotes, as all extFields do.
func parseInt(value []byte, bits int) (int64, error) {
	if n := len(value); n >= 2 && value[0] == '"' {
		value = value[1 : n-1]
	}
	return strconv.ParseInt(string(value), 10, bits) // the conversion doesn't allocate: it doesn't outlive the call
}

// members walks over the members of a JSON object, one level deep. Keys come without quotes and aren't unescaped; values
// are raw text. It checks only as much of the syntax as it needs to find its way.
type members struct {
	text       []byte
	key, value []byte
	err        error
	at         int
	opened     bool
}

func (m *members) next() bool {
	if m.err != nil {
		return false
	}
	if !m.opened {
		m.opened = true
		if m.take('{'); m.err != nil {
			return false
		}
		if m.peek() == '}' {
			return false
		}
	} else if m.peek() == ',' {
		m.at++
	} else {
		m.take('}')
		return false
	}
	m.peek()
	key := m.skipValue()
	if m.err == nil && (len(key) < 2 || key[0] != '"') {
		m.fail("expected a key in quotes")
	}
	if m.take(':'); m.err != nil {
		return false
	}
	m.peek()
	m.key, m.value = key[1:len(key)-1], m.skipValue()
	return m.err == nil
}

// peek skips white space and returns the byte at which it stops, or 0 at the end.
func (m *members) peek() byte {
	for m.at < len(m.text) {
		switch c := m.text[m.at]; c {
		case ' ', '\t', '\n', '\r':
			m.at++
		default:
			return c
		}
	}
	return 0
}

func (m *members) take(c byte) {
	if m.err != nil {
		return
	}
	if m.peek() != c || m.at == len(m.text) {
		m.fail("expected " + string(c))
		return
	}
	m.at++
}

// skipValue returns the string, number, word, object or array at the current place and goes behind it.
func (m *members) skipValue() []byte {
	text, from, at, depth := m.text, m.at, m.at, 0
	for at < len(text) {
		switch c := text[at]; c {
		case '"':
			if at = stringEnd(text, at); depth == 0 && at > 0 {
				m.at = at
				return text[from:at]
			}
			if at < 0 {
				m.fail("ends within a string")
				return nil
			}
			continue
		case '{', '[':
			depth++
		case '}', ']', ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				if m.at = at; at == from {
					m.fail("expected a value")
				}
				return text[from:at]
			}
			if c == '}' || c == ']' {
				if depth--; depth == 0 {
					m.at = at + 1
					return text[from : at+1]
				}
			}
		}
		at++
	}
	m.at = at
	m.fail("ends within a value")
	return nil
}

// stringEnd returns the index behind the string that opens at text[at], or -1 when it doesn't end.
func stringEnd(text []byte, at int) int {
	for at++; at < len(text); at++ {
		switch text[at] {
		case '"':
			return at + 1
		case '\\':
			at++ // the escaped byte isn't the end
		}
	}
	return -1
}

func (m *members) fail(what string) {
	if m.err == nil {
		m.err = fmt.Errorf("%s at byte %d", what, m.at)
	}
}
