package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/procfs"
	"github.com/gantry-mq/gantry/benchmarks/report"
)

func mustRun(t *testing.T, p *Plan) *report.Report {
	t.Helper()
	r, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSubjectsAreMeasuredInTurnAndCompared(t *testing.T) {
	p := fakePlan(t, 3, fakeSubject(t, "a", "well"), fakeSubject(t, "b", "well"), fakeSubject(t, "gone", "well"))
	p.Subjects[2].Absent = "not built"
	p.Loads[0].Entries[0].Flags = []string{"--rate=300"}
	p.Loads[0].Entries[1].Flags = []string{"--rate=100"}
	p.Loads[0].Metrics[0].Goals = []Goal{
		{Text: "2 × b", Terms: []Term{{Factor: 2, Subject: "b"}}},
		{Text: "4 × b", Terms: []Term{{Factor: 4, Subject: "b"}}},
		{Text: "as b and 250", Absolute: 250, Terms: []Term{{Factor: 1, Subject: "b", Row: "load/rate"}}},
		{Text: "gone", Terms: []Term{{Factor: 1, Subject: "gone"}}},
	}
	r := mustRun(t, p)
	row := r.Row("load/rate")
	if row == nil || len(row.Cells) != 2 || !slices.Equal(row.Cells[0].Values, []float64{300, 300, 300}) || !slices.Equal(row.Cells[0].Rounds, []int{0, 1, 2}) {
		t.Fatalf("%s", toJSON(t, r))
	}
	if c := row.Cells[0]; c.Summary.Median != 300 || c.Ratio == nil || c.Ratio.Estimate < 2.999 || c.Ratio.Estimate > 3.001 || row.Cells[1].Ratio != nil {
		t.Errorf("%s", toJSON(t, row))
	}
	for i, want := range []struct {
		limit float64
		met   bool
	}{{200, true}, {400, false}, {350, false}} {
		if g := row.Goals[i]; g.Met == nil || *g.Met != want.met || g.Limit != want.limit {
			t.Errorf("%s", toJSON(t, g))
		}
	}
	if g := row.Goals[3]; g.Met != nil || g.Missing != "gone" {
		t.Errorf("%s", toJSON(t, g))
	}
	run := r.Loads[0].Runs[0]
	if run.Rounds != 3 || run.ReadySeconds <= 0 || run.RSSPeakBytes <= 0 || run.RSSPeakBytes < run.RSSIdleBytes || len(run.Latencies) < 8 || len(run.Failures) > 0 {
		t.Errorf("%s", toJSON(t, run))
	}
	if p50 := run.Latencies[3]; p50[0] != 50 || p50[1] < 495 || p50[1] > 505 {
		t.Errorf("p50 %v, expected 500 µs", p50)
	}
	if r.Subjects[0].Version != "v7" || row.Goals[1].Share != 0.75 {
		t.Errorf("%s", toJSON(t, r))
	}
	if r.Subjects[2].Absent == "" {
		t.Error("the report doesn't say why a subject was not measured")
	}
	if left, err := os.ReadDir(p.Dir); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestWhoFailsIsNamedAndLeftOut(t *testing.T) {
	for how, test := range map[string]struct {
		flags    []string
		scenario Scenario
		within   time.Duration
		want     []string
	}{
		"stillborn": {nil, Drive, 0, []string{"ended before it was ready", "no port"}},
		"mute":      {nil, Drive, 200 * time.Millisecond, []string{"not ready after 200ms"}},
		"unclean":   {nil, Restart, 0, []string{"after SIGTERM", "lost a file"}},
		"stubborn":  {nil, Restart, 2 * time.Second, []string{"still runs 2s after SIGTERM"}},
		"well":      {[]string{"--fail"}, Drive, 0, []string{"code 13"}},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			p := fakePlan(t, 3, fakeSubject(t, "bad", how), fakeSubject(t, "b", "well"))
			p.Loads[0].Scenario, p.Loads[0].Entries[0].Flags = test.scenario, test.flags
			if test.within > 0 {
				p.Loads[0].Within = test.within
				p.Loads[0].Entries = p.Loads[0].Entries[:1] // who is well might not be as fast
			}
			r := mustRun(t, p)
			failures := r.Loads[0].Runs[0].Failures
			if len(failures) != maxFailures {
				t.Fatalf("%d failures, expected to be left out after %d: %q", len(failures), maxFailures, failures)
			}
			for _, want := range test.want {
				if !strings.Contains(failures[0], want) {
					t.Errorf("%q, expected %q in it", failures[0], want)
				}
			}
			if row := r.Row("load/rate"); len(r.Loads[0].Runs) > 1 && (row == nil || len(row.Cells) != 1 || len(row.Cells[0].Values) != 3) {
				t.Errorf("the other subject: %s", toJSON(t, row))
			}
		})
	}
}

func TestWhatAServerRefusesIsCountedAndTheRoundStands(t *testing.T) {
	p := fakePlan(t, 2, fakeSubject(t, "a", "well"), fakeSubject(t, "broken", "well"))
	p.Loads[0].Entries[0].Flags = []string{"--rate=5", "--refused"}
	p.Loads[0].Entries[1].Flags = []string{"--rate=5", "--refused=connection reset"}
	r := mustRun(t, p)
	if u := r.Loads[0].Runs[0]; u.Rounds != 2 || u.Refused != 14 || len(u.Failures) > 0 {
		t.Errorf("%s", toJSON(t, u))
	}
	if u := r.Loads[0].Runs[1]; u.Rounds != 0 || len(u.Failures) != 2 {
		t.Errorf("a load that broke off: %s", toJSON(t, u))
	}
}

func TestAGoalWithinTheNoiseIsMarked(t *testing.T) {
	p := fakePlan(t, 3, fakeSubject(t, "a", "well"), fakeSubject(t, "b", "well"))
	reached := map[string][]float64{"a": {190, 210, 230}, "b": {100, 100, 100}}
	p.Loads[0].Metrics[0].Of = func(t *Trial) (float64, bool) { return reached[t.Version][t.Round], true }
	p.Subjects[0].Serve, p.Subjects[1].Serve = append(p.Subjects[0].Serve, "a"), append(p.Subjects[1].Serve, "b")
	for _, factor := range []float64{2, 1.5, 2.5} {
		p.Loads[0].Metrics[0].Goals = append(p.Loads[0].Metrics[0].Goals, Goal{Terms: []Term{{Factor: factor, Subject: "b"}}})
	}
	row := mustRun(t, p).Row("load/rate")
	for i, unsure := range []bool{true, false, false} {
		if g := row.Goals[i]; g.Unsure != unsure || g.Met == nil || *g.Met != (i < 2) {
			t.Errorf("%s", toJSON(t, g))
		}
	}
}

func TestGoalsAreNotJudgedByWhatOthersReached(t *testing.T) {
	p := fakePlan(t, 1, fakeSubject(t, "a", "stillborn"), fakeSubject(t, "b", "well"))
	p.Loads[0].Entries[1].Flags = []string{"--rate=100"}
	p.Loads[0].Metrics[0].Goals = []Goal{{Text: "50", Absolute: 50}}
	row := mustRun(t, p).Row("load/rate")
	if g := row.Goals[0]; g.Met != nil || g.Missing != "a" {
		t.Errorf("%s", toJSON(t, row))
	}
}

func TestAServerThatDiesUnderTheLoadEndsTheRoundAtOnce(t *testing.T) {
	p := fakePlan(t, 1, fakeSubject(t, "dying", "dying"))
	p.Loads[0].Entries[0].Flags = []string{"--begun={data}"}
	began := time.Now()
	r := mustRun(t, p)
	if f := r.Loads[0].Runs[0].Failures; len(f) != 1 || !strings.Contains(f[0], "ended under the load") || !strings.Contains(f[0], "out of luck") {
		t.Errorf("%q", f)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// steal makes each look at the CPUs say that others have taken the next of the shares since the last one.
func steal(shares ...float64) func() (procfs.CPUTimes, error) {
	var now procfs.CPUTimes
	looks := 0
	return func() (procfs.CPUTimes, error) {
		if looks++; looks%2 == 0 {
			now.Total += 100 * time.Second
			now.Steal += time.Duration(shares[looks/2-1] * float64(100*time.Second))
		}
		return now, nil
	}
}

func TestANoisyRoundIsRepeatedThenMarked(t *testing.T) {
	p := fakePlan(t, 2, fakeSubject(t, "a", "well"))
	p.CPUTimes = steal(0.5, 0.25, 0.05, 0.5, 0.3, 0.2, 0.4)
	r := mustRun(t, p)
	if u := r.Loads[0].Runs[0]; u.Repeats != 5 || u.Noisy != 1 || u.Steal < 0.1999 || u.Steal > 0.2001 || u.Rounds != 2 {
		t.Errorf("%s", toJSON(t, u))
	}
}

func TestAStopEndsEveryProcessAndKeepsWhatWasMeasured(t *testing.T) {
	p := fakePlan(t, 2, fakeSubject(t, "a", "well"), fakeSubject(t, "endless", "well"))
	p.Loads[0].Entries[1].Flags = []string{"--begun={data}"}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // ends with the test: the file comes, or the plan's end stops ctx
		for ctx.Err() == nil {
			if found, _ := filepath.Glob(filepath.Join(p.Dir, "*", "data", "begun")); len(found) > 0 {
				stop()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	r, err := p.Run(ctx)
	if !errors.Is(err, context.Canceled) || r.Ended == "" || len(r.Loads) != 1 || r.Loads[0].Runs[0].Rounds != 1 {
		t.Fatalf("%v, %s", err, toJSON(t, r))
	}
	if left, err := os.ReadDir(p.Dir); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	if alive := descendants(t); len(alive) > 0 {
		t.Errorf("processes are left: %v", alive)
	}
}

// descendants are the ids of processes that this one has started and that still run.
func descendants(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil {
			out = append(out, strings.Fields(string(b))...)
		}
	}
	return out
}

func TestARestartIsMeasuredStepByStep(t *testing.T) {
	p := fakePlan(t, 1, fakeSubject(t, "a", "well"))
	p.Loads[0].Scenario = Restart
	var got Trial
	p.Loads[0].Metrics[0].Of = func(t *Trial) (float64, bool) { got = *t; return 1, true }
	mustRun(t, p)
	if got.Stop <= 0 || got.CleanStart <= 0 || got.KilledStart <= 0 {
		t.Errorf("%+v", got)
	}
}

func TestAServerNeedNotStopAfterALoad(t *testing.T) {
	p := fakePlan(t, 1, fakeSubject(t, "a", "stubborn"))
	if r := mustRun(t, p); r.Loads[0].Runs[0].Rounds != 1 {
		t.Errorf("%s", toJSON(t, r.Loads))
	}
}

func TestHistogramLogsAreKeptWhereThatIsWanted(t *testing.T) {
	p := fakePlan(t, 1, fakeSubject(t, "a", "well"))
	p.KeepLogs = t.TempDir()
	mustRun(t, p)
	if _, err := os.Stat(filepath.Join(p.KeepLogs, "load-a-0.hlog")); err != nil {
		t.Error(err)
	}
}

func TestASubjectDoesNoMoreRoundsThanItsEntryAllows(t *testing.T) {
	p := fakePlan(t, 3, fakeSubject(t, "a", "well"), fakeSubject(t, "b", "well"))
	p.Loads[0].Entries[0].Flags = []string{"--rate=2"}
	p.Loads[0].Entries[1].Flags = []string{"--rate=1"}
	p.Loads[0].Entries[1].Rounds = 1
	row := mustRun(t, p).Row("load/rate")
	if len(row.Cells[0].Values) != 3 || len(row.Cells[1].Values) != 1 || row.Cells[0].Ratio == nil || row.Cells[0].Ratio.Rounds != 1 {
		t.Errorf("%s", toJSON(t, row))
	}
}
