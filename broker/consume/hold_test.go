package consume

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-mq/gantry/broker/store"
)

// waiter is a request that notes how its wait ended.
type waiter struct {
	Held
	ended chan bool // timedOut
	calls atomic.Int32
}

func newWaiter(q *store.Queue, from int64, wait time.Duration) *waiter {
	w := &waiter{ended: make(chan bool, 1)}
	w.Held = Held{Queue: q, From: from, Deadline: time.Now().Add(wait), Ready: func(_ *Held, timedOut bool) {
		if w.calls.Add(1) == 1 {
			w.ended <- timedOut
		}
	}}
	return w
}

// inBubble runs a test with a clock of its own, which moves only when everybody waits.
func inBubble(t *testing.T, f func(t *testing.T, s *store.Store, h *Holder)) {
	synctest.Test(t, func(t *testing.T) {
		s, h := openStore(t, nil), NewHolder()
		f(t, s, h)
		h.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAHeldRequestIsReadyWhenItsMessageComes(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, h *Holder) {
		q := s.Queue("orders", 0)
		first, second := newWaiter(q, 0, time.Hour), newWaiter(q, 1, time.Hour)
		h.Hold(&first.Held)
		h.Hold(&second.Held)
		began := time.Now()
		put(t, s, q, "", "a")
		if <-first.ended {
			t.Error("the message came, and the wait timed out")
		}
		synctest.Wait()
		if n := h.Len(); n != 1 || second.calls.Load() != 0 {
			t.Errorf("%d wait for the second message", n)
		}
		put(t, s, q, "", "b")
		if <-second.ended {
			t.Error("the message came, and the wait timed out")
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("it took %v: somebody polls", d)
		}
	})
}

func TestARequestWhoseMessageIsThereIsReadyAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, h *Holder) {
		q := s.Queue("orders", 0)
		put(t, s, q, "", "a")
		w := newWaiter(q, 0, time.Hour)
		h.Hold(&w.Held)
		if <-w.ended {
			t.Error("it timed out")
		}
		if n := h.Len(); n != 0 {
			t.Errorf("%d wait", n)
		}
	})
}

func TestPatienceEndsAtTheDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, h *Holder) {
		q := s.Queue("orders", 0)
		began := time.Now()
		var wg sync.WaitGroup
		// The later ones first, so that the timer has to be brought forward.
		for i := 50; i >= 0; i-- {
			wait := time.Duration(i) * time.Second
			w := newWaiter(q, 0, wait)
			h.Hold(&w.Held)
			wg.Go(func() {
				if timedOut, d := <-w.ended, time.Since(began); !timedOut || d != wait {
					t.Errorf("a wait of %v ended after %v, timed out: %v", wait, d, timedOut)
				}
			})
		}
		wg.Wait()
		put(t, s, q, "", "a") // finds nobody
	})
}

func TestADeletedTopicEndsTheWait(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, h *Holder) {
		w := newWaiter(s.Queue("orders", 0), 0, time.Hour)
		h.Hold(&w.Held)
		if err := s.DeleteTopic("orders"); err != nil {
			t.Fatal(err)
		}
		if <-w.ended {
			t.Error("it timed out")
		}
	})
}

func TestCloseAnswersEverybody(t *testing.T) {
	s := openStore(t, nil)
	h, q := NewHolder(), s.Queue("orders", 0)
	all := make([]*waiter, 100)
	for i := range all {
		all[i] = newWaiter(q, 0, time.Hour)
		h.Hold(&all[i].Held)
	}
	h.Close()
	if late := newWaiter(q, 0, time.Hour); h.Hold(&late.Held) {
		t.Error("a request is held after the end")
	}
	for i, w := range all {
		if !<-w.ended || w.calls.Load() != 1 {
			t.Errorf("request %d was called %d times", i, w.calls.Load())
		}
	}
	put(t, s, q, "", "a") // finds nobody
}

func TestEveryRequestIsReadyOnceWhoeverComesFirst(t *testing.T) {
	s := openStore(t, nil)
	h := NewHolder()
	const holders, each, queues = 4, 500, 3
	var made sync.WaitGroup
	all := make([][]*waiter, holders)
	for i := range all {
		made.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			for range each {
				w := newWaiter(s.Queue("orders", rng.Int32N(queues)), rng.Int64N(200), time.Duration(rng.IntN(int(2*time.Millisecond))))
				h.Hold(&w.Held)
				all[i] = append(all[i], w)
			}
		})
	}
	for i := range 200 {
		put(t, s, s.Queue("orders", int32(i%queues)), "", "x")
	}
	made.Wait()
	h.Close()
	for i := range all {
		for k, w := range all[i] {
			if n := w.calls.Load(); n != 1 {
				t.Fatalf("request %d of holder %d was called %d times", k, i, n)
			}
		}
	}
	if n := h.Len(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

func TestADroppedRequestIsNeverReady(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, h *Holder) {
		q := s.Queue("orders", 0)
		gone, stays := newWaiter(q, 0, time.Second), newWaiter(q, 0, time.Second)
		h.Hold(&gone.Held)
		h.Hold(&stays.Held)
		if !h.Drop(&gone.Held) || h.Drop(&gone.Held) {
			t.Error("a request is dropped once")
		}
		put(t, s, q, "", "a")
		<-stays.ended
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if gone.calls.Load() != 0 {
			t.Error("it was called")
		}
		if h.Drop(&stays.Held) {
			t.Error("a request is dropped that was called")
		}
	})
}

// Requests are held again in the same memory while messages come, deadlines pass and connections break.
func TestARequestIsHeldAgainAndEachTimeReadyOrDroppedOnce(t *testing.T) {
	s := openStore(t, nil)
	h, q := NewHolder(), s.Queue("orders", 0)
	const requests, rounds = 8, 300
	var running sync.WaitGroup
	for i := range requests {
		running.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 2))
			w := newWaiter(q, 0, 0)
			for round := range rounds {
				_, next := q.Bounds()
				w.calls.Store(0)
				w.From, w.Deadline = next+rng.Int64N(2), time.Now().Add(time.Duration(rng.IntN(int(200*time.Microsecond))))
				h.Hold(&w.Held)
				if rng.IntN(2) == 0 && h.Drop(&w.Held) {
					continue
				}
				<-w.ended
				if n := w.calls.Load(); n != 1 {
					t.Errorf("round %d: called %d times", round, n)
					return
				}
			}
		})
	}
	for range 300 {
		put(t, s, q, "", "x")
	}
	running.Wait()
	h.Close()
	if n := h.Len(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

func TestHoldingARequestAgainAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	s := openStore(t, nil)
	h := NewHolder()
	defer h.Close()
	w := newWaiter(s.Queue("orders", 0), 0, time.Hour)
	if n := testing.AllocsPerRun(100, func() { h.Hold(&w.Held); h.Drop(&w.Held) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWhoHelpsCallsWhatBecameReadyMeanwhile(t *testing.T) {
	inBubble(t, func(t *testing.T, s *store.Store, h *Holder) {
		q := s.Queue("orders", 0)
		for _, waiting := range []int{1, helpMost, 3 * helpMost} {
			_, from := q.Bounds()
			all := make([]*waiter, waiting)
			for i := range all {
				all[i] = newWaiter(q, from, time.Hour)
				h.Hold(&all[i].Held)
			}
			synctest.Wait() // for the workers to have nothing to do
			h.Help(func() {
				put(t, s, q, "", "a")
				synctest.Wait()
				called := 0
				for _, w := range all {
					called += int(w.calls.Load())
				}
				if called > 0 {
					t.Errorf("%d of %d were called by a worker", called, waiting)
				}
			})
			synctest.Wait()
			for i, w := range all {
				if n := w.calls.Load(); n != 1 || <-w.ended {
					t.Errorf("request %d of %d was called %d times", i, waiting, n)
				}
			}
		}
	})
}

func TestHelpIsAWorkersBusinessInAHolderThatCloses(t *testing.T) {
	s := openStore(t, nil)
	h, q := NewHolder(), s.Queue("orders", 0)
	all := make([]*waiter, 20)
	for i := range all {
		all[i] = newWaiter(q, 0, time.Hour)
		h.Hold(&all[i].Held)
	}
	h.Help(func() {
		put(t, s, q, "", "a")
		h.Close() // doesn't wait for it
	})
	for i, w := range all {
		if n := w.calls.Load(); n != 1 {
			t.Errorf("request %d was called %d times", i, n)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
