package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAServerUnderAQuotaIsHeldToIt(t *testing.T) {
	try := &Quota{CPUs: 0.5, MemoryBytes: 64 << 20}
	if err := try.make("gantry-bench-test"); err != nil {
		_ = try.remove("gantry-bench-test") // what was made of it
		t.Skipf("no control groups here: %v", err)
	}
	if err := try.remove("gantry-bench-test"); err != nil {
		t.Fatal(err)
	}
	p := fakePlan(t, 1, fakeSubject(t, "a", "busy"))
	p.Loads[0].Entries[0].Quota = &Quota{CPUs: 0.1, MemoryBytes: 64 << 20}
	p.Loads[0].Entries[0].Flags = []string{"--wait=400ms"}
	var throttled float64
	p.Loads[0].Metrics[0].Of = func(t *Trial) (float64, bool) { throttled = t.Throttled; return 1, true }
	r := mustRun(t, p)
	if throttled <= 0 || throttled > 1 {
		t.Errorf("throttled in %v of the periods; %s", throttled, toJSON(t, r))
	}
	if serve := r.Loads[0].Runs[0].Serve; !strings.HasSuffix(serve, "(in a control group: 0.1 CPU, 64 MiB)") {
		t.Errorf("%q", serve)
	}
	if left, _ := filepath.Glob(filepath.Join(cgroupRoot, "*", "round-*")); len(left) > 0 {
		t.Errorf("groups are left: %v", left)
	}
}

func TestTheThrottledPartIsReadFromTheGroup(t *testing.T) {
	if got, err := parseThrottled("usage_usec 5\nnr_periods 200\nnr_throttled 50\nthrottled_usec 9\n"); err != nil || got != 0.25 {
		t.Errorf("%v, %v, expected 0.25", got, err)
	}
	for _, text := range []string{"", "nr_periods x\n", "nr_throttled 4\n"} {
		if got, err := parseThrottled(text); err == nil {
			t.Errorf("%q: %v, expected an error", text, got)
		}
	}
}

func TestBothVersionsOfControlGroupsAreServed(t *testing.T) {
	q := &Quota{CPUs: 0.5, MemoryBytes: 1 << 20}
	root := t.TempDir()
	v1 := q.groups(root, "g")
	if len(v1) != 2 || v1[filepath.Join(root, "cpu", "g")][1] != [2]string{"cpu.cfs_quota_us", "50000"} || v1[filepath.Join(root, "memory", "g")][0][1] != "1048576" {
		t.Errorf("version 1: %v", v1)
	}
	if err := os.WriteFile(filepath.Join(root, "cgroup.controllers"), []byte("cpu memory"), 0o644); err != nil {
		t.Fatal(err)
	}
	v2 := q.groups(root, "g")[filepath.Join(root, "g")]
	if len(v2) != 2 || v2[0] != [2]string{"cpu.max", "50000 100000"} || v2[1] != [2]string{"memory.max", "1048576"} {
		t.Errorf("version 2: %v", v2)
	}
}
