package remoting

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrFrame is wrapped by the errors of bytes that aren't a frame: they end the connection, since there is no way to find the next one.
var ErrFrame = errors.New("bad frame")

const (
	prefixBytes    = 8 // length, type and header length
	typeJSON       = 0
	typeBinary     = 1
	maxHeaderBytes = 1<<24 - 1
)

// frameSize is the size of the frame that b begins with, its length field included; 0 when b is too short to tell.
func frameSize(b []byte, maxFrame int) (int, error) {
	if len(b) < 4 {
		return 0, nil
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	if n < 4 {
		return 0, fmt.Errorf("%w: length %d, expected 4 at least", ErrFrame, n)
	}
	if n+4 > maxFrame {
		return 0, fmt.Errorf("%w: %d bytes, expected %d at most", ErrFrame, n+4, maxFrame)
	}
	return n + 4, nil
}

// decodeFrame decodes the complete frame b into c. Fields are appended to arena, which is returned; c aliases both. The header may be
// rewritten in place.
func decodeFrame(c *Command, b []byte, arena []Field) ([]Field, error) {
	word := binary.BigEndian.Uint32(b[4:])
	headerBytes := int(word & maxHeaderBytes)
	if headerBytes > len(b)-prefixBytes {
		return arena, fmt.Errorf("%w: header of %d bytes in a frame of %d", ErrFrame, headerBytes, len(b))
	}
	header := b[prefixBytes : prefixBytes+headerBytes : prefixBytes+headerBytes]
	var err error
	switch kind := word >> 24; kind {
	case typeJSON:
		arena, err = decodeJSONHeader(c, header, arena)
	case typeBinary:
		arena, err = decodeBinaryHeader(c, header, arena)
	default:
		return arena, fmt.Errorf("%w: header type %d, expected 0 (JSON) or 1 (binary)", ErrFrame, kind)
	}
	c.Body = b[prefixBytes+headerBytes:]
	return arena, err
}

// putPrefix fills the first prefixBytes of a frame.
func putPrefix(b []byte, binaryHeader bool, headerBytes, bodyBytes int) {
	binary.BigEndian.PutUint32(b, uint32(4+headerBytes+bodyBytes))
	word := uint32(headerBytes)
	if binaryHeader {
		word |= typeBinary << 24
	}
	binary.BigEndian.PutUint32(b[4:], word)
}
