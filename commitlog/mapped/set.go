package mapped

import (
	"sort"
	"sync/atomic"
)

// Set is the ordered, gapless run of a log's segments, all of one size. Lookups take no lock and may run beside one
// goroutine that changes the set (the owner serialises changes).
type Set struct {
	segs atomic.Pointer[[]*Segment]
}

// All is the present run, lowest base first. The slice is not to be changed.
func (s *Set) All() []*Segment {
	if p := s.segs.Load(); p != nil {
		return *p
	}
	return nil
}

// First is the oldest segment, nil if there is none.
func (s *Set) First() *Segment {
	if all := s.All(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Last is the newest segment, nil if there is none.
func (s *Set) Last() *Segment {
	if all := s.All(); len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// Acquire finds the segment that holds log offset off and takes a reference; nil if there is none.
func (s *Set) Acquire(off int64) *Segment {
	all := s.All()
	if len(all) == 0 || off < all[0].base {
		return nil
	}
	i := (off - all[0].base) / all[0].size
	if i >= int64(len(all)) || !all[i].Acquire() {
		return nil
	}
	return all[i]
}

// Push appends a segment.
func (s *Set) Push(seg *Segment) {
	all := s.All()
	next := append(make([]*Segment, 0, len(all)+1), all...)
	next = append(next, seg)
	s.segs.Store(&next)
}

// DropFront removes the segments that end at or before off and returns them; they still have their owner's reference.
func (s *Set) DropFront(off int64) []*Segment {
	all := s.All()
	n := sort.Search(len(all), func(i int) bool { return all[i].End() > off })
	rest := append([]*Segment(nil), all[n:]...)
	s.segs.Store(&rest)
	return all[:n]
}

// DropBack removes the segments that start at or after off and returns them; they still have their owner's reference.
func (s *Set) DropBack(off int64) []*Segment {
	all := s.All()
	n := sort.Search(len(all), func(i int) bool { return all[i].base >= off })
	rest := append([]*Segment(nil), all[:n]...)
	s.segs.Store(&rest)
	return all[n:]
}
