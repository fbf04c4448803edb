package store

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// announceOptions make a store whose index is large enough for Announce to put something into it, and in which nothing but what is announced
// has the dispatcher look: no flush does.
func announceOptions(t *testing.T) Options {
	o := memOptions(t, vfs.NewMem())
	o.IndexSlots, o.IndexEntries = 1000, 4*quickRoom
	o.Log.FlushInterval, o.CheckpointInterval = time.Hour, time.Hour
	return o
}

func TestWhatIsAnnouncedIsDispatchedOnTheSpot(t *testing.T) {
	o := announceOptions(t)
	f := &testFollower{}
	o.Followers = []Follower{f}
	s := mustOpen(t, o)
	onTheSpot := 0
	for i := range 100 {
		ds := []record.Draft{draftTo(s, "T", 0, "")}
		if err := s.AppendQuiet(ds, nil); err != nil {
			t.Fatal(err)
		}
		s.Announce(ds[:i%2])
		if s.DispatchBehind() == 0 {
			onTheSpot++
		}
	}
	// The dispatcher looks around when it starts, and may have to wait for a CPU meanwhile; after that it has no reason to be at it.
	if onTheSpot < 50 {
		t.Errorf("%d of 100 messages", onTheSpot)
	}
	until(t, "everything is dispatched", func() bool { return s.DispatchBehind() == 0 })
	wantNext(t, s, "T", 0, 0, 100)
	s.dispatcher.mu.Lock() // who dispatched last has counted it
	defer s.dispatcher.mu.Unlock()
	if d := s.DispatchStats(); d.Memory.Messages+d.Log.Messages != 100 || d.Memory.Messages < int64(onTheSpot/4) || d.Log.Messages < int64(onTheSpot/4) {
		t.Errorf("%+v, expected 100, of which a half is dispatched from memory", d)
	}
}

func TestManyWhoAnnounceLeaveNoRecordBehind(t *testing.T) {
	s := mustOpen(t, announceOptions(t))
	const producers, each = 8, 400
	for round := range 5 {
		var wg sync.WaitGroup
		for p := range producers {
			wg.Go(func() {
				for range each / 4 {
					ds := make([]record.Draft, 4)
					for i := range ds {
						ds[i] = draftTo(s, fmt.Sprint("T", p), 0, "")
					}
					if err := s.AppendQuiet(ds, nil); err != nil {
						t.Error(err)
						return
					}
					own := ds
					if p%2 == 0 {
						own = nil
					}
					s.Announce(own)
				}
			})
		}
		// Somebody who holds the followers for a while is no excuse.
		wg.Go(func() {
			for range 20 {
				if err := s.dispatcher.pause(func() error { return nil }); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		until(t, "everything is dispatched", func() bool { return s.DispatchBehind() == 0 })
		for p := range producers {
			wantNext(t, s, fmt.Sprint("T", p), 0, 0, int64(each*(round+1)))
		}
	}
}

// recorder is a follower that keeps copies of what it is shown.
type recorder struct {
	testFollower
	seen []Entry
}

func (r *recorder) Follow(batch []Entry) error {
	for _, e := range batch {
		e.Topic = bytes.Clone(e.Topic)
		for _, b := range e.aliases() {
			*b = bytes.Clone(*b)
		}
		r.seen = append(r.seen, e)
	}
	return nil
}

func TestWhatIsStillAtHandIsShownAsTheLogWouldShowIt(t *testing.T) {
	o := announceOptions(t)
	o.MultiDispatch = true
	s := mustOpen(t, o)
	s.Log.SetReplicated(0)
	inner := draftTo(s, "Batch", 0, "UNIQ_KEY\x01u")
	inner.SysFlag, inner.Body = record.SysInnerBatch, appendBatchItem(nil, []byte("one"), nil)
	inner.MoreProperties = []byte("INNER_NUM\x011\x02")
	half, rolledBack, v6 := draftTo(s, "T", 1, "KEYS\x01half"), draftTo(s, "T", 1, ""), draftTo(s, "T", 2, "KEYS\x01a b")
	half.SysFlag, rolledBack.SysFlag = record.SysTransactionPrepared, record.SysTransactionRollback
	v6.BornHost.IP = netip.MustParseAddr("2001:db8::1")
	joined := draftTo(s, "T", 1, "")
	joined.Joined, joined.MoreProperties = true, []byte("TAGS\x01the later one counts\x02MSG_REGION\x01r\x02")
	tooLarge := draftTo(s, "T", 0, "")
	tooLarge.Body = make([]byte, 5<<20)
	ds := []record.Draft{
		draftTo(s, "T", 0, "UNIQ_KEY\x01u\x02TAGS\x01red\x02KEYS\x01one two\x02"), draftTo(s, record.TopicSchedule, 2, "DELAY\x013\x02TAGS\x01x"),
		draftTo(s, "T", 1, "TAGS\x01blue"), joined, half, rolledBack, v6, inner,
		draftTo(s, "T", 0, "INNER_MULTI_DISPATCH\x01%LMQ%x,%LMQ%y\x02"), tooLarge, draftTo(s, "T", 0, ""),
	}
	if err := s.AppendQuiet(ds, nil); err != nil {
		t.Fatal(err)
	}
	const refused = 9
	for i := range ds {
		if (ds[i].Err != nil) != (i == refused) {
			t.Errorf("message %d: %v", i, ds[i].Err)
		}
	}
	d := &s.dispatcher
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Log.SetReplicated(s.Log.Max())
	atHand, fromLog := new(recorder), new(recorder)
	d.followers = []Follower{atHand}
	d.board.put(ds)
	if more, err := d.showLocked(0, nil); more || err != nil || d.behind() {
		t.Fatalf("more: %v, %v; shown to %d of %d", more, err, d.pos.Load(), s.Log.Max())
	}
	if got := s.DispatchStats(); len(atHand.seen) != len(ds)-1 || got.Memory.Messages != int64(len(ds)-1) || got.Log.Messages != 0 {
		t.Errorf("%d entries, %+v: expected %d, each once and from memory", len(atHand.seen), got, len(ds)-1)
	}
	d.followers = []Follower{fromLog}
	if to, _, err := d.showPart(0, d.pos.Load(), dispatchBytes); err != nil || to != d.pos.Load() {
		t.Fatalf("to %d, %v", to, err)
	}
	if !reflect.DeepEqual(atHand.seen, fromLog.seen) {
		t.Errorf("at hand\n%+v\nin the log\n%+v", atHand.seen, fromLog.seen)
	}
}

// recorded is a store whose records are shown to a recorder. The caller has the lock of its dispatcher.
func recorded(t *testing.T) (*Store, *recorder) {
	s := mustOpen(t, announceOptions(t))
	f := new(recorder)
	s.dispatcher.mu.Lock()
	s.dispatcher.followers = []Follower{f}
	return s, f
}

// TestAnnouncementsComeInTheOrderOfTheLog has three appends announced in another order, one of them by somebody who has nothing left of it.
func TestAnnouncementsComeInTheOrderOfTheLog(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0}, {1}, {0, 0, 1, 2}} {
		for _, known := range []bool{true, false} { // what the second one has appended
			t.Run(fmt.Sprint(order, known), func(t *testing.T) { announceInOrder(t, order, known) })
		}
	}
}

func announceInOrder(t *testing.T, order []int, known bool) {
	s, f := recorded(t)
	d := &s.dispatcher
	defer d.mu.Unlock()
	appends := make([][]record.Draft, 3)
	for i := range appends {
		appends[i] = []record.Draft{draftTo(s, "T", 0, fmt.Sprint("UNIQ_KEY\x01", i)), draftTo(s, "U", 0, "")}
		if err := s.AppendQuiet(appends[i], nil); err != nil {
			t.Fatal(err)
		}
	}
	last := 0
	for k, i := range order {
		own := appends[i]
		switch last = max(last, i); {
		case i == 1 && !known:
			own = nil
			d.board.noteUnknown()
		case k%2 == 0:
			own = nil
			d.board.put(appends[i])
		}
		if more, err := d.showOwn(own); more || err != nil {
			t.Fatalf("after %d: %v, %v", i, more, err)
		}
		if end := appends[last][1].LogOffset + int64(appends[last][1].Size); known && d.pos.Load() != end {
			t.Errorf("after %d: shown to %d, expected to %d, the end of what was announced", i, d.pos.Load(), end)
		}
	}
	if !known && order[0] == 1 && d.behind() {
		t.Errorf("shown to %d of %d", d.pos.Load(), s.Log.Max())
	}
	if _, err := d.showLocked(s.Log.Max(), nil); err != nil || len(f.seen) != 6 {
		t.Fatalf("%d entries in the end, %v", len(f.seen), err)
	}
	for k, e := range f.seen {
		if want := appends[k/2][k%2]; e.LogOffset != want.LogOffset || k%2 == 0 && string(e.UniqueKey) != fmt.Sprint(k/2) {
			t.Errorf("entry %d is %+v", k, e)
		}
	}
}

func TestWhatWasAppendedToAQueueThatIsGoneIsReadBack(t *testing.T) {
	s, f := recorded(t)
	d := &s.dispatcher
	defer d.mu.Unlock()
	ds := []record.Draft{draftTo(s, "T", 0, ""), draftTo(s, "U", 0, ""), draftTo(s, "T", 0, "")}
	if err := s.AppendQuiet(ds, nil); err != nil {
		t.Fatal(err)
	}
	ds[1].Queue.(*Queue).gone.Store(true)
	d.board.put(ds)
	if more, err := d.showLocked(0, nil); more || err != nil || d.behind() {
		t.Fatalf("more: %v, %v; shown to %d of %d", more, err, d.pos.Load(), s.Log.Max())
	}
	if got := s.DispatchStats(); len(f.seen) != 3 || got.Memory.Messages != 1 || got.Log.Messages != 2 {
		t.Errorf("%d entries, %+v", len(f.seen), got)
	}
}

func TestTheBoardHoldsSoMuchAndTheRestIsReadBack(t *testing.T) {
	s, f := recorded(t)
	d := &s.dispatcher
	defer d.mu.Unlock()
	const n = maxAnnounced + 10
	for range n {
		ds := []record.Draft{draftTo(s, "T", 0, "")}
		if err := s.AppendQuiet(ds, nil); err != nil {
			t.Fatal(err)
		}
		s.Announce(ds) // finds mu taken
	}
	if more, err := d.showLocked(0, nil); more || err != nil || d.behind() {
		t.Fatalf("more: %v, %v; shown to %d of %d", more, err, d.pos.Load(), s.Log.Max())
	}
	if got := s.DispatchStats(); len(f.seen) != n || got.Memory.Messages != maxAnnounced || got.Log.Messages != 10 {
		t.Errorf("%d entries, %+v", len(f.seen), got)
	}
}

func TestAFollowerThatWouldWaitForADiskIsLeftToTheDispatcher(t *testing.T) {
	for _, atHand := range []int{0, 1} {
		o := announceOptions(t)
		f := &testFollower{slow: make(chan struct{})}
		o.Followers = []Follower{f}
		s := mustOpen(t, o)
		ds := []record.Draft{draftTo(s, "T", 0, "")}
		if err := s.AppendQuiet(ds, nil); err != nil {
			t.Fatal(err)
		}
		s.Announce(ds[:atHand]) // would not return
		close(f.slow)
		until(t, "the dispatcher has done it", func() bool { return s.DispatchBehind() == 0 })
	}
}

// hesitant is a follower of whom nobody knows that it won't wait for a disk.
type hesitant struct{ testFollower }

func (*hesitant) Quick() bool { return false }

func TestWhatIsLeftToTheDispatcherIsDoneAtOnce(t *testing.T) {
	o := announceOptions(t)
	o.Followers = []Follower{&hesitant{}}
	s := mustOpen(t, o)
	for i := range 20 {
		ds := []record.Draft{draftTo(s, "T", 0, "")}
		if err := s.AppendQuiet(ds, nil); err != nil {
			t.Fatal(err)
		}
		s.Announce(ds[:i%2])
		until(t, "the dispatcher has done it", func() bool { return s.DispatchBehind() == 0 })
	}
	wantNext(t, s, "T", 0, 0, 20)
}

func TestAFailureOfAFollowerIsTheDispatchersAlsoWhenAnnounceMeetsIt(t *testing.T) {
	for _, atHand := range []int{0, 1} {
		o := announceOptions(t)
		f := &testFollower{}
		o.Followers = []Follower{f}
		s := mustOpen(t, o)
		full := fmt.Errorf("write: %w", vfs.ErrFull)
		f.fail.Store(&full)
		ds := []record.Draft{draftTo(s, "T", 0, "")}
		if err := s.AppendQuiet(ds, nil); err != nil {
			t.Fatal(err)
		}
		s.Announce(ds[:atHand])
		until(t, "messages are refused", func() bool { return errors.Is(s.Log.Err(), vfs.ErrFull) })
		f.fail.Store(nil)
		until(t, "messages are taken again", func() bool { return s.Log.Err() == nil })
		if s.DispatchBehind() != 0 {
			t.Errorf("%d bytes behind", s.DispatchBehind())
		}
		wantNext(t, s, "T", 0, 0, 1)
	}
}
