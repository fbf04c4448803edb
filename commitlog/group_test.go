package commitlog

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// scene is a machine, in time that is simulated, on which writers have each messages in flight.
type scene struct {
	writers, each int
	cpus          int
	work          time.Duration // of a CPU for a message: three quarters before it is appended, the rest when it is told
	fix, per      time.Duration // a flush takes fix, and per more for each message
}

// flush is how long one of n messages takes.
func (s scene) flush(n int) time.Duration { return s.fix + s.per*time.Duration(n) }

// possible is the rate, in messages per second, that the better of two ways leads to: that all wait for all others before each flush, or that
// half of them work while the other half is flushed.
func (s scene) possible() float64 {
	n := s.writers * s.each
	work := s.work * time.Duration(n/min(s.cpus, s.writers))
	together, inTurns := s.flush(n)+work, max(s.flush(n/2)+s.flush(n-n/2), work)
	return float64(n) / min(together, inTurns).Seconds()
}

// run is the rate that the log has.
func (s scene) run(t *testing.T) (rate float64) {
	const span = 50 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		var l *Log
		var flushed int64
		o := testOptions(vfs.Fault(vfs.NewMem(), func(op vfs.Op) error {
			if op.Kind == vfs.OpDatasync && l != nil {
				n := l.stats.messages.Load()
				time.Sleep(s.flush(int(n - flushed)))
				flushed = n
			}
			return nil
		}))
		o.SyncFlush, o.SegmentSize = true, 64<<20
		opened, _, err := Open(o, Start{From: -1})
		if err != nil {
			t.Fatal(err)
		}
		l = opened
		cpus := make(chan struct{}, s.cpus)
		use := func(d time.Duration) {
			cpus <- struct{}{}
			time.Sleep(d)
			<-cpus
		}
		work, a, stop := s.work*time.Duration(s.each)/4, new(counter), time.Now().Add(span)
		count := make(chan int)
		for range s.writers {
			go func() {
				ds, told, n := make([]record.Draft, s.each), make(chan error, 1), 0
				w := &Waiter{Need: Confirmed, Done: func(_ *Waiter, err error) {
					use(work)
					told <- err
				}}
				for ; time.Now().Before(stop); n += s.each {
					for i := range ds {
						ds[i] = draft("x")
					}
					use(3 * work)
					if err := l.Append(ds, a); err != nil {
						t.Error(err)
						break
					}
					w.UpTo = end(ds[s.each-1])
					l.OnAcked(w)
					if err := <-told; err != nil {
						t.Error(err)
					}
				}
				count <- n
			}()
		}
		for range s.writers {
			rate += float64(<-count) / span.Seconds()
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return rate
}

// TestWritersWaitForEachOtherWhereThatPaysAndTakeTurnsWhereItDoesNot: whatever the ratio of work and flush, the rate is near to what the
// better way allows.
func TestWritersWaitForEachOtherWhereThatPaysAndTakeTurnsWhereItDoesNot(t *testing.T) {
	const us = time.Microsecond
	for _, s := range []scene{
		{1, 1, 2, 40 * us, 200 * us, us},
		{2, 1, 2, 40 * us, 200 * us, us},
		{8, 1, 2, 20 * us, 250 * us, us},
		{64, 1, 2, 12 * us, 250 * us, 2 * us},
		{64, 1, 2, 12 * us, 1000 * us, 2 * us},
		{4, 64, 2, 3 * us, 150 * us, us},
		{4, 64, 2, 5 * us, 500 * us, 2 * us},
		{4, 64, 2, 5 * us, 2000 * us, us},
		{16, 16, 2, 5 * us, 300 * us, us},
		{16, 8, 4, 5 * us, 300 * us, us},
	} {
		t.Run(fmt.Sprintf("%d×%d,work=%v,flush=%v", s.writers, s.each, s.work, s.fix), func(t *testing.T) {
			got, want := s.run(t), s.possible()
			t.Logf("%.0f msg/s, %.2f of %.0f", got, got/want, want)
			if got < 0.9*want {
				t.Errorf("%.0f msg/s, %.0f are possible", got, want)
			}
		})
	}
}
