package produce

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// gate holds the flushes of the log back until it is opened.
type gate struct{ open chan error }

func (g *gate) before(op vfs.Op) error {
	if op.Kind == vfs.OpDatasync && strings.Contains(op.Name, "commitlog/") {
		return <-g.open
	}
	return nil
}

// held is a synchronous log whose flushes wait for the gate.
func held(t *testing.T) (*fixture, *gate) {
	g := &gate{make(chan error)}
	f := newFixture(t, func(s *setup) {
		s.store.FS = vfs.Fault(s.store.FS, g.before)
		s.store.Log.SyncFlush = true
		s.config.SyncFlushTimeout = time.Hour
	})
	t.Cleanup(func() { close(g.open) }) // before the store is closed
	return f, g
}

func TestASenderIsToldWhenItsMessageIsOnDisk(t *testing.T) {
	f, g := held(t)
	b, done := NewBatch(), make(chan struct{})
	f.Add(b, order())
	if f.Submit(b, func() { close(done) }) {
		t.Fatal("it was acknowledged before the flush")
	}
	select {
	case <-done:
		t.Fatal("it was acknowledged before the flush")
	default:
	}
	g.open <- nil
	<-done
	if r := f.one(t, b, 0); string(r.Body) != "one book" {
		t.Errorf("stored %q", r.Body)
	}
}

func TestASenderThatDoesNotWaitIsToldAtOnce(t *testing.T) {
	f, _ := held(t)
	b, r := NewBatch(), order()
	r.Properties = props("WAIT", "false")
	f.Add(b, r)
	if !f.Submit(b, nil) {
		t.Fatal("WAIT=false waited for the flush")
	}
	if stored, no := b.Stored(0); no != nil || len(stored) != 1 {
		t.Errorf("%v %+v", stored, no)
	}
}

func TestAFlushThatFailsConcernsThoseWhoWaited(t *testing.T) {
	f, g := held(t)
	b, patient, hasty, done := NewBatch(), order(), order(), make(chan struct{})
	hasty.Properties = props("WAIT", "false")
	f.Add(b, patient)
	f.Add(b, hasty)
	if f.Submit(b, func() { close(done) }) {
		t.Fatal("it was acknowledged before the flush")
	}
	g.open <- errors.New("I/O error")
	<-done
	if _, no := b.Stored(0); no == nil || no.Reason != Unavailable {
		t.Errorf("the sender that waited got %+v", no)
	}
	if _, no := b.Stored(1); no != nil {
		t.Errorf("the sender that didn't wait got %+v", no)
	}
	if no := f.refusal(t, order()); no.Reason != Unavailable {
		t.Errorf("the next sender got %+v", no)
	}
}

func TestAFlushThatIsLateIsSaidTogetherWithThePlace(t *testing.T) {
	f, _ := held(t)
	f.Config.Load().SyncFlushTimeout = time.Millisecond
	b := f.send(t, order())
	stored, no := b.Stored(0)
	if no == nil || no.Reason != FlushTimeout || len(stored) != 1 || stored[0].QueueOffset != 0 {
		t.Errorf("%+v %+v", stored, no)
	}
}

func TestAFullDiskRefusesMessagesUntilItHasRoomAgain(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.store.Log.SegmentSize = 64 << 10 })
	r := order()
	r.Body = make([]byte, 30<<10)
	f.one(t, f.send(t, r), 0)
	f.mem.SetCapacity(1)
	var refused *Refusal
	for range 10 { // some room may have been taken ahead
		if _, refused = f.send(t, r).Stored(0); refused != nil {
			break
		}
	}
	if refused == nil || refused.Reason != Unavailable {
		t.Fatalf("a full disk: %+v", refused)
	}
	f.mem.SetCapacity(1 << 30)
	next := f.one(t, f.send(t, r), 0)
	if before := f.previous(t, next); next.QueueOffset != before+1 {
		t.Errorf("queue offset %d after %d", next.QueueOffset, before)
	}
}

// previous is the queue offset of the newest record before r that is of its queue.
func (f *fixture) previous(t *testing.T, r record.Record) int64 {
	t.Helper()
	last := int64(-1)
	for off := f.store.Log.Min(); off < r.LogOffset; {
		buf, err := f.store.Log.Record(off, nil)
		if err != nil { // the blank at the end of a segment
			off += f.store.Log.SegmentSize() - off%f.store.Log.SegmentSize()
			continue
		}
		var one record.Record
		if err := record.Decode(buf, &one); err != nil {
			t.Fatal(err)
		}
		last, off = one.QueueOffset, off+int64(one.Size)
	}
	return last
}
