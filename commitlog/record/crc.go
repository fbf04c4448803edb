package record

import (
	"hash/crc32"
	"math/bits"
)

// A CRC is a polynomial over GF(2) modulo the CRC-32 polynomial P. Two facts let the sum of a record be put together from parts
// that become known at different times:
//
//	crc(A‖B) = crc(A)·x^(8|B|) ⊕ crc(B)
//
// so the body's sum, which the header carries anyway, is a part of the record's; and the sum is linear, so a field that was zero when
// the sum was taken adds value·x^(8n) to it later, n being the bytes behind the field. Polynomials are stored as CRCs are, bit 31−i for x^i.

// spliceMin is the body length from which multiplying beats summing the body a second time.
const spliceMin = 1024

// reduce[k][b] is b·x^(8k+8) mod P: what byte b becomes with k zero bytes behind it.
var reduce = makeReduce()

// powers[k][d] is x^(8·d·256^k) mod P.
var powers = makePowers()

func makeReduce() *[8][256]uint32 {
	var t [8][256]uint32
	t[0] = *crc32.IEEETable
	for k := 1; k < len(t); k++ {
		for b, v := range t[k-1] {
			t[k][b] = v>>8 ^ t[0][byte(v)]
		}
	}
	return &t
}

func makePowers() *[4][256]uint32 {
	const one, x8 = 1 << 31, 1 << 23
	var t [4][256]uint32
	base := uint32(x8)
	for k := range t {
		t[k][0] = one
		for d := 1; d < 256; d++ {
			t[k][d] = multiply(t[k][d-1], base)
		}
		base = multiply(t[k][255], base)
	}
	return &t
}

// skipToTime multiplies by x^(8n) for the n bytes between logOffset and the end of storeTimestamp, behind an IPv4 and an IPv6 bornHost.
var skipToTime = [2]*factor{
	makeFactor(shiftBy(storeTimestampAt(0) - atLogOffset)),
	makeFactor(shiftBy(storeTimestampAt(SysBornHostV6) - atLogOffset)),
}

// factor is the products of one polynomial with all bytes at each place: four lookups instead of a multiplication.
type factor [4][256]uint32

func makeFactor(p uint32) *factor {
	var f factor
	for k := range f {
		for b := range f[k] {
			f[k][b] = multiply(uint32(b)<<(8*k), p)
		}
	}
	return &f
}

func (f *factor) multiply(a uint32) uint32 {
	return f[0][byte(a)] ^ f[1][byte(a>>8)] ^ f[2][byte(a>>16)] ^ f[3][a>>24]
}

// shiftBy returns x^(8n) mod P, the factor that makes room for n bytes.
func shiftBy(n int) uint32 {
	s := powers[0][n&0xFF]
	for k := 1; k < len(powers); k++ {
		n >>= 8
		if n == 0 {
			break
		}
		if d := n & 0xFF; d != 0 {
			s = multiply(s, powers[k][d])
		}
	}
	return s
}

// multiply returns a·b mod P.
//
// The product without carries comes from integer multiplications of numbers that use each fourth bit only: at most eight ones meet
// in one place, and their sum stays below the next place in use; its lowest bit is the sum without carries.
func multiply(a, b uint32) uint32 {
	const m = 0x1111111111111111
	x, y := uint64(a), uint64(b)
	x0, x1, x2, x3 := x&m, x&(m<<1), x&(m<<2), x&(m<<3)
	y0, y1, y2, y3 := y&m, y&(m<<1), y&(m<<2), y&(m<<3)
	p := (x0*y0^x1*y3^x2*y2^x3*y1)&m |
		(x0*y1^x1*y0^x2*y3^x3*y2)&(m<<1) |
		(x0*y2^x1*y1^x2*y0^x3*y3)&(m<<2) |
		(x0*y3^x1*y2^x2*y1^x3*y0)&(m<<3)
	p <<= 1 // 63 bits of product; now bit 63−i is x^i, and the low half stands for multiples of x^32
	lo := uint32(p)
	return uint32(p>>32) ^ reduce[3][byte(lo)] ^ reduce[2][byte(lo>>8)] ^ reduce[1][byte(lo>>16)] ^ reduce[0][lo>>24]
}

// reduce64 continues the sum crc with the eight bytes of v, without the inversions at both ends that a CRC has.
func reduce64(crc uint32, v uint64) uint32 {
	a, b := bits.ReverseBytes32(uint32(v>>32))^crc, bits.ReverseBytes32(uint32(v))
	return reduce[7][byte(a)] ^ reduce[6][byte(a>>8)] ^ reduce[5][byte(a>>16)] ^ reduce[4][a>>24] ^
		reduce[3][byte(b)] ^ reduce[2][byte(b>>8)] ^ reduce[1][byte(b>>16)] ^ reduce[0][b>>24]
}

// spanCRC returns the CRC of span, in which the body that begins at position body has the length bodyLen and the CRC bodyCRC.
func spanCRC(span []byte, body, bodyLen int, bodyCRC uint32) uint32 {
	if bodyLen < spliceMin {
		return crc32.ChecksumIEEE(span)
	}
	crc := crc32.ChecksumIEEE(span[:body])
	crc = multiply(crc, shiftBy(bodyLen)) ^ bodyCRC
	return crc32.Update(crc, crc32.IEEETable, span[body+bodyLen:])
}
