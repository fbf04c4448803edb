package commitlog

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// quietly appends one message and waits for it as one does who is alone.
func quietly(t *testing.T, l *Log, a Assigner, done func(error)) {
	t.Helper()
	ds := []record.Draft{draft("x")}
	if err := l.AppendQuiet(ds, a); err != nil {
		t.Fatal(err)
	}
	l.OnAcked(&Waiter{UpTo: end(ds[0]), Need: Confirmed, Alone: true, Done: func(_ *Waiter, err error) { done(err) }})
}

// quietResult is quietly with the outcome in a channel.
func quietResult(t *testing.T, l *Log, a Assigner) <-chan error {
	c := make(chan error, 1)
	quietly(t, l, a, func(err error) { c <- err })
	return c
}

func TestWhoIsAloneFlushesHimself(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, g := openGated(t)
	a := newNumbers(t)
	for range 3 {
		told := errors.New("not yet told") // by this goroutine: it isn't guarded
		quietly(t, l, a, func(err error) { told = err })
		go g.pass()
		l.FlushHere()
		if told != nil {
			t.Error(told)
		}
	}
	if n := l.Stats().Flushes; n != 3 {
		t.Errorf("%d flushes of three messages", n)
	}
	l.FlushHere() // has nothing to do
	g.fail = vfs.ErrIO
	var told error
	quietly(t, l, a, func(err error) { told = err })
	go g.pass()
	l.FlushHere()
	if !errors.Is(told, ErrFailed) || !errors.Is(l.Err(), vfs.ErrIO) {
		t.Errorf("a flush that failed: told %v, the log says %v", told, l.Err())
	}
	l.Close()
}

func TestACrowdIsLeftToTheFlusher(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, g := openGated(t)
	a := newNumbers(t)
	one, two := quietResult(t, l, a), quietResult(t, l, a)
	l.FlushHere()
	pending(one)
	pending(two)
	g.pass()
	if err := errors.Join(<-one, <-two); err != nil {
		t.Error(err)
	}
	// Two were let go, so there may be more of them soon.
	three := quietResult(t, l, a)
	l.FlushHere()
	pending(three)
	g.pass()
	if err := <-three; err != nil {
		t.Error(err)
	}
	// While a flush runs, the next is the flusher's in any case.
	other := result(l, end(mustAppend(t, l, a, draft("x"))[0]), Confirmed)
	<-g.entered
	four := quietResult(t, l, a)
	l.FlushHere()
	g.open <- struct{}{}
	g.pass()
	if err := errors.Join(<-other, <-four); err != nil {
		t.Error(err)
	}
	if n := l.Stats().Flushes; n != 4 {
		t.Errorf("%d flushes", n)
	}
	l.Close()
}

// TestTheNextFlushDoesNotWaitForAnswers: who came during a flush has the next one at once, however long it takes to tell the others.
func TestTheNextFlushDoesNotWaitForAnswers(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, g := openGated(t)
	a := newNumbers(t)
	tell, told := make(chan struct{}), make(chan error, 1)
	first := mustAppend(t, l, a, draft("x"))
	l.OnAcked(&Waiter{UpTo: end(first[0]), Need: Flushed, Done: func(_ *Waiter, err error) {
		<-tell
		told <- err
	}})
	<-g.entered
	second := result(l, end(mustAppend(t, l, a, draft("x"))[0]), Flushed)
	g.open <- struct{}{}
	<-g.entered // while the first hasn't been told
	close(tell)
	g.open <- struct{}{}
	if err := errors.Join(<-told, <-second); err != nil {
		t.Error(err)
	}
	l.Close()
}
