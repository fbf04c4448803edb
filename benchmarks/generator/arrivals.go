package generator

import (
	"math"
	"sync"
	"sync/atomic"
)

// arrivals counts what all connections receive and tells when everything is there.
type arrivals struct {
	n, want atomic.Int64
	all     chan struct{} // closed when n reaches want, or by give
	once    sync.Once
}

func newArrivals() *arrivals {
	a := &arrivals{all: make(chan struct{})}
	a.want.Store(math.MaxInt64)
	return a
}

// add counts n more. Whichever of add and expect comes last sees both numbers.
func (a *arrivals) add(n int64) {
	if a.n.Add(n) >= a.want.Load() {
		a.give()
	}
}

// expect says how many there will be.
func (a *arrivals) expect(n int64) {
	if a.want.Store(n); a.n.Load() >= n {
		a.give()
	}
}

// give stops the waiting.
func (a *arrivals) give() { a.once.Do(func() { close(a.all) }) }
