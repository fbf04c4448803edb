package inspect

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/gantry-mq/gantry/broker/internal/golden"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestStoresOfThePeerAreInOrder(t *testing.T) {
	if raceDetector {
		t.Skip("one goroutine, and minutes of unpacking")
	}
	for _, test := range []struct {
		name    string
		clean   bool
		records int64 // that take a place in a queue
	}{
		{"java-store-5.5.0", true, 634}, {"java-store-5.5.0-features", true, 1031}, {"java-store-5.5.0-tiered", true, 1021},
		{"java-store-5.5.0-killed", false, 4083}, {"java-store-5.5.0-crashed", false, 1284},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := golden.Unpack(t, test.name, "timerwheel")
			l, err := OpenLog(vfs.OS(), []string{filepath.Join(dir, "commitlog")}, math.MaxInt64)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			r, err := Verify(vfs.OS(), dir, l, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Clean != test.clean || r.Stats.Records != test.records {
				t.Errorf("clean %v with %d records, expected %v with %d", r.Clean, r.Stats.Records, test.clean, test.records)
			}
			for _, p := range r.Problems {
				t.Errorf("%s: %s", p.Where, p.What)
			}
		})
	}
}
