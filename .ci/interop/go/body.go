package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"time"
)

// minBody is the size of a body without filling: number, time, checksum.
const minBody = 8 + 8 + 4

// newBody makes the body of message number n: n, the time in ns, filling that depends on n, and the CRC-32 of all that. Numbers are big-endian.
func newBody(n int64, size int) []byte {
	b := make([]byte, 16, max(size, minBody))
	binary.BigEndian.PutUint64(b, uint64(n))
	binary.BigEndian.PutUint64(b[8:], uint64(time.Now().UnixNano()))
	for r := rand.New(rand.NewPCG(uint64(n), 0)); cap(b)-len(b) > 4; {
		b = binary.BigEndian.AppendUint64(b, r.Uint64())
		b = b[:min(len(b), cap(b)-4)]
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// readBody is the number of a body and when it was made. An error says how it is damaged.
func readBody(b []byte) (n int64, made time.Time, err error) {
	if len(b) < minBody {
		return 0, time.Time{}, fmt.Errorf("body of %d bytes, expected %d at least", len(b), minBody)
	}
	end := len(b) - 4
	if want, got := binary.BigEndian.Uint32(b[end:]), crc32.ChecksumIEEE(b[:end]); want != got {
		return 0, time.Time{}, fmt.Errorf("body of %d bytes: CRC %08x, expected %08x", len(b), got, want)
	}
	return int64(binary.BigEndian.Uint64(b)), time.Unix(0, int64(binary.BigEndian.Uint64(b[8:]))), nil
}
