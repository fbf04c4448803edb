package vfs

import (
	"iter"
	"math/bits"
	"slices"
)

// bitset is a set of small numbers (pages of a file), iterated in ascending order.
type bitset []uint64

func (s bitset) has(i int64) bool {
	w := int(i / 64)
	return w < len(s) && s[w]&(1<<(i%64)) != 0
}

func (s *bitset) add(i int64) {
	if w := int(i / 64); w >= len(*s) {
		*s = append(*s, make([]uint64, w+1-len(*s))...)
	}
	(*s)[i/64] |= 1 << (i % 64)
}

func (s bitset) remove(i int64) {
	if s.has(i) {
		s[i/64] &^= 1 << (i % 64)
	}
}

func (s bitset) count() (n int64) {
	for _, w := range s {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// from yields the members that are at least first. The one that was yielded last may be removed meanwhile.
func (s bitset) from(first int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for w := int(first / 64); w < len(s); w++ {
			word := s[w]
			if w == int(first/64) {
				word &= ^uint64(0) << (first % 64)
			}
			for ; word != 0; word &= word - 1 {
				if !yield(int64(w)*64 + int64(bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

func (s bitset) clone() bitset { return slices.Clone(s) }
