package remoting

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	binaryFixedBytes  = 21 // up to and with the fields' length, the remark aside
	binaryRemarkStart = 17
)

// decodeBinaryHeader fills c from a header of type 1. Empty names and values read as missing ones.
func decodeBinaryHeader(c *Command, h []byte, arena []Field) ([]Field, error) {
	if len(h) < binaryFixedBytes {
		return arena, fmt.Errorf("%w: binary header of %d bytes, expected %d at least", ErrFrame, len(h), binaryFixedBytes)
	}
	*c = Command{
		Code:     int32(int16(binary.BigEndian.Uint16(h))),
		Language: Language(h[2]),
		Version:  int32(int16(binary.BigEndian.Uint16(h[3:]))),
		Opaque:   int32(binary.BigEndian.Uint32(h[5:])),
		Flag:     int32(binary.BigEndian.Uint32(h[9:])),
		Binary:   true,
	}
	remarkBytes := int(int32(binary.BigEndian.Uint32(h[13:])))
	if remarkBytes < 0 || remarkBytes > len(h)-binaryFixedBytes {
		return arena, fmt.Errorf("%w: remark of %d bytes in a header of %d", ErrFrame, remarkBytes, len(h))
	}
	rest := h[binaryRemarkStart:]
	if remarkBytes > 0 {
		c.Remark = rest[:remarkBytes]
	}
	rest = rest[remarkBytes:]
	fieldBytes := int(int32(binary.BigEndian.Uint32(rest)))
	rest = rest[4:]
	if fieldBytes != len(rest) {
		return arena, fmt.Errorf("%w: fields of %d bytes, but the header has %d for them", ErrFrame, fieldBytes, len(rest))
	}
	first := len(arena)
	for len(rest) > 0 {
		if len(rest) < 2 {
			return arena, fmt.Errorf("%w: %d bytes behind the last field of the header", ErrFrame, len(rest))
		}
		n := int(int16(binary.BigEndian.Uint16(rest)))
		if n < 0 || n > len(rest)-6 {
			return arena, fmt.Errorf("%w: field name of %d bytes with %d bytes of header left", ErrFrame, n, len(rest))
		}
		key := rest[2 : 2+n]
		rest = rest[2+n:]
		n = int(int32(binary.BigEndian.Uint32(rest)))
		if n < 0 || n > len(rest)-4 {
			return arena, fmt.Errorf("%w: value of field %.40q of %d bytes with %d bytes of header left", ErrFrame, key, n, len(rest))
		}
		if n > 0 && len(key) > 0 {
			arena = append(arena, Field{Key: key, Value: rest[4 : 4+n]})
		}
		rest = rest[4+n:]
	}
	c.Fields = Fields(arena[first:len(arena):len(arena)])
	return arena, nil
}

// appendBinaryStart appends a header up to its fields, whose length is still 0, and returns where that length stands.
func appendBinaryStart(b []byte, code, version, opaque, flag int32, remark string) (_ []byte, fieldsAt int) {
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	b = append(b, byte(LanguageGo))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, uint32(opaque))
	b = binary.BigEndian.AppendUint32(b, uint32(flag))
	b = binary.BigEndian.AppendUint32(b, uint32(len(remark)))
	b = append(b, remark...)
	return append(b, 0, 0, 0, 0), len(b)
}

// appendBinaryField appends a field whose value is still empty, and returns where the value's length stands. Names are the program's own; one
// that is too long for the format is cut.
func appendBinaryField(b []byte, name string) (_ []byte, valueAt int) {
	name = name[:min(len(name), math.MaxInt16)]
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	b = append(b, name...)
	return append(b, 0, 0, 0, 0), len(b)
}

// endBinary fills in the length at b[at:]: it counts all that was appended behind it.
func endBinary(b []byte, at int) {
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
}
