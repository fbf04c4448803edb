package commitlog

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// gate is a file system whose fdatasync waits to be let through.
type gate struct {
	entered, open chan struct{}
	fail          error // of the fdatasync that is let through next
}

func openGated(t *testing.T) (*Log, *gate) {
	g := &gate{entered: make(chan struct{}), open: make(chan struct{})}
	fsys := vfs.Fault(vfs.NewMem(), func(op vfs.Op) error {
		if op.Kind == vfs.OpDatasync {
			g.entered <- struct{}{}
			<-g.open
			return g.fail
		}
		return nil
	})
	o := testOptions(fsys)
	o.SyncFlush = true
	o.Gather = time.Nanosecond
	l, _, err := Open(o, Start{From: -1})
	if err != nil {
		t.Fatal(err)
	}
	return l, g
}

func (g *gate) pass() {
	<-g.entered
	g.open <- struct{}{}
}

func end(d record.Draft) int64 { return d.LogOffset + int64(d.Size) }

// result is a waiter whose outcome arrives in a channel.
func result(l *Log, upTo int64, need Need) <-chan error {
	c := make(chan error, 2)
	l.OnAcked(&Waiter{UpTo: upTo, Need: need, Done: func(_ *Waiter, err error) { c <- err }})
	return c
}

func pending(c <-chan error) bool {
	select {
	case err := <-c:
		panic(fmt.Sprint("completed with ", err))
	default:
		return true
	}
}

func TestSynchronousMessagesAreVisibleOnlyWhenFlushed(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, g := openGated(t)
	a := newNumbers(t)
	d := mustAppend(t, l, a, draft("x"))[0]
	flushed, confirmed := result(l, end(d), Flushed), result(l, end(d), Confirmed)
	if err := <-result(l, end(d), Written); err != nil {
		t.Errorf("written: %v", err)
	}
	<-g.entered
	if l.Max() != end(d) || l.Confirmed() != 0 || l.Flushed() != 0 || !pending(flushed) || !pending(confirmed) {
		t.Errorf("before the flush: max %d, confirmed %d, flushed %d", l.Max(), l.Confirmed(), l.Flushed())
	}
	g.open <- struct{}{}
	if err := errors.Join(<-flushed, <-confirmed); err != nil {
		t.Error(err)
	}
	if l.Confirmed() != end(d) || l.Flushed() != end(d) || l.FlushedAt() != aTime.UnixMilli() {
		t.Errorf("after the flush: confirmed %d, flushed %d up to time %d", l.Confirmed(), l.Flushed(), l.FlushedAt())
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestWritersThatComeDuringAFlushShareTheNext(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, g := openGated(t)
	a := newNumbers(t)
	first := result(l, end(mustAppend(t, l, a, draft("x"))[0]), Flushed)
	<-g.entered
	var others []<-chan error
	for range 5 {
		others = append(others, result(l, end(mustAppend(t, l, a, draft("x"))[0]), Flushed))
	}
	g.open <- struct{}{}
	if err := <-first; err != nil {
		t.Error(err)
	}
	<-g.entered
	for _, o := range others {
		pending(o)
	}
	g.open <- struct{}{}
	for _, o := range others {
		if err := <-o; err != nil {
			t.Error(err)
		}
	}
	if n := l.Stats().Flushes; n != 2 {
		t.Errorf("%d flushes", n)
	}
	l.Close()
}

func TestCloseFlushesAndAcknowledges(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, g := openGated(t)
	l.SetReplicated(0)
	a := newNumbers(t)
	mustAppend(t, l, a, draft("x"))
	<-g.entered // the flusher is busy with the first
	d := mustAppend(t, l, a, draft("y"))[0]
	flushed, confirmed := result(l, end(d), Flushed), result(l, end(d), Confirmed)
	closed := make(chan error, 1)
	go func() { closed <- l.Close() }()
	g.open <- struct{}{}
	g.pass()
	if err := <-flushed; err != nil {
		t.Errorf("flushed: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
	if err := <-confirmed; !errors.Is(err, ErrClosed) {
		t.Errorf("what no replica has: %v", err)
	}
	if err := <-result(l, end(d)+1, Flushed); !errors.Is(err, ErrClosed) {
		t.Errorf("who comes after the end: %v", err)
	}
}

func TestDeadlinesEndTheWaitAndNotTheMessage(t *testing.T) {
	now := aTime
	l, _ := openNew(t, func(o *Options) { o.Now = func() time.Time { return now } })
	d := mustAppend(t, l, newNumbers(t), draft("x"))[0]
	c := make(chan error, 1)
	l.OnAcked(&Waiter{UpTo: end(d), Need: Flushed, Deadline: now.Add(5 * time.Second), Done: func(_ *Waiter, err error) { c <- err }})
	forever := result(l, end(d), Flushed)
	l.expire(now.Add(5 * time.Second))
	pending(c)
	if n := l.Stats().WaitersNow; n != 2 {
		t.Errorf("%d wait", n)
	}
	l.expire(now.Add(5*time.Second + 1))
	if err := <-c; !errors.Is(err, ErrFlushTimeout) {
		t.Errorf("late: %v", err)
	}
	pending(forever)
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := <-forever; err != nil {
		t.Errorf("without a deadline: %v", err)
	}
	if got := bodies(t, l); len(got) != 1 {
		t.Errorf("the log holds %q", got)
	}
}

func TestConfirmedIsWhatIsReplicatedToo(t *testing.T) {
	l, _ := openNew(t, nil)
	a := newNumbers(t)
	ds := mustAppend(t, l, a, draft("x"), draft("y"))
	if l.Confirmed() != l.Max() {
		t.Errorf("without replicas: confirmed %d of %d", l.Confirmed(), l.Max())
	}
	l.SetReplicated(end(ds[0]))
	if l.Confirmed() != end(ds[0]) {
		t.Errorf("confirmed %d, replicated %d", l.Confirmed(), end(ds[0]))
	}
	first, second := result(l, end(ds[0]), Confirmed), result(l, end(ds[1]), Confirmed)
	if err := <-first; err != nil {
		t.Error(err)
	}
	pending(second)
	l.SetReplicated(end(ds[1]))
	if err := <-second; err != nil {
		t.Error(err)
	}
	l.SetReplicated(1 << 60)
	if l.Confirmed() != l.Max() {
		t.Errorf("a replica that claims more: confirmed %d of %d", l.Confirmed(), l.Max())
	}
}

func TestWatchCoalescesSignals(t *testing.T) {
	l, _ := openNew(t, nil)
	a := newNumbers(t)
	one, stopOne := l.Watch()
	two, stopTwo := l.Watch()
	for range 5 {
		mustAppend(t, l, a, draft("x"))
	}
	if len(one) != 1 || len(two) != 1 {
		t.Errorf("%d and %d signals", len(one), len(two))
	}
	<-one
	stopTwo()
	<-two
	l.SetReplicated(0)
	if len(one) != 1 || len(two) != 0 {
		t.Errorf("after replication moved: %d signals; of who stopped: %d", len(one), len(two))
	}
	stopOne()
}

func TestAQuietAppendSignalsNobodyBeforeItIsAnnounced(t *testing.T) {
	l, _ := openNew(t, nil)
	moved, stop := l.Watch()
	defer stop()
	ds := []record.Draft{draft("x")}
	if err := l.AppendQuiet(ds, newNumbers(t)); err != nil {
		t.Fatal(err)
	}
	if len(moved) != 0 || l.Confirmed() == 0 {
		t.Errorf("%d signals, confirmed %d", len(moved), l.Confirmed())
	}
	l.Announce()
	if len(moved) != 1 {
		t.Error("announced, and no signal")
	}
}

func TestAnAsynchronousLogIsFlushedByTime(t *testing.T) {
	mem := vfs.NewMem()
	o := testOptions(mem)
	o.FlushInterval = time.Millisecond
	l, _, err := Open(o, Start{From: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := mustAppend(t, l, newNumbers(t), draft("x"))[0]
	if err := <-result(l, end(d), Flushed); err != nil {
		t.Fatal(err)
	}
	again, _ := reopen(t, mem.Crash(newRand(1)))
	if got := bodies(t, again); len(got) != 1 {
		t.Errorf("after a power loss: %q", got)
	}
}

func TestAnAsynchronousLogStartsWritebackInSteps(t *testing.T) {
	type span struct{ off, n int64 }
	var steps []span
	o := testOptions(vfs.Fault(vfs.NewMem(), func(op vfs.Op) error {
		if op.Kind == vfs.OpStartWriteback {
			steps = append(steps, span{op.Off, op.N})
		}
		return nil
	}))
	o.WritebackStep = 3000
	l, _, err := open(o, Start{From: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := newNumbers(t)
	mustAppend(t, l, a, sized(1000), sized(1000))
	if len(l.kick) != 0 {
		t.Error("woken before there is a step")
	}
	mustAppend(t, l, a, sized(1000))
	if len(l.kick) != 1 {
		t.Error("not woken")
	}
	l.startWriteback()
	l.startWriteback()
	mustAppend(t, l, a, sized(3000), sized(3000))
	l.startWriteback()
	if want := []span{{0, 3000}, {3000, testSegment - 3000}, {0, 3000}}; !slices.Equal(steps, want) {
		t.Errorf("writeback of %v, want %v", steps, want)
	}
}

// TestManyProducersAreAllAcknowledged runs the whole machinery at once: flushes, rolls, zeros ahead, retention, readers.
func TestManyProducersAreAllAcknowledged(t *testing.T) {
	for _, synchronous := range []bool{true, false} {
		t.Run(fmt.Sprintf("synchronous %v", synchronous), func(t *testing.T) {
			defer goleak.VerifyNone(t)
			mem := vfs.NewMem()
			o := testOptions(mem)
			o.SyncFlush, o.ZeroAhead, o.SegmentSize, o.FlushInterval = synchronous, 8<<10, 64<<10, time.Millisecond
			l, _, err := Open(o, Start{From: -1})
			if err != nil {
				t.Fatal(err)
			}
			a := newNumbers(t)
			var wg sync.WaitGroup
			const producers, rounds = 8, 100
			for p := range producers {
				wg.Go(func() {
					for i := range rounds {
						ds := []record.Draft{draftTo("T", int32(p), fmt.Sprint(i)), draftTo("T", int32(p), fmt.Sprintf("%0400d", i))}
						if err := l.Append(ds, a); err != nil {
							t.Error(err)
							return
						}
						if err := <-result(l, end(ds[1]), Need(1+i%2)); err != nil {
							t.Error(err)
							return
						}
						if i%2 == 1 && l.Confirmed() < end(ds[1]) {
							t.Errorf("acknowledged %d, confirmed %d", end(ds[1]), l.Confirmed())
						}
					}
				})
			}
			stop := make(chan struct{})
			var readers sync.WaitGroup
			readers.Go(func() {
				seen, stopWatch := l.Watch()
				defer stopWatch()
				var buf []byte
				for at := int64(0); ; {
					for at < l.Confirmed() {
						v, err := l.ViewUpTo(at, l.Confirmed(), 8)
						if err != nil {
							t.Error(err)
							return
						}
						n, blank := int64(record.Size(v.Bytes())), record.Magic(v.Bytes()) == record.MagicBlank
						v.Release()
						if !blank {
							if buf, err = l.Record(at, buf); err != nil {
								t.Error(err)
								return
							}
						}
						at += n
						if _, err := l.Retire(at - o.SegmentSize); err != nil {
							t.Error(err)
						}
					}
					select {
					case <-seen:
					case <-stop:
						return
					}
				}
			})
			wg.Wait()
			close(stop)
			readers.Wait()
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			for p := range producers {
				if n := a.next[queue{"T", int32(p)}]; n != 2*rounds {
					t.Errorf("queue %d has %d messages", p, n)
				}
			}
		})
	}
}
