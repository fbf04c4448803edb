package measure

import "fmt"

// Offsets is the set of the numbers that a server gave to messages one after the other, such as a queue's offsets, in constant memory:
// enough to tell whether it is a range in which each occurs once, in whatever order they came. The zero value is empty.
type Offsets struct {
	Count    int64
	Min, Max int64  // of the set, where Count isn't 0
	sum      uint64 // of the hashes of all
}

// Add adds one.
func (o *Offsets) Add(offset int64) {
	o.Merge(Offsets{Count: 1, Min: offset, Max: offset, sum: hash(offset)})
}

// Merge adds all of p.
func (o *Offsets) Merge(p Offsets) {
	switch {
	case p.Count == 0:
	case o.Count == 0:
		*o = p
	default:
		o.Count += p.Count
		o.Min, o.Max = min(o.Min, p.Min), max(o.Max, p.Max)
		o.sum += p.sum
	}
}

// Problem returns "" when the numbers are what a server must hand out, and says what is wrong otherwise.
func (o *Offsets) Problem() string {
	if o.Count == 0 {
		return ""
	}
	if o.Min < 0 {
		return fmt.Sprintf("offset %d, expected 0 or more", o.Min)
	}
	if span := o.Max - o.Min + 1; span != o.Count {
		return fmt.Sprintf("%d messages have the offsets %d … %d, expected %d of them", o.Count, o.Min, o.Max, span)
	}
	var sum uint64
	for offset := o.Min; offset <= o.Max; offset++ {
		sum += hash(offset)
	}
	if sum != o.sum {
		return fmt.Sprintf("the offsets %d … %d of %d messages are not all different", o.Min, o.Max, o.Count)
	}
	return ""
}

// hash is the finishing step of splitmix64: a bijection whose sums over different sets differ.
func hash(v int64) uint64 {
	x := uint64(v) + 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
