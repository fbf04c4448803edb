package record

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// multiplySlowly walks the bits of b: the definition.
func multiplySlowly(a, b uint32) uint32 {
	var p uint32
	for i := range 32 {
		if b>>(31-i)&1 != 0 {
			p ^= a
		}
		a = a>>1 ^ crc32.IEEE*(a&1)
	}
	return p
}

func TestMultiplyIsThePolynomialProduct(t *testing.T) {
	for _, v := range []uint32{0, 1, 1 << 31, 0x11111111, 0xEEEEEEEE, 0xFFFFFFFF} {
		if got, want := multiply(v, v), multiplySlowly(v, v); got != want {
			t.Errorf("multiply(%08x, itself) = %08x, want %08x", v, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b")
		if got, want := multiply(a, b), multiplySlowly(a, b); got != want {
			t.Fatalf("multiply(%08x, %08x) = %08x, want %08x", a, b, got, want)
		}
	})
}

func TestSumsOfPartsCombineToTheSumOfTheWhole(t *testing.T) {
	data := make([]byte, 70000)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	whole := func(span []byte) uint32 { return crc32.ChecksumIEEE(span) }
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.IntRange(0, 200).Draw(t, "body")
		n := rapid.SampledFrom([]int{0, 1, 255, spliceMin - 1, spliceMin, 4096, 65535, 65536, 66000}).Draw(t, "n")
		span := data[:body+n+rapid.IntRange(0, 200).Draw(t, "rest")]
		if got, want := spanCRC(span, body, n, whole(span[body:body+n])), whole(span); got != want {
			t.Fatalf("%08x, want %08x", got, want)
		}
	})
}

// The largest records need all four tables; summing two gigabytes to see that would take too long, so powers are compared.
func TestShiftsOfLongPartsAreProductsOfShortOnes(t *testing.T) {
	for _, n := range []int{1, 1 << 8, 1<<16 + 3, 1 << 24, 1<<30 + 12345} {
		if got, want := multiply(shiftBy(n), shiftBy(n+77)), shiftBy(2*n+77); got != want {
			t.Errorf("x^8(%d+%d) = %08x, want %08x", n, n+77, want, got)
		}
	}
}

func TestDigitsAreDecimalFromTheLeastSignificantOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		crc := rapid.Uint32Range(0, crcMask).Draw(t, "crc")
		want := []byte(fmt.Sprintf("%010d", crc))
		slices.Reverse(want)
		if got := crcDigitsOf(crc); !bytes.Equal(got[:], want) {
			t.Fatalf("%d: %s, want %s", crc, got, want)
		}
	})
	for crc, want := range map[uint32]string{0: "0000000000", 1234567: "7654321000", 100000: "0000010000", crcMask: "7463847412"} {
		if got := crcDigitsOf(crc); string(got[:]) != want {
			t.Errorf("%d: %s, want %s", crc, got, want)
		}
	}
}
