package record

import "errors"

// Magic numbers, the second word of whatever stands in the log.
const (
	MagicV1    uint32 = 0xDAA320A7 // a message whose topic length is one byte
	MagicV2    uint32 = 0xDAA320AB // a message whose topic length is two bytes
	MagicBlank uint32 = 0xCBD43194 // nothing more in this segment
)

// Sizes and limits, in bytes.
const (
	// BlankSize is what a blank record writes, and so the least that may be left behind the last message of a segment.
	BlankSize = 8
	// HeaderSize is everything in front of the body when both hosts are IPv4. It is the least that a header can be.
	HeaderSize = 88
	// MinSize is the smallest record: no body, no topic, no properties.
	MinSize = HeaderSize + 1 + 2
	// MaxTopicLenV1 is the longest topic that the one-byte length holds, which readers take as signed.
	MaxTopicLenV1 = 127
	// MaxTopicLen is the longest topic that the format holds. What a topic may be called is stricter, and the broker's concern.
	MaxTopicLen = 32767
	// MaxPropertiesLen is the longest property section, the CRC property included: its length is a signed 16-bit number.
	MaxPropertiesLen = 32767
	// CRCPropertySize is the CRC property with its separators: name, 0x01, ten digits, 0x02.
	CRCPropertySize = 8 + 1 + crcDigits + 1
)

// Bits of SysFlag.
const (
	SysCompressed = 0x001 // the body is compressed by the codec in SysCompressionMask
	SysMultiTags  = 0x002 // not set by current clients

	SysTransactionMask     = 0x00C
	SysTransactionPrepared = 0x004
	SysTransactionCommit   = 0x008
	SysTransactionRollback = 0x00C

	SysBornHostV6  = 0x010
	SysStoreHostV6 = 0x020
	SysNeedUnwrap  = 0x040 // the body is a batch that is to be split for the client
	SysInnerBatch  = 0x080 // the body is a batch that is stored as one record

	SysCompressionMask = 0x700
	SysCompressionLZ4  = 0x100 // LZ4 frames
	SysCompressionZstd = 0x200 // zstd frames
	SysCompressionZlib = 0x300 // zlib streams; so is 0 in a compressed body, from clients that know no other
)

// Positions in the header that no host moves.
const (
	atSize          = 0
	atMagic         = 4
	atBodyCRC       = 8
	atQueueID       = 12
	atFlag          = 16
	atQueueOffset   = 20
	atLogOffset     = 28
	atSysFlag       = 36
	atBornTimestamp = 40
	atBornHost      = 48
)

// crcMask keeps a CRC a non-negative Java int.
const crcMask = 0x7FFFFFFF

var (
	// ErrBodyTooLong: the record would not fit the 32 bits of its size.
	ErrBodyTooLong = errors.New("body too long")
	// ErrTopicTooLong: the topic is longer than MaxTopicLen.
	ErrTopicTooLong = errors.New("topic too long")
	// ErrPropertiesTooLong: the properties with what is added to them are longer than MaxPropertiesLen.
	ErrPropertiesTooLong = errors.New("properties too long")
	// ErrDamaged: the bytes aren't a whole record.
	ErrDamaged = errors.New("damaged record")
	// ErrTruncated: the bytes end before the record does that they begin.
	ErrTruncated = errors.New("truncated record")
	// ErrBatch: the body isn't a sequence of batch items.
	ErrBatch = errors.New("malformed batch")
	// ErrMessageID: the text isn't an offset message id.
	ErrMessageID = errors.New("malformed message id")
)

// headerSize is the length of everything in front of the body.
func headerSize(sysFlag int32) int {
	return storeHostAt(sysFlag) + ipSize(sysFlag, SysStoreHostV6) + 4 + 4 + 8 + 4
}

func storeTimestampAt(sysFlag int32) int {
	return atBornHost + ipSize(sysFlag, SysBornHostV6) + 4
}

func storeHostAt(sysFlag int32) int {
	return storeTimestampAt(sysFlag) + 8
}

func ipSize(sysFlag int32, v6 int32) int {
	if sysFlag&v6 != 0 {
		return 16
	}
	return 4
}
