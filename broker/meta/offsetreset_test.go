package meta

import (
	"sync"
	"testing"
)

func TestAResetStandsUntilAPullTakesIt(t *testing.T) {
	offsets := newStore(t).offsets(t, false)
	offsets.Commit("g", "t", 0, 50)
	offsets.Reset("g", "t", 0, 10)
	if offsets.CommitUnlessReset("g", "t", 0, 51) {
		t.Error("a consumer that doesn't know of the reset has committed")
	}
	offsets.Commit("g", "t", 0, 52)
	if got := offsets.Query("g", "t", 0); got != 10 {
		t.Errorf("offset %d, 10 expected", got)
	}
	if !offsets.CommitUnlessReset("g", "t", 1, 7) || !offsets.CommitUnlessReset("h", "t", 0, 7) {
		t.Error("the reset holds up another queue or group")
	}
	if got, ok := offsets.TakeReset("g", "t", 0); !ok || got != 10 {
		t.Errorf("taken %d %v, 10 expected", got, ok)
	}
	if _, ok := offsets.TakeReset("g", "t", 0); ok {
		t.Error("taken twice")
	}
	if got := offsets.Query("g", "t", 0); got != 10 {
		t.Errorf("offset %d after the reset was taken, 10 expected", got)
	}
	if !offsets.CommitUnlessReset("g", "t", 0, 11) || offsets.Query("g", "t", 0) != 11 {
		t.Error("nothing can be committed after the reset was taken")
	}
}

func TestAResetOutlivesTheBrokerAsACommittedOffset(t *testing.T) {
	s := newStore(t)
	offsets := s.offsets(t, false)
	offsets.Reset("g", "t", 3, 10)
	if err := offsets.Persist(); err != nil {
		t.Fatal(err)
	}
	offsets = s.offsets(t, false)
	if _, ok := offsets.TakeReset("g", "t", 3); ok || offsets.Query("g", "t", 3) != 10 {
		t.Errorf("reset %v, offset %d", ok, offsets.Query("g", "t", 3))
	}
}

func TestRemovalForgetsResetsAndPulls(t *testing.T) {
	offsets := newStore(t).offsets(t, false)
	for name, remove := range map[string]func(){
		"topic": func() { offsets.RemoveTopic("t") },
		"group": func() { offsets.RemoveGroup("g") },
	} {
		offsets.Reset("g", "t", 0, 10)
		offsets.NotePull("g", "t", 0, 12)
		remove()
		if _, ok := offsets.TakeReset("g", "t", 0); ok || offsets.Query("g", "t", 0) != -1 || offsets.Pulled("g", "t", 0) != -1 {
			t.Errorf("after the %s is gone: reset %v, offset %d, pulled %d", name, ok, offsets.Query("g", "t", 0), offsets.Pulled("g", "t", 0))
		}
	}
}

func TestWhereConsumersPullIsKnownBesideWhatTheyCommitted(t *testing.T) {
	offsets := newStore(t).offsets(t, false)
	offsets.Commit("g", "t", 0, 5)
	if got := offsets.Pulled("g", "t", 0); got != 5 {
		t.Errorf("before any pull: %d, 5 expected", got)
	}
	offsets.NotePull("g", "t", 0, 37)
	offsets.NotePull("h", "u", 0, 1)
	if pulled, committed := offsets.Pulled("g", "t", 0), offsets.Query("g", "t", 0); pulled != 37 || committed != 5 {
		t.Errorf("pulled %d, committed %d", pulled, committed)
	}
	if topics := offsets.Topics("h"); len(topics) != 0 {
		t.Errorf("a group that has only pulled has committed offsets of %q", topics)
	}
}

// A consumer that commits while its offset is reset either comes first or is refused: what is taken is what stands.
func TestACommitDoesNotUndoAResetThatComesMeanwhile(t *testing.T) {
	offsets := newStore(t).offsets(t, false)
	for i := range int64(2000) {
		var wg sync.WaitGroup
		wg.Go(func() { offsets.CommitUnlessReset("g", "t", 0, 1_000_000+i) })
		wg.Go(func() { offsets.Reset("g", "t", 0, i) })
		wg.Wait()
		if got, ok := offsets.TakeReset("g", "t", 0); !ok || got != i || offsets.Query("g", "t", 0) != i {
			t.Fatalf("round %d: taken %d %v, offset %d", i, got, ok, offsets.Query("g", "t", 0))
		}
	}
}

func TestNotingAPullAllocatesNothing(t *testing.T) {
	offsets := newStore(t).offsets(t, false)
	if n := testing.AllocsPerRun(100, func() {
		offsets.NotePull("group", "topic", 3, 7)
		offsets.TakeReset("group", "topic", 3)
		offsets.CommitUnlessReset("group", "topic", 3, 7)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
