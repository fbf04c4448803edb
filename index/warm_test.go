package index

import (
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestWarmingIsPossibleAtAnyTimeAndChangesNothing(t *testing.T) {
	x := mustOpen(t, Options{FS: vfs.NewMem(), Dir: "/index", Slots: 50, Entries: 100}, State{}, true)
	defer mustClose(t, x)
	hashes := []int32{5, -5, 1 << 30}
	x.Warm(hashes)              // no file
	for i := range int64(250) { // several files
		x.Warm(hashes)
		if err := x.PutRecord(i*100, 1_000_000+i, hashes[:1]); err != nil {
			t.Fatal(err)
		}
		if i == 20 {
			flush(t, x)
		}
	}
	x.Warm(nil)
	x.Warm(hashes)
	got, err := x.Query(5, 0, always, 1000, nil)
	if err != nil || len(got) != 250 {
		t.Errorf("%d records, %v, expected 250", len(got), err)
	}
}
