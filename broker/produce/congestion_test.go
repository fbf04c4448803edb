package produce

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// stuck makes the writes of the log wait, from the call of block until that of free.
func stuck(mem vfs.FS) (_ vfs.FS, block, free func(), blocked <-chan struct{}) {
	var on atomic.Bool
	gate, reached := make(chan struct{}), make(chan struct{}, 100)
	return vfs.Fault(mem, func(op vfs.Op) error {
		if on.Load() && op.Kind == vfs.OpWrite && strings.Contains(op.Name, "commitlog/") {
			reached <- struct{}{}
			<-gate
		}
		return nil
	}), func() { on.Store(true) }, sync.OnceFunc(func() { on.Store(false); close(gate) }), reached
}

// clock is a time that a test sets.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

func TestWhileAWriteIsStuckSendersAreTurnedAwayAtOnceAndThoseWhoWaitedAfterIt(t *testing.T) {
	var block, free func()
	var blocked <-chan struct{}
	f := newFixture(t, func(s *setup) { s.store.FS, block, free, blocked = stuck(s.store.FS) })
	c := new(clock)
	f.Now = c.now
	f.congestion.start = c.now()
	block()
	defer free()
	var running sync.WaitGroup
	batches := []*Batch{NewBatch(), NewBatch(), NewBatch()}
	submit := func(b *Batch) {
		f.Add(b, order())
		if !f.Submit(b, func() {}) {
			t.Error("it waits for a flush")
		}
	}
	running.Go(func() { submit(batches[0]) })
	<-blocked
	running.Go(func() { submit(batches[1]) })
	for f.congestion.appending.Load() != 2 {
		time.Sleep(time.Millisecond) // until the second has come to the lock: there is no event for that
	}
	c.advance(f.Config.Load().AppendStall)
	if stall := f.congestion.stall(c.now()); stall != f.Config.Load().AppendStall {
		t.Fatalf("a stall of %v", stall)
	}
	c.advance(time.Millisecond)
	submit(batches[2]) // doesn't wait
	free()
	running.Wait()
	if r := f.one(t, batches[0], 0); string(r.Body) != "one book" {
		t.Errorf("the one that was stuck: %+v", r)
	}
	for i, want := range map[int]string{1: "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 1001ms", 2: "[PC_SYNCHRONIZED]broker busy, start flow control for a while"} {
		if _, no := batches[i].Stored(0); no == nil || no.Reason != Busy || !strings.HasPrefix(no.Remark, want) {
			t.Errorf("batch %d: %+v, expected %q", i, no, want)
		}
	}
	// It is over, and no number was lost.
	b := NewBatch()
	submit(b)
	if r := f.one(t, b, 0); r.QueueOffset != 1 {
		t.Errorf("queue offset %d, expected 1", r.QueueOffset)
	}
}

func TestASendThatWaitedTooLongBeforeItsTurnIsTurnedAwayUnlessThatIsOff(t *testing.T) {
	f := newFixture(t, nil)
	for _, fast := range []bool{true, false} {
		f.Config.Load().FastFail = fast
		for waited, ok := range map[time.Duration]bool{0: true, 999 * time.Millisecond: true, time.Hour: !fast} {
			b := NewBatch()
			b.Arrived = f.Now().Add(-waited)
			f.Add(b, order())
			f.Submit(b, nil)
			if _, no := b.Stored(0); (no == nil) != ok {
				t.Errorf("waited %v, brokerFastFailureEnable %v: %+v", waited, fast, no)
			}
		}
	}
}
