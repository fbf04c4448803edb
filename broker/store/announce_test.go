package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// announceOptions make a store whose index is large enough for Announce to put something into it.
func announceOptions(t *testing.T) Options {
	o := memOptions(t, vfs.NewMem())
	o.IndexSlots, o.IndexEntries = 1000, 4*quickRoom
	return o
}

func TestWhatIsAnnouncedIsDispatchedOnTheSpot(t *testing.T) {
	o := announceOptions(t)
	f := &testFollower{}
	o.Followers = []Follower{f}
	s := mustOpen(t, o)
	onTheSpot := 0
	for range 100 {
		if err := s.AppendQuiet([]record.Draft{draftTo(s, "T", 0, "")}, nil); err != nil {
			t.Fatal(err)
		}
		s.Announce()
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
					s.Announce()
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

func TestAFollowerThatWouldWaitForADiskIsLeftToTheDispatcher(t *testing.T) {
	o := announceOptions(t)
	f := &testFollower{slow: make(chan struct{})}
	o.Followers = []Follower{f}
	s := mustOpen(t, o)
	if err := s.AppendQuiet([]record.Draft{draftTo(s, "T", 0, "")}, nil); err != nil {
		t.Fatal(err)
	}
	s.Announce() // would not return
	close(f.slow)
	until(t, "the dispatcher has done it", func() bool { return s.DispatchBehind() == 0 })
}

func TestAFailureOfAFollowerIsTheDispatchersAlsoWhenAnnounceMeetsIt(t *testing.T) {
	o := announceOptions(t)
	f := &testFollower{}
	o.Followers = []Follower{f}
	s := mustOpen(t, o)
	full := fmt.Errorf("write: %w", vfs.ErrFull)
	f.fail.Store(&full)
	if err := s.AppendQuiet([]record.Draft{draftTo(s, "T", 0, "")}, nil); err != nil {
		t.Fatal(err)
	}
	s.Announce()
	until(t, "messages are refused", func() bool { return errors.Is(s.Log.Err(), vfs.ErrFull) })
	f.fail.Store(nil)
	until(t, "messages are taken again", func() bool { return s.Log.Err() == nil })
	if s.DispatchBehind() != 0 {
		t.Errorf("%d bytes behind", s.DispatchBehind())
	}
}
