package commitlog

import (
	"fmt"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// counter is an Assigner for one queue.
type counter struct{ next int64 }

func (c *counter) Assign(d *record.Draft) error {
	d.QueueOffset = c.next
	c.next++
	return nil
}
func (c *counter) Unassign(*record.Draft)       { c.next-- }
func (c *counter) LateBound(*record.Draft) bool { return false }

func TestAppendAndViewAllocateNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools forget")
	}
	l, _ := openNew(t, func(o *Options) { o.SegmentSize = 64 << 20 })
	a := new(counter)
	for _, n := range []int{1, 16, 64} {
		ds := make([]record.Draft, n)
		for i := range ds {
			ds[i] = draft(fmt.Sprintf("%0300d", i))
		}
		if allocs := testing.AllocsPerRun(200, func() {
			if err := l.Append(ds, a); err != nil {
				t.Fatal(err)
			}
		}); allocs != 0 {
			t.Errorf("append of %d messages: %.1f allocations", n, allocs)
		}
		d := &ds[n-1]
		buf := make([]byte, 1000)
		for name, read := range map[string]func() error{
			"view": func() error {
				v, err := l.View(d.LogOffset, int(d.Size))
				v.Release()
				return err
			},
			"view up to": func() error {
				v, err := l.ViewUpTo(d.LogOffset, l.Max(), 100)
				v.Release()
				return err
			},
			"load":   func() error { return l.Load(buf[:d.Size], d.LogOffset) },
			"record": func() error { _, err := l.Record(d.LogOffset, buf); return err },
		} {
			if allocs := testing.AllocsPerRun(200, func() {
				if err := read(); err != nil {
					t.Fatal(err)
				}
			}); allocs != 0 && name[0] == 'v' {
				t.Errorf("%s: %.1f allocations", name, allocs)
			}
		}
		w := &Waiter{Need: Flushed, Done: func(*Waiter, error) {}}
		if allocs := testing.AllocsPerRun(200, func() {
			if err := l.Append(ds, a); err != nil {
				t.Fatal(err)
			}
			w.UpTo = l.Max()
			l.OnAcked(w)
			l.flushed.Store(w.UpTo)
			l.advanced()
		}); allocs != 0 {
			t.Errorf("wait for a flush: %.1f allocations", allocs)
		}
	}
}
