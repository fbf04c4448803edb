package measure

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestAPacerCatchesUpInBursts(t *testing.T) {
	var stopped atomic.Bool
	p := &Pacer{Start: time.Now().Add(-time.Second), Rate: 1000, First: 10, Total: 1000, Burst: 300} // all is overdue
	var next int64
	largest := int64(0)
	err := p.Run(&stopped, func(from, to int64) error {
		if from != next || to <= from {
			t.Errorf("sends %d … %d, expected from %d on", from, to-1, next)
		}
		largest = max(largest, to-from)
		next = to
		return nil
	})
	if err != nil || next != 1000 || largest != 300 {
		t.Errorf("%d sends, at most %d at once, %v", next, largest, err)
	}
	if p.Lateness.TotalCount() != 990 || p.Late < 900 {
		t.Errorf("lateness of %d sends, %d late, expected of the 990 that are measured", p.Lateness.TotalCount(), p.Late)
	}
}

func TestNothingIsSentBeforeItIsDue(t *testing.T) {
	var stopped atomic.Bool
	p := &Pacer{Start: time.Now(), Base: int64(time.Millisecond), Rate: 2000, Total: 20, Burst: 100}
	err := p.Run(&stopped, func(_, to int64) error {
		if now := int64(time.Since(p.Start)); now < p.Due(to-1) {
			t.Errorf("send %d at %d ns, due at %d", to-1, now, p.Due(to-1))
		}
		return nil
	})
	if err != nil || p.Sent != 20 {
		t.Errorf("%d sent, %v", p.Sent, err)
	}
}

func TestAPacerEndsWhenItIsStoppedOrFails(t *testing.T) {
	var stopped atomic.Bool
	p := &Pacer{Start: time.Now(), Rate: 1_000_000, Total: 1 << 40, Burst: 10}
	if err := p.Run(&stopped, func(_, to int64) error { stopped.Store(to >= 100); return nil }); err != nil || p.Sent < 100 {
		t.Errorf("%d sent, %v", p.Sent, err)
	}
	broken := errors.New("broken")
	stopped.Store(false)
	if err := p.Run(&stopped, func(int64, int64) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
