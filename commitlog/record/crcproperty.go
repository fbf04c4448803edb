package record

import (
	"bytes"
	"encoding/binary"
)

const (
	crcDigits = 10
	crcPrefix = PropCRC32 + string(rune(nameEnd))
)

// appendCRCProperty appends the CRC property with digits that are still to be set.
func appendCRCProperty(dst []byte) []byte {
	return append(dst, crcPrefix+"0000000000"+string(rune(pairEnd))...)
}

// hasCRCProperty reports whether the serialised properties end with a CRC property. What is in front of it doesn't matter, nor whether
// its digits are digits: the peer leaves out the separator there in a batch, and damage must not hide itself.
func hasCRCProperty(props []byte) bool {
	i := len(props) - CRCPropertySize
	return i >= 0 && string(props[i:i+len(crcPrefix)]) == crcPrefix && bytes.IndexByte(props[i+len(crcPrefix):], pairEnd) == crcDigits
}

// setCRCDigits writes crc into the CRC property that ends rec.
func setCRCDigits(rec []byte, crc uint32) {
	first, last := digitsOf(crc)
	at := len(rec) - 1 - crcDigits
	binary.LittleEndian.PutUint64(rec[at:], first)
	binary.LittleEndian.PutUint16(rec[at+8:], last)
}

// crcDigitsOf returns what setCRCDigits writes.
func crcDigitsOf(crc uint32) (d [crcDigits]byte) {
	first, last := digitsOf(crc)
	binary.LittleEndian.PutUint64(d[:], first)
	binary.LittleEndian.PutUint16(d[8:], last)
	return d
}

// digitsOf returns crc in decimal, the least significant digit in the lowest byte: the lower eight digits and the two above.
// The eight are divided in halves three times, both halves of everything in one go.
func digitsOf(crc uint32) (first uint64, last uint16) {
	top, v := uint64(crc/1e8), uint64(crc%1e8)
	v = v%1e4 | v/1e4<<32
	q := v * 5243 >> 19 & 0x7F_0000007F // v/100, exact up to 10,000
	v = v - 100*q | q<<16
	q = v * 103 >> 10 & 0xF_000F_000F_000F // v/10, exact up to 100
	v = v - 10*q | q<<8
	return v | 0x3030303030303030, uint16(top%10 | top/10<<8 | 0x3030)
}
