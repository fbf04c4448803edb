package measure

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Arrivals counts what all connections receive and tells when everything is there.
type Arrivals struct {
	n, want atomic.Int64
	all     chan struct{} // closed when n reaches want, or by Give
	once    sync.Once
}

// NewArrivals returns a count that expects nothing yet.
func NewArrivals() *Arrivals {
	a := &Arrivals{all: make(chan struct{})}
	a.want.Store(math.MaxInt64)
	return a
}

// Add counts n more. Whichever of Add and Expect comes last sees both numbers.
func (a *Arrivals) Add(n int64) {
	if a.n.Add(n) >= a.want.Load() {
		a.Give()
	}
}

// Expect says how many there will be.
func (a *Arrivals) Expect(n int64) {
	if a.want.Store(n); a.n.Load() >= n {
		a.Give()
	}
}

// Wait expects n and returns when they are there, the waiting was stopped, or patience is over.
func (a *Arrivals) Wait(n int64, patience time.Duration) {
	a.Expect(n)
	over := time.NewTimer(patience)
	defer over.Stop()
	select {
	case <-a.all:
	case <-over.C:
	}
}

// Give stops the waiting.
func (a *Arrivals) Give() { a.once.Do(func() { close(a.all) }) }

// N is how many there are so far.
func (a *Arrivals) N() int64 { return a.n.Load() }

// All is closed when everything is there, or the waiting was stopped.
func (a *Arrivals) All() <-chan struct{} { return a.all }
