package commitlog

import (
	"testing"
	"testing/synctest"
	"time"
)

// gathering is a log whose last flush took d and had a crowd of three.
func gathering(t *testing.T, d time.Duration) *Log {
	l, _ := openNew(t, func(o *Options) { o.SyncFlush = true; o.Gather = time.Second })
	mustAppend(t, l, newNumbers(t), draft("x"))
	l.gatherer.crowd.Store(3)
	l.gatherer.last.Store(int64(d))
	return l
}

// comes makes one more writer wait.
func comes(l *Log) { result(l, l.Max(), Flushed) }

func TestAFlushWaitsForTheWritersThatTheLastOneLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := gathering(t, time.Second)
		gathered := make(chan time.Duration, 1)
		began := time.Now()
		go func() {
			l.gather()
			gathered <- time.Since(began)
		}()
		for range 3 {
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if len(gathered) > 0 {
				t.Fatal("did not wait for all three")
			}
			comes(l)
		}
		if took := <-gathered; took != 3*time.Millisecond {
			t.Errorf("waited for %v", took)
		}
	})
}

func TestAFlushWaitsForNoLongerThanHalfAFlush(t *testing.T) {
	for last, want := range map[time.Duration]time.Duration{20 * time.Millisecond: 10 * time.Millisecond, time.Hour: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := gathering(t, last)
			comes(l)
			began := time.Now()
			l.gather()
			if took := time.Since(began); took != want {
				t.Errorf("after a flush of %v: waited for %v", last, took)
			}
		})
	}
}

func TestAFlushDoesNotWaitForACrowdThatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := gathering(t, time.Second)
		for range 3 {
			comes(l)
		}
		began := time.Now()
		l.gather()
		l.gatherer.crowd.Store(1)
		l.gather()
		if took := time.Since(began); took != 0 {
			t.Errorf("waited for %v", took)
		}
	})
}

// TestGatheringInVainIsNotRepeatedAtOnce: one flush is spared the wait, then three, then seven …, until it pays again.
func TestGatheringInVainIsNotRepeatedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := gathering(t, 2*time.Millisecond)
		waits := func() (all []int) {
			for n := range 140 {
				began := time.Now()
				l.gather()
				if time.Since(began) > 0 {
					all = append(all, n)
				}
			}
			return all
		}
		want := []int{0, 2, 6, 14, 30, 62, 94, 126}
		got := waits()
		if len(got) != len(want) {
			t.Fatalf("waited before flushes %v, want %v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("waited before flushes %v, want %v", got, want)
			}
		}
		for range l.gatherer.skip {
			l.gather()
		}
		go func() {
			for range 2 {
				comes(l)
			}
		}()
		l.gather() // two of three come in time: it pays
		if l.gatherer.skip != 0 || l.gatherer.backoff != 0 {
			t.Errorf("after a wait that paid, %d flushes are spared it", l.gatherer.skip)
		}
	})
}
