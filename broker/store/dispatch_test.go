package store

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// testFollower is a follower that keeps nothing but log offsets, and fails as it is told.
type testFollower struct {
	fail    atomic.Pointer[error]
	needs   atomic.Int64 // 0 is what it has followed
	retired atomic.Int64
	failed  chan struct{} // signalled when it has failed; may be nil
	slow    chan struct{} // until it is closed, Follow waits as if for a disk; may be nil

	mu      sync.Mutex // guards what follows
	offsets []int64
	end     int64
}

func (f *testFollower) Name() string { return "slow" }

func (f *testFollower) Durable() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.end
}

func (f *testFollower) Follow(batch []Entry) error {
	if f.slow != nil {
		<-f.slow
	}
	if err := f.fail.Load(); err != nil {
		select {
		case f.failed <- struct{}{}:
		default:
		}
		return *err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range batch {
		if e := &batch[i]; e.LogOffset >= f.end {
			f.offsets, f.end = append(f.offsets, e.LogOffset), e.End()
		}
	}
	return nil
}

func (f *testFollower) Flush() error { return nil }

func (f *testFollower) Truncate(to int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.offsets) > 0 && f.offsets[len(f.offsets)-1] >= to {
		f.offsets = f.offsets[:len(f.offsets)-1]
	}
	f.end = min(f.end, to)
	return nil
}

func (f *testFollower) Quick() bool {
	select {
	case <-f.slow:
	default:
		return f.slow == nil
	}
	return true
}

func (f *testFollower) Needs() int64 {
	if n := f.needs.Load(); n != 0 {
		return n
	}
	return f.Durable()
}

func (f *testFollower) Retired(minLog int64) error {
	f.retired.Store(minLog)
	return nil
}

func TestAFollowerOfTheOwnerIsShownEveryRecordOnce(t *testing.T) {
	mem := vfs.NewMem()
	o := memOptions(t, mem)
	f := &testFollower{}
	o.Followers = []Follower{f}
	s := mustOpen(t, o)
	var ds []record.Draft
	for range 50 {
		ds = append(ds, appendTo(t, s, "T", 0, ""))
	}
	mem = killed(s, mem)
	o.FS = mem
	f.end, f.offsets = ds[20].LogOffset, f.offsets[:20] // its own memory was not durable
	s = mustOpen(t, o)
	if got := s.Recovery().Dispatched; got > ds[20].LogOffset {
		t.Errorf("dispatched from %d, the follower lacks %d", got, ds[20].LogOffset)
	}
	if err := s.Truncate(ds[40].LogOffset); err != nil {
		t.Fatal(err)
	}
	for i, off := range f.offsets {
		if off != ds[i].LogOffset {
			t.Fatalf("record %d: log offset %d, expected %d", i, off, ds[i].LogOffset)
		}
	}
	if len(f.offsets) != 40 {
		t.Errorf("%d records, expected 40", len(f.offsets))
	}
}

func TestAFollowerOnAFullDiskPausesDispatchRefusesMessagesAndHeals(t *testing.T) {
	o := memOptions(t, vfs.NewMem())
	f := &testFollower{failed: make(chan struct{}, 1)}
	o.Followers = []Follower{f}
	s := mustOpen(t, o)
	full := fmt.Errorf("write: %w", vfs.ErrFull)
	f.fail.Store(&full)
	ds := []record.Draft{draftTo(s, "T", 0, "")}
	if err := s.Append(ds); err != nil {
		t.Fatal(err)
	}
	<-f.failed
	until(t, "messages are refused", func() bool {
		err := s.Log.Err()
		return errors.Is(err, commitlog.ErrRefused) && errors.Is(err, vfs.ErrFull)
	})
	f.fail.Store(nil)
	until(t, "messages are taken again", func() bool { return s.Log.Err() == nil })
	if s.DispatchBehind() != 0 || len(f.offsets) != 1 {
		t.Errorf("%d bytes behind, the follower has %d records", s.DispatchBehind(), len(f.offsets))
	}
	appendTo(t, s, "T", 0, "")
	wantNext(t, s, "T", 0, 0, 2)
}

// until waits for what another goroutine does by the clock.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

func TestAFullDiskUnderTheQueuesLosesNothing(t *testing.T) {
	mem := vfs.NewMem()
	var full atomic.Bool
	o := memOptions(t, vfs.Fault(mem, func(op vfs.Op) error {
		if full.Load() && op.Kind.Changes() && op.Kind != vfs.OpRemove {
			return vfs.ErrFull
		}
		return nil
	}))
	s := mustOpen(t, o)
	for range 20 {
		appendTo(t, s, "T", 0, "KEYS\x01k\x02")
	}
	full.Store(true)
	if err := s.checkpoint(true, false); !errors.Is(err, vfs.ErrFull) {
		t.Errorf("a checkpoint on a full disk: %v", err)
	}
	full.Store(false)
	if err := s.checkpoint(true, false); err != nil {
		t.Fatal(err)
	}
	s.Close()
	o.FS = mem.Kill()
	s = mustOpen(t, o)
	wantNext(t, s, "T", 0, 0, 20)
	if found, err := s.Query("T", "k", UserKey, 0, math.MaxInt64, 100); len(found) != 20 || err != nil {
		t.Errorf("%d found by key, %v", len(found), err)
	}
}

func TestAWaitingConsumerIsWokenByItsMessageAndByNoOther(t *testing.T) {
	s := mustOpen(t, memOptions(t, vfs.NewMem()))
	q := s.Queue("T", 0)
	woken := make(chan int64, 10)
	wait := func(from int64) *Arrival {
		return &Arrival{From: from, Wake: func(a *Arrival) { woken <- a.From }}
	}
	next, later, gone := wait(0), wait(1), wait(0)
	for _, a := range []*Arrival{next, later, gone} {
		if !q.Await(a) {
			t.Fatal("there is nothing to wait for in an empty queue")
		}
	}
	if !q.Cancel(gone) || q.Cancel(gone) {
		t.Error("a wait is cancelled once")
	}
	appendTo(t, s, "T", 1, "")
	appendTo(t, s, "T", 0, "")
	if from := <-woken; from != 0 {
		t.Errorf("woken: the one that waits for %d", from)
	}
	if q.Cancel(next) {
		t.Error("cancelled after the wake-up")
	}
	if q.Await(wait(0)) {
		t.Error("waits for a message that is there")
	}
	appendTo(t, s, "T", 0, "")
	if from := <-woken; from != 1 {
		t.Errorf("woken: the one that waits for %d", from)
	}
	select {
	case from := <-woken:
		t.Errorf("woken without need: the one that waits for %d", from)
	default:
	}
}

func TestDeletingATopicOrClosingTheStoreEndsAllWaits(t *testing.T) {
	s := mustOpen(t, memOptions(t, vfs.NewMem()))
	woken := make(chan *Arrival, 1)
	wake := func(a *Arrival) { woken <- a }
	a := &Arrival{Wake: wake}
	q := s.Queue("T", 0)
	q.Await(a)
	if err := s.DeleteTopic("T"); err != nil {
		t.Fatal(err)
	}
	<-woken
	if q.Await(&Arrival{Wake: wake}) {
		t.Error("somebody waits in a queue that is gone")
	}
	s.Queue("U", 0).Await(a)
	mustClose(t, s)
	<-woken
}

// Each message is stored at the moment at which the consumers go to wait for it, and there is no later one that could wake them.
func TestNoWakeUpIsLost(t *testing.T) {
	o := memOptions(t, vfs.NewMem())
	o.NoIndex, o.Log.SegmentSize, o.QueueFile = true, 1<<20, 200_000
	s := mustOpen(t, o)
	const messages, consumers = 60_000, 3
	q := s.Queue("T", 0)
	seen := make(chan int64, consumers)
	for range consumers {
		go func() {
			woken := make(chan struct{}, 1)
			a := &Arrival{Wake: func(*Arrival) { woken <- struct{}{} }}
			for a.From = 0; a.From < messages; a.From++ {
				for range rand.IntN(1000) { // somewhere in the time that it takes to store and dispatch a message
					runtime.KeepAlive(a)
				}
				if q.Await(a) {
					<-woken
				}
				seen <- a.From
			}
		}()
	}
	lost := time.After(20 * time.Second)
	ds := []record.Draft{draftTo(s, "T", 0, "")}
	for i := range int64(messages) {
		if err := s.Append(ds); err != nil {
			t.Fatal(err)
		}
		for range consumers {
			select {
			case from := <-seen:
				if from != i {
					t.Fatalf("woken for %d before it was stored", from)
				}
			case <-lost:
				t.Fatalf("somebody still waits for message %d", i)
			}
		}
	}
}

func TestNothingIsDispatchedBeforeItIsConfirmed(t *testing.T) {
	o := memOptions(t, vfs.NewMem())
	s := mustOpen(t, o)
	s.Log.SetReplicated(0)
	ds := []record.Draft{draftTo(s, "T", 0, ""), draftTo(s, "T", 0, "")}
	if err := s.Append(ds); err != nil {
		t.Fatal(err)
	}
	if err := s.dispatcher.catchUp(); err != nil {
		t.Fatal(err)
	}
	wantNext(t, s, "T", 0, 0, 0)
	if _, err := s.Record(ds[0].LogOffset, nil); !errors.Is(err, commitlog.ErrOutOfRange) {
		t.Errorf("an unconfirmed record by id: %v", err)
	}
	s.Log.SetReplicated(ds[1].LogOffset + 5) // in the middle of the second one
	if err := s.dispatcher.catchUp(); err != nil {
		t.Fatal(err)
	}
	wantNext(t, s, "T", 0, 0, 1)
	s.Log.SetReplicated(math.MaxInt64)
	until(t, "the second message is queued", func() bool { _, next := s.Queue("T", 0).Bounds(); return next == 2 })
}

func TestARecordLargerThanABatchIsDispatched(t *testing.T) {
	o := memOptions(t, vfs.NewMem())
	o.Log.SegmentSize = 4 << 20
	s := mustOpen(t, o)
	for _, size := range []int{10, 3 * dispatchBytes, 10, dispatchBytes, 10} {
		d := draftTo(s, "T", 0, "")
		d.Body = make([]byte, size)
		appendAll(t, s, d)
	}
	wantNext(t, s, "T", 0, 0, 5)
}

func TestDispatchAllocatesNothingPerMessage(t *testing.T) {
	o := memOptions(t, vfs.NewMem())
	o.Log.SegmentSize, o.QueueFile, o.IndexSlots, o.IndexEntries, o.QueueExt, o.ExtFile = 8<<20, 1<<20, 10_000, 200_000, true, 1<<20
	s := mustOpen(t, o)
	s.Log.SetReplicated(0)
	const messages = 2000
	var ends [21]int64
	for round := range ends {
		for i := range messages {
			ds := []record.Draft{draftTo(s, "T", int32(i%8), "UNIQ_KEY\x010A00000700002A00000000000000000000\x02TAGS\x01red\x02KEYS\x01one two\x02")}
			if err := s.Append(ds); err != nil {
				t.Fatal(err)
			}
			ends[round] = ds[0].LogOffset + int64(ds[0].Size)
		}
	}
	next := 0
	perRound := testing.AllocsPerRun(len(ends)-1, func() {
		s.Log.SetReplicated(ends[next])
		next++
		if err := s.dispatcher.catchUp(); err != nil {
			t.Fatal(err)
		}
	})
	wantNext(t, s, "T", 0, 0, int64(len(ends))*messages/8)
	if perRound >= messages/20 {
		t.Errorf("%v allocations for %d messages", perRound, messages)
	}
}

func TestManyQueuesAreMadeDurableWithTheIndexFewAtEveryCheckpoint(t *testing.T) {
	s := mustOpen(t, memOptions(t, vfs.NewMem()))
	var ds []record.Draft
	for i := range fewQueues + 1 {
		if i == fewQueues {
			appendAll(t, s, ds...)
			if !s.queueFollow.due() {
				t.Errorf("%d queues aren't due", fewQueues)
			}
			ds = ds[:0]
		}
		ds = append(ds, draftTo(s, fmt.Sprint("T", i), 0, ""))
	}
	appendAll(t, s, ds...)
	if s.queueFollow.due() {
		t.Errorf("%d queues with a unit each are due", fewQueues+1)
	}
	if err := s.checkpoint(true, false); err != nil {
		t.Fatal(err)
	}
	if s.queueFollow.Durable() != s.Log.Max() {
		t.Errorf("durable to %d, the log ends at %d", s.queueFollow.Durable(), s.Log.Max())
	}
}
