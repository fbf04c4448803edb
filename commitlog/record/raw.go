package record

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The functions below read single fields of a record without decoding it. Size and Magic need its first eight bytes, the others
// HeaderSize bytes of a message, and panic on less, as encoding/binary does: they are for bytes that Verify or Decode let pass.

// Size returns the size that a record states, unchecked.
func Size(b []byte) int32 { return getInt32(b, atSize) }

// Magic returns the magic number.
func Magic(b []byte) uint32 { return binary.BigEndian.Uint32(b[atMagic:]) }

// BodyCRC returns the body CRC that a record states.
func BodyCRC(b []byte) uint32 { return binary.BigEndian.Uint32(b[atBodyCRC:]) }

// QueueID returns the queue id.
func QueueID(b []byte) int32 { return getInt32(b, atQueueID) }

// QueueOffset returns the message's position in its queue.
func QueueOffset(b []byte) int64 { return getInt64(b, atQueueOffset) }

// LogOffset returns the log offset that a record states.
func LogOffset(b []byte) int64 { return getInt64(b, atLogOffset) }

// SysFlag returns the Sys… bits.
func SysFlag(b []byte) int32 { return getInt32(b, atSysFlag) }

// BornTimestamp returns the client's time, ms since 1970.
func BornTimestamp(b []byte) int64 { return getInt64(b, atBornTimestamp) }

// StoreTimestamp returns the broker's time at the append, ms since 1970.
func StoreTimestamp(b []byte) int64 { return getInt64(b, storeTimestampAt(SysFlag(b))) }

// SetLogOffset changes the log offset of rec, one whole record, and computes its CRC property anew if it has one.
// Errors are Decode's; rec is then unchanged.
func SetLogOffset(rec []byte, off int64) error {
	l, err := measure(rec)
	if err == nil && l.size != len(rec) {
		err = damaged("size %d in %d bytes", l.size, len(rec))
	}
	if err != nil {
		return fmt.Errorf("record: set log offset: %w", err)
	}
	putInt64(rec, atLogOffset, off)
	if hasCRCProperty(rec[l.props:]) {
		setCRCDigits(rec, crc32.ChecksumIEEE(rec[:l.size-CRCPropertySize])&crcMask)
	}
	return nil
}

func getInt32(b []byte, at int) int32    { return int32(binary.BigEndian.Uint32(b[at:])) }
func getInt64(b []byte, at int) int64    { return int64(binary.BigEndian.Uint64(b[at:])) }
func putInt32(b []byte, at int, v int32) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
func putInt64(b []byte, at int, v int64) { binary.BigEndian.PutUint64(b[at:], uint64(v)) }
