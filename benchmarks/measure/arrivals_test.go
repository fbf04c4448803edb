package measure

import (
	"sync"
	"testing"
)

func TestTheLastArrivalIsNoticedWhoeverComesLast(t *testing.T) {
	for range 200 {
		a := NewArrivals()
		var adding sync.WaitGroup
		for range 3 {
			adding.Go(func() {
				for range 10 {
					a.Add(1)
				}
			})
		}
		adding.Go(func() { a.Expect(30) })
		<-a.All()
		if n := a.N(); n != 30 {
			t.Fatalf("%d arrived, expected 30", n)
		}
		adding.Wait()
	}
}

func TestNothingToExpectHasArrived(t *testing.T) {
	a := NewArrivals()
	a.Expect(0)
	<-a.All()
}
