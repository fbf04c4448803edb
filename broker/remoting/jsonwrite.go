package remoting

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// What nearly all answers have in common.
const jsonSuccess = `{"code":0,"flag":1,"language":"GO","opaque":`

var jsonVersion55 = `,"serializeTypeCurrentRPC":"JSON","version":` + strconv.Itoa(int(Version55))

// appendJSONStart appends a header up to its fields. The rest is written by appendJSONField and endJSON.
func appendJSONStart(b []byte, code, version, opaque, flag int32, remark string) []byte {
	if code == RespSuccess && flag == FlagResponse {
		b = append(b, jsonSuccess...)
	} else {
		b = append(b, `{"code":`...)
		b = strconv.AppendInt(b, int64(code), 10)
		b = append(b, `,"flag":`...)
		b = strconv.AppendInt(b, int64(flag), 10)
		b = append(b, `,"language":"GO","opaque":`...)
	}
	b = strconv.AppendInt(b, int64(opaque), 10)
	if remark != "" {
		b = append(b, `,"remark":"`...)
		b = appendJSONText(b, remark)
		b = append(b, '"')
	}
	if version == Version55 {
		return append(b, jsonVersion55...)
	}
	b = append(b, `,"serializeTypeCurrentRPC":"JSON","version":`...)
	return strconv.AppendInt(b, int64(version), 10)
}

// appendJSONField appends what stands before a field's value. The name is the inside of a JSON string already.
func appendJSONField[T string | []byte](b []byte, name T, first bool) []byte {
	if first {
		b = append(b, `,"extFields":{"`...)
	} else {
		b = append(b, `,"`...)
	}
	b = append(b, name...)
	return append(b, `":"`...)
}

// endJSON closes the header.
func endJSON(b []byte, fields bool) []byte {
	if fields {
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendJSONText appends s as the inside of a JSON string: control characters escaped, invalid UTF-8 replaced by U+FFFD.
func appendJSONText[T string | []byte](b []byte, s T) []byte {
	from := len(b)
	b = append(b, s...)
	if plain := plainBytes(b[from:]); plain < len(b)-from { // rarely: the rest is done again, rune by rune
		return appendEscaped(b[:from+plain], string(s[plain:]))
	}
	return b
}

// plainBytes is how many bytes at the front of b stand for themselves in a JSON string, rounded down to a multiple of eight where not all do. It
// looks at eight at a time: a byte is special when its high bit is set, when it is below a space, or when it is a quote or a backslash.
func plainBytes(b []byte) int {
	const (
		ones   = 0x0101010101010101
		highs  = ones << 7
		spaces = ones * ' '
		quotes = ones * '"'
		slants = ones * '\\'
	)
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		x, y := w^quotes, w^slants
		if (w|(w-spaces)|(x-ones)&^x|(y-ones)&^y)&highs != 0 {
			return i
		}
	}
	for _, c := range b[i:] {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return len(b)
}

func appendEscaped(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	for _, r := range s { // invalid UTF-8 comes out as U+FFFD
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
