package generator

import (
	"encoding/binary"
	"fmt"
)

const (
	messageMagicV1 = 0xDAA320A7 // the topic's length is one byte
	messageMagicV2 = 0xDAA320A3 // two bytes

	addressV4Bytes = 8  // four of the address, four of the port
	addressV6Bytes = 20 // sixteen and four

	bornHostIsV6  = 1 << 4 // bits of a message's system flag
	storeHostIsV6 = 1 << 5
)

// message is what the checks need of a stored message. It aliases what it was cut from.
type message struct {
	queueID     int32
	queueOffset int64
	body        []byte
}

// cutMessage splits the first message off b, which isn't empty. The package comment draws it.
func cutMessage(b []byte) (m message, rest []byte, err error) {
	if len(b) < 40 {
		return m, nil, fmt.Errorf("%w: message of which %d bytes are there", errProtocol, len(b))
	}
	size := int(int32(binary.BigEndian.Uint32(b)))
	if magic := binary.BigEndian.Uint32(b[4:]); magic != messageMagicV1 && magic != messageMagicV2 {
		return m, nil, fmt.Errorf("%w: message with magic %08X, expected %08X or %08X", errProtocol, magic, uint32(messageMagicV1), uint32(messageMagicV2))
	}
	sysFlag := binary.BigEndian.Uint32(b[36:])
	bodyAt := 4 + 4 + 4 + 4 + 4 + 8 + 8 + 4 + 8 + addressV4Bytes + 8 + addressV4Bytes + 4 + 8 + 4
	if sysFlag&bornHostIsV6 != 0 {
		bodyAt += addressV6Bytes - addressV4Bytes
	}
	if sysFlag&storeHostIsV6 != 0 {
		bodyAt += addressV6Bytes - addressV4Bytes
	}
	if size < bodyAt || size > len(b) {
		return m, nil, fmt.Errorf("%w: message of %d bytes, expected %d … %d", errProtocol, size, bodyAt, len(b))
	}
	bodyBytes := int(int32(binary.BigEndian.Uint32(b[bodyAt-4:])))
	if bodyBytes < 0 || bodyBytes > size-bodyAt {
		return m, nil, fmt.Errorf("%w: body of %d bytes in a message of %d", errProtocol, bodyBytes, size)
	}
	return message{
		queueID:     int32(binary.BigEndian.Uint32(b[12:])),
		queueOffset: int64(binary.BigEndian.Uint64(b[20:])),
		body:        b[bodyAt : bodyAt+bodyBytes],
	}, b[size:], nil
}
