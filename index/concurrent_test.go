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

// In a file system of Go memory the race detector sees what is read through the mapping while a flush writes there.
func TestPutsReadNoSlotThatAFlushChanges(t *testing.T) {
	x := mustOpen(t, Options{FS: vfs.NewMem(), Dir: "index", Slots: 3000, Entries: 50_000}, State{}, true)
	defer mustClose(t, x)
	stop := make(chan struct{})
	var flusher sync.WaitGroup
	flusher.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := x.Flush(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	hashes := make([]int32, 32)
	for i := range int64(1000) {
		for k := range hashes {
			hashes[k] = int32(i*7919+int64(k)*104729) % 5000
		}
		x.Warm(hashes)
		put(t, x, 10*i, 1_000_000+i, hashes...)
	}
	close(stop)
	flusher.Wait()
	if err := x.Verify(); err != nil {
		t.Error(err)
	}
}
