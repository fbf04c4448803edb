package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"net/netip"
	"slices"
)

// AppendTo encodes the draft behind buf: everything but QueueOffset, LogOffset, StoreTimestamp and the digits of the CRC property,
// which Finish writes once they are known. It sets Size and the two IPv6 bits of SysFlag. The record is of version 2 if the topic needs it.
// Whatever properties say about a CRC is left out, and with crcProperty the record gets one of its own.
//
// Calling it again after a change of the draft is allowed and replaces what was remembered for Finish. Without room in buf it allocates.
// On an error (ErrTopicTooLong, ErrPropertiesTooLong, ErrBodyTooLong) buf comes back as it was and the draft is unchanged.
func (d *Draft) AppendTo(buf []byte, crcProperty bool) ([]byte, error) {
	sysFlag := withHostBits(d.SysFlag, d.BornHost, d.StoreHost)
	header := headerSize(sysFlag)
	bound := int64(header) + int64(len(d.Body)) + 2 + int64(len(d.Topic)) + 2 +
		int64(len(d.Properties)) + 1 + int64(len(d.MoreProperties)) + 1 + CRCPropertySize
	switch {
	case len(d.Topic) > MaxTopicLen:
		return buf, fmt.Errorf("record: topic of %d bytes, at most %d: %w", len(d.Topic), MaxTopicLen, ErrTopicTooLong)
	case bound > math.MaxInt32:
		return buf, fmt.Errorf("record: body of %d bytes: %w", len(d.Body), ErrBodyTooLong)
	}

	start := len(buf)
	rec := slices.Grow(buf, int(bound))[:start+header]
	h := rec[start:]
	magic := MagicV1
	if len(d.Topic) > MaxTopicLenV1 {
		magic = MagicV2
	}
	bodyCRC := crc32.ChecksumIEEE(d.Body)
	binary.BigEndian.PutUint32(h[atMagic:], magic)
	binary.BigEndian.PutUint32(h[atBodyCRC:], bodyCRC&crcMask)
	putInt32(h, atQueueID, d.QueueID)
	putInt32(h, atFlag, d.Flag)
	putInt64(h, atQueueOffset, 0)
	putInt64(h, atLogOffset, 0)
	putInt32(h, atSysFlag, sysFlag)
	putInt64(h, atBornTimestamp, d.BornTimestamp)
	at := putHost(h, atBornHost, d.BornHost)
	putInt64(h, at, 0) // storeTimestamp
	at = putHost(h, at+8, d.StoreHost)
	putInt32(h, at, d.ReconsumeTimes)
	putInt64(h, at+4, d.PreparedTransactionOffset)
	putInt32(h, at+12, int32(len(d.Body)))

	rec = append(rec, d.Body...)
	if magic == MagicV2 {
		rec = append(rec, byte(len(d.Topic)>>8))
	}
	rec = append(rec, byte(len(d.Topic)))
	rec = append(rec, d.Topic...)

	rec = append(rec, 0, 0)
	props := len(rec)
	rec = append(rec, d.Properties...)
	if len(d.MoreProperties) > 0 {
		rec = appendPairEnd(rec, props)
		rec = append(rec, d.MoreProperties...)
	}
	if bytes.IndexByte(rec[props:], PropCRC32[len(PropCRC32)-1]) >= 0 { // its rarest byte, for speed
		rec = appendWithout(rec[:props], rec[props:], PropCRC32)
	}
	if crcProperty {
		rec = appendPairEnd(rec, props)
		rec = appendCRCProperty(rec)
	}
	if n := len(rec) - props; n > MaxPropertiesLen {
		return buf, fmt.Errorf("record: properties of %d bytes, at most %d: %w", n, MaxPropertiesLen, ErrPropertiesTooLong)
	}
	binary.BigEndian.PutUint16(rec[props-2:], uint16(len(rec)-props))

	size := len(rec) - start
	putInt32(rec, start, int32(size))
	d.Size, d.SysFlag = int32(size), sysFlag
	d.late = lateCRC{}
	if crcProperty {
		covered := rec[start : len(rec)-CRCPropertySize]
		d.late = lateCRC{
			on:        true,
			zeros:     spanCRC(covered, header, len(d.Body), bodyCRC),
			afterTime: shiftBy(len(covered) - storeTimestampAt(sysFlag) - 8),
		}
	}
	return rec, nil
}

// Finish writes QueueOffset, LogOffset and StoreTimestamp, and the CRC property where there is one, into rec: exactly the bytes that
// the last AppendTo of this draft made. It is made for the append lock: its cost doesn't depend on the size of the record.
func (d *Draft) Finish(rec []byte) {
	putInt64(rec, atQueueOffset, d.QueueOffset)
	putInt64(rec, atLogOffset, d.LogOffset)
	putInt64(rec, storeTimestampAt(d.SysFlag), d.StoreTimestamp)
	if d.late.on {
		crc := reduce64(reduce64(0, uint64(d.QueueOffset)), uint64(d.LogOffset))
		crc = skipToTime[d.SysFlag&SysBornHostV6/SysBornHostV6].multiply(crc) ^ reduce64(0, uint64(d.StoreTimestamp))
		crc = d.late.zeros ^ multiply(crc, d.late.afterTime)
		setCRCDigits(rec, crc&crcMask)
	}
}

// AppendBlank appends the record that says that the remaining bytes of a segment, these included, hold nothing.
func AppendBlank(dst []byte, remaining int32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(remaining))
	return binary.BigEndian.AppendUint32(dst, MagicBlank)
}

func withHostBits(sysFlag int32, born, store Host) int32 {
	sysFlag &^= SysBornHostV6 | SysStoreHostV6
	if isV6(born.IP) {
		sysFlag |= SysBornHostV6
	}
	if isV6(store.IP) {
		sysFlag |= SysStoreHostV6
	}
	return sysFlag
}

// isV6 reports whether an address takes 16 bytes. An IPv4 address that is written as an IPv6 one takes four, as with the peer.
func isV6(ip netip.Addr) bool {
	return ip.Is6() && !ip.Is4In6()
}

// putHost writes a host at position at and returns the position behind it. The zero Addr is written as 0.0.0.0.
func putHost(b []byte, at int, host Host) int {
	switch {
	case isV6(host.IP):
		ip := host.IP.As16()
		at += copy(b[at:], ip[:])
	case host.IP.IsValid():
		ip := host.IP.As4()
		at += copy(b[at:], ip[:])
	default:
		putInt32(b, at, 0)
		at += 4
	}
	putInt32(b, at, host.Port)
	return at + 4
}

// hostAt reads what putHost wrote.
func hostAt(b []byte, at int, v6 bool) Host {
	if v6 {
		return Host{IP: netip.AddrFrom16([16]byte(b[at:])), Port: getInt32(b, at+16)}
	}
	return Host{IP: netip.AddrFrom4([4]byte(b[at:])), Port: getInt32(b, at+4)}
}
