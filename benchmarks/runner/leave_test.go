package runner

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gantry-mq/gantry/benchmarks/procfs"
)

func TestWhatRoundsLeaveIsEmptyAndGoneInTheEnd(t *testing.T) {
	p := fakePlan(t, 2, fakeSubject(t, "a", "well"))
	files, bytes := 0, int64(0)
	p.CPUTimes = func() (procfs.CPUTimes, error) { // is asked before and after each round
		for _, dir := range p.left {
			names, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil {
				return procfs.CPUTimes{}, err
			}
			for _, name := range names {
				if i, err := os.Stat(name); err == nil && i.Mode().IsRegular() {
					files, bytes = files+1, bytes+i.Size()
				}
			}
		}
		return procfs.CPUTimes{}, nil
	}
	mustRun(t, p)
	if files == 0 || bytes > 0 {
		t.Errorf("between rounds: %d files with %d bytes, expected some with none", files, bytes)
	}
	if left, err := os.ReadDir(p.Dir); err != nil || len(left) > 0 {
		t.Errorf("in the end: %v, %v", left, err)
	}
}
