package mapped

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6d6170)) }

// run is a set of n segments from base 2·segmentSize on.
func run(t *testing.T, n int) (*Set, []*Segment) {
	mem := vfs.NewMem()
	mem.MkdirAll("d")
	var set Set
	var all []*Segment
	for i := range n {
		s, err := Create(mem, "d", int64(2+i)*segmentSize, segmentSize)
		if err != nil {
			t.Fatal(err)
		}
		set.Push(s)
		all = append(all, s)
	}
	return &set, all
}

func TestASetFindsTheSegmentOfAnOffset(t *testing.T) {
	set, all := run(t, 4)
	for off := int64(-1); off < 8*segmentSize; off += 1000 {
		var want *Segment
		for _, s := range all {
			if off >= s.Base() && off < s.End() {
				want = s
			}
		}
		if got := set.Acquire(off); got != want {
			t.Errorf("offset %d: %v, want %v", off, got, want)
		} else if got != nil {
			got.Release()
		}
	}
	if set.First() != all[0] || set.Last() != all[3] || !slices.Equal(set.All(), all) {
		t.Error("first, last or all")
	}
}

func TestAnEmptySetHasNothing(t *testing.T) {
	var set Set
	if set.First() != nil || set.Last() != nil || len(set.All()) != 0 || set.Acquire(0) != nil {
		t.Error("something is there")
	}
	if len(set.DropFront(5)) != 0 || len(set.DropBack(5)) != 0 {
		t.Error("something was dropped")
	}
}

func TestDropFrontTakesWhatEndsBefore(t *testing.T) {
	for off, want := range map[int64]int{0: 0, 3*segmentSize - 1: 0, 3 * segmentSize: 1, 4*segmentSize + 1: 2, 99 * segmentSize: 4} {
		set, all := run(t, 4)
		if gone := set.DropFront(off); !slices.Equal(gone, all[:want]) || !slices.Equal(set.All(), all[want:]) {
			t.Errorf("up to %d: %d gone, %d left", off, len(gone), len(set.All()))
		}
	}
}

func TestDropBackTakesWhatStartsBehind(t *testing.T) {
	for off, left := range map[int64]int{0: 0, 2 * segmentSize: 0, 2*segmentSize + 1: 1, 4 * segmentSize: 2, 99 * segmentSize: 4} {
		set, all := run(t, 4)
		if gone := set.DropBack(off); !slices.Equal(gone, all[left:]) || !slices.Equal(set.All(), all[:left]) {
			t.Errorf("from %d on: %d gone, %d left", off, len(gone), len(set.All()))
		}
	}
}

// TestLookupsRunBesideChanges: a reader gets a segment that it can read, or none.
func TestLookupsRunBesideChanges(t *testing.T) {
	mem := vfs.NewMem()
	mem.MkdirAll("d")
	var set Set
	done := make(chan struct{})
	var readers sync.WaitGroup
	for seed := range uint64(4) {
		readers.Go(func() {
			rng := newRand(seed)
			for {
				select {
				case <-done:
					return
				default:
				}
				off := rng.Int64N(60 * 4096)
				if s := set.Acquire(off); s != nil {
					if off < s.Base() || off >= s.End() || s.Bytes(off-s.Base(), 1)[0] != byte(s.Base()/4096) {
						t.Errorf("offset %d is not in [%d,%d)", off, s.Base(), s.End())
					}
					s.Release()
				}
			}
		})
	}
	for i := range int64(60) {
		s, err := Create(mem, "d", i*4096, 4096)
		if err != nil {
			t.Fatal(err)
		}
		page := make([]byte, 4096)
		for k := range page {
			page[k] = byte(i)
		}
		if err := s.WriteAt(page, 0); err != nil {
			t.Fatal(err)
		}
		set.Push(s)
		for _, old := range set.DropFront((i - 3) * 4096) {
			if err := old.Retire(true); err != nil {
				t.Error(err)
			}
		}
	}
	close(done)
	readers.Wait()
}
