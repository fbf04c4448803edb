package consume

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-mq/gantry/broker/store"
)

func TestRousingEndsTheWaitsForOneQueueOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, h *Holder) {
		q, other := s.Queue("orders", 0), s.Queue("orders", 1)
		first, second, third := newWaiter(q, 0, time.Hour), newWaiter(other, 0, time.Hour), newWaiter(q, 5, time.Minute)
		for _, w := range []*waiter{first, second, third} {
			h.Hold(&w.Held)
		}
		began := time.Now()
		h.Rouse(q)
		if !<-first.ended || !<-third.ended || time.Since(began) > 0 {
			t.Errorf("roused after %v", time.Since(began))
		}
		synctest.Wait()
		if n := h.Len(); n != 1 || second.calls.Load() != 0 {
			t.Errorf("%d wait for the other queue, called %d times", n, second.calls.Load())
		}
		put(t, s, q, "", "a") // must not reach those who wait no more
		put(t, s, other, "", "b")
		if <-second.ended {
			t.Error("the message came, and the wait timed out")
		}
		synctest.Wait()
		if first.calls.Load() != 1 || third.calls.Load() != 1 {
			t.Errorf("called %d and %d times", first.calls.Load(), third.calls.Load())
		}
	})
}
