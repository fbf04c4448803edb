package record

import (
	"encoding/binary"
	"fmt"
)

// Record is a decoded record. Topic, Body and Properties alias the bytes that were decoded.
type Record struct {
	Size                      int32 // of the whole record
	Magic                     uint32
	BodyCRC                   uint32
	QueueID                   int32
	Flag                      int32
	QueueOffset               int64
	LogOffset                 int64
	SysFlag                   int32
	BornTimestamp             int64 // ms since 1970, the client's clock
	BornHost                  Host
	StoreTimestamp            int64 // ms since 1970, the broker's clock
	StoreHost                 Host
	ReconsumeTimes            int32
	PreparedTransactionOffset int64
	Body                      []byte
	Topic                     []byte
	Properties                []byte // serialised; see Property and Pairs
}

// Decode reads the record at the start of b, behind which there may be more. It checks that the lengths add up, and no CRC.
// Errors wrap ErrDamaged, or ErrTruncated if b is shorter than the record says it is. r is complete or unchanged.
func Decode(b []byte, r *Record) error {
	l, err := measure(b)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	sysFlag := SysFlag(b)
	stored, rest := storeTimestampAt(sysFlag), l.body-16
	r.Size = int32(l.size)
	r.Magic = Magic(b)
	r.BodyCRC = BodyCRC(b)
	r.QueueID = QueueID(b)
	r.Flag = getInt32(b, atFlag)
	r.QueueOffset = QueueOffset(b)
	r.LogOffset = LogOffset(b)
	r.SysFlag = sysFlag
	r.BornTimestamp = BornTimestamp(b)
	r.BornHost = hostAt(b, atBornHost, sysFlag&SysBornHostV6 != 0)
	r.StoreTimestamp = getInt64(b, stored)
	r.StoreHost = hostAt(b, stored+8, sysFlag&SysStoreHostV6 != 0)
	r.ReconsumeTimes = getInt32(b, rest)
	r.PreparedTransactionOffset = getInt64(b, rest+4)
	r.Body = b[l.body:l.bodyEnd:l.bodyEnd]
	r.Topic = b[l.topic:l.topicEnd:l.topicEnd]
	r.Properties = b[l.props:l.size:l.size]
	return nil
}

// layout is where the parts of a record lie.
type layout struct {
	body, bodyEnd   int
	topic, topicEnd int
	props           int
	size            int // also the end of the properties
}

// measure finds the parts of the message at the start of b. It believes no length before it has compared it with what is there.
func measure(b []byte) (l layout, err error) {
	if len(b) < 8 {
		return l, truncated(len(b))
	}
	magic, size := Magic(b), Size(b)
	switch {
	case magic != MagicV1 && magic != MagicV2:
		return l, damaged("magic number %08x, neither %08x nor %08x", magic, MagicV1, MagicV2)
	case size < MinSize:
		return l, damaged("size %d<%d", size, MinSize)
	case int(size) > len(b):
		return l, truncated(len(b))
	}
	l.size = int(size)
	l.body = headerSize(SysFlag(b))
	topicLenSize := 1
	if magic == MagicV2 {
		topicLenSize = 2
	}
	// left is what the parts that aren't measured yet have together; the two lengths behind the body are already taken off.
	left := l.size - l.body - topicLenSize - 2
	if left < 0 {
		return l, damaged("size %d, too small for a header of %d bytes", size, l.body)
	}
	n := int(getInt32(b, l.body-4))
	if n < 0 || n > left {
		return l, damaged("body length %d with %d bytes left", n, left)
	}
	left -= n
	l.bodyEnd = l.body + n
	l.topic = l.bodyEnd + topicLenSize
	if magic == MagicV1 {
		n = int(int8(b[l.bodyEnd]))
	} else {
		n = int(int16(binary.BigEndian.Uint16(b[l.bodyEnd:])))
	}
	if n < 0 || n > left {
		return l, damaged("topic length %d with %d bytes left", n, left)
	}
	left -= n
	l.topicEnd = l.topic + n
	l.props = l.topicEnd + 2
	if n = int(int16(binary.BigEndian.Uint16(b[l.topicEnd:]))); n != left {
		return l, damaged("properties length %d with %d bytes left", n, left)
	}
	return l, nil
}

// damage is a reason why bytes aren't a record.
type damage struct {
	kind   error // ErrDamaged or ErrTruncated
	reason string
}

func (d *damage) Error() string { return d.reason }
func (d *damage) Unwrap() error { return d.kind }

func damaged(format string, args ...any) error {
	return &damage{ErrDamaged, fmt.Sprintf(format, args...)}
}

func truncated(have int) error {
	return &damage{ErrTruncated, fmt.Sprintf("only %d bytes of it are there", have)}
}
