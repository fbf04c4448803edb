package index

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// One goroutine puts, others flush, retire and query: what was put before a query began is found by it.
func TestQueriesSeeWhatWasPutBeforeThem(t *testing.T) {
	x := mustOpen(t, Options{FS: vfs.OS(), Dir: t.TempDir(), Slots: 3000, Entries: 5000, MaxPending: 700}, State{}, true)
	defer mustClose(t, x)
	const records = 20_000
	var done, low atomic.Int64 // records below done are in, those below low may be retired
	var others sync.WaitGroup
	for range 2 {
		others.Go(func() {
			var dst []int64
			for k := int64(0); done.Load() < records; k++ {
				n := done.Load()
				if n == 0 {
					continue
				}
				i := n - 1 - k*7919%min(n, 6000)
				got, err := x.Query(int32(2+i), 0, always, 10, dst[:0])
				if err != nil || !slices.Equal(got, []int64{10 * i}) && i >= low.Load() {
					t.Errorf("record %d of %d: %v, %v", i, n, got, err)
					return
				}
				if got, err = x.Query(1, 0, always, 10, dst[:0]); err != nil || got[0] < 10*(n-1) || !slices.IsSortedFunc(got, func(a, b int64) int { return int(b - a) }) {
					t.Errorf("after %d records: %v, %v", n, got, err)
					return
				}
				dst = got
			}
		})
	}
	others.Go(func() {
		for done.Load() < records {
			s, err := x.Flush()
			if err != nil {
				t.Error(err)
				return
			}
			min := s.LogOffset - 60_000
			low.Store(min/10 + 1)
			if err := x.SetMinLog(min); err != nil {
				t.Error(err)
				return
			}
			_ = x.Stats()
		}
	})
	for i := range int64(records) {
		put(t, x, 10*i, 1_000_000+i, 1, int32(2+i))
		done.Store(i + 1)
	}
	others.Wait()
	if err := x.Verify(); err != nil {
		t.Error(err)
	}
}
