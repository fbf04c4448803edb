package generator

import (
	"sync"
	"testing"
)

func TestTheLastArrivalIsNoticedWhoeverComesLast(t *testing.T) {
	for range 200 {
		a := newArrivals()
		var adding sync.WaitGroup
		for range 3 {
			adding.Go(func() {
				for range 10 {
					a.add(1)
				}
			})
		}
		adding.Go(func() { a.expect(30) })
		<-a.all
		if n := a.n.Load(); n != 30 {
			t.Fatalf("%d arrived, expected 30", n)
		}
		adding.Wait()
	}
}

func TestNothingToExpectHasArrived(t *testing.T) {
	a := newArrivals()
	a.expect(0)
	<-a.all
}
