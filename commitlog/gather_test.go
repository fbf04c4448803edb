package commitlog

import (
	"testing"
	"testing/synctest"
	"time"
)

// gathering is a log whose last flush took so long and let three messages go, whose senders are usually away for so long.
func gathering(t *testing.T, took, away time.Duration) *Log {
	l, _ := openNew(t, func(o *Options) { o.SyncFlush = true; o.Gather = time.Second })
	a := newNumbers(t)
	for range 3 {
		mustAppend(t, l, a, draft("x"))
	}
	g := &l.gatherer
	g.released, g.away = 0, away
	g.flushed(3, 3, time.Now().Add(-took), time.Now())
	return l
}

// gathered runs gather and tells for how long it waited.
func gathered(l *Log) time.Duration {
	began := time.Now()
	l.gather()
	return time.Since(began)
}

func TestAFlushWaitsForThoseWhomTheLastOneLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := gathering(t, time.Second, 100*time.Millisecond)
		waited := make(chan time.Duration, 1)
		go func() { waited <- gathered(l) }()
		a := newNumbers(t)
		for range 3 {
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if len(waited) > 0 {
				t.Fatal("did not wait for all three")
			}
			mustAppend(t, l, a, draft("x"))
		}
		if d := <-waited; d != 3*time.Millisecond {
			t.Errorf("waited for %v", d)
		}
		if d := gathered(l); d != 0 {
			t.Errorf("they are back, and it waited for %v", d)
		}
	})
}

func TestAFlushWaitsForNoLongerThanHalfAFlush(t *testing.T) {
	for _, c := range []struct{ took, away, want time.Duration }{
		{20 * time.Millisecond, 9 * time.Millisecond, 10 * time.Millisecond},
		{time.Hour, time.Second, time.Second},               // the longest that Options allow
		{20 * time.Millisecond, 0, 10 * time.Millisecond},   // nothing is known of them
		{20 * time.Millisecond, 10*time.Millisecond + 1, 0}, // too long to wait for
	} {
		synctest.Test(t, func(t *testing.T) {
			if d := gathered(gathering(t, c.took, c.away)); d != c.want {
				t.Errorf("after a flush of %v, senders usually away for %v: waited for %v, want %v", c.took, c.away, d, c.want)
			}
		})
	}
}

// flushAfter is a flush of all that is there, d after the last one.
func flushAfter(l *Log, d, took time.Duration) {
	time.Sleep(d)
	n := l.stats.messages.Load()
	l.gatherer.flushed(n, n, time.Now().Add(-took), time.Now())
}

func TestHowLongSendersAreAwayIsMeasuredWithoutWaitingForThem(t *testing.T) {
	const took = 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		l := gathering(t, took, 0)
		a := newNumbers(t)
		for range 20 {
			for range 3 {
				time.Sleep(time.Millisecond)
				mustAppend(t, l, a, draft("x"))
			}
			flushAfter(l, took, took)
		}
		if got := l.gatherer.away; got < 2700*time.Microsecond || got > 3*time.Millisecond {
			t.Errorf("3 ms are measured as %v", got)
		}
		if d := l.gatherer.patience(time.Second); d < 3*time.Millisecond || d > took/2 {
			t.Errorf("it would wait for %v for those who are back in 3 ms", d)
		}
		for range 4 { // one of them has left: each flush is for those who are there
			mustAppend(t, l, a, draft("x"))
			mustAppend(t, l, a, draft("x"))
			flushAfter(l, took, took)
		}
		if d := l.gatherer.patience(time.Second); d == 0 {
			t.Error("the two who are left aren't waited for")
		}
		for range 20 { // somebody sends now and then
			time.Sleep(time.Second)
			mustAppend(t, l, a, draft("x"))
			flushAfter(l, took, took)
		}
		if d := l.gatherer.patience(time.Second); d != 0 {
			t.Errorf("it would wait for %v for one who is back in a second", d)
		}
	})
}
