package report

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/procfs"
	"github.com/gantry-mq/gantry/benchmarks/stats"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample has something of everything.
func sample() *Report {
	met, missed := true, false
	ratio := &stats.Ratio{Estimate: 0.512, Low: 0.49, High: 0.54, Confidence: 0.9375, Rounds: 5}
	r := &Report{
		Name: "goals", Started: time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC), Seconds: 754, Command: "go run ./benchmarks/compare -rounds 5",
		Commit: "0123456789ab", Modified: true, Rounds: 5, Ended: "runner: stopped",
		Machine: procfs.Machine{CPUs: 2, CPU: "Fast", MemoryBytes: 24 << 30, Kernel: "6.1", FileSystem: "ext4 on vda", Go: "go1.26"},
		Subjects: []Subject{
			{Name: "gantry", Title: "Gantry", Config: "defaults", Serve: "gantry up"},
			{Name: "java", Title: "RocketMQ", Absent: "go build: no | such\nfile"},
		},
		Loads: []Load{{
			ID: "produce", Title: "Produce",
			Runs: []Run{
				{Subject: "gantry", Drive: "gantry bench send", Serve: "gantry up --set x", Rounds: 5, ReadySeconds: 0.05, ServerCPUSeconds: 4.5, ClientCPUSeconds: 2,
					RSSIdleBytes: 2e6, RSSPeakBytes: 9.5e6, WrittenBytes: 1e9, Steal: 0.12, Noisy: 1, Repeats: 4, Refused: 12345, Latencies: [][2]float64{{50, 100}, {90, 200}, {99, 1000}}},
				{Subject: "remoting", Rounds: 3, Failures: []string{"round 2: died", "round 4: died | again"}},
			},
			Rows: []Row{{
				ID: "produce/rate", Subject: "gantry", Title: "messages", Unit: "msg/s", Higher: true, Reference: "remoting",
				Cells: []Cell{
					{Subject: "gantry", Values: []float64{100_000, 110_000, 120_000}, Summary: stats.Summary{Median: 110_000, Min: 100_000, Max: 120_000}, Ratio: ratio},
					{Subject: "remoting", Values: []float64{200_000}, Summary: stats.Summary{Median: 200_000, Min: 200_000, Max: 200_000}},
				},
				Goals: []Goal{
					{Text: "≥ 0.5 × empty", Limit: 100_000, Share: 1.1, Met: &met, Ratio: ratio, Unsure: true},
					{Text: "≥ 130,000", Limit: 130_000, Share: 0.846, Met: &missed},
					{Text: "256 × bare", Limit: 220_000, Share: 0.5, Met: &missed, Only: true},
					{Text: "≥ Java", Missing: "java"},
				},
			}},
		}},
	}
	for i, x := range []float64{100, 1000, 10_000} {
		y := 2 + x/1000
		r.Loads = append(r.Loads, Load{ID: "bytes/" + []string{"a", "b", "c"}[i], Title: "Bytes", Series: "bytes", X: x, Line: true,
			Runs: []Run{{Subject: "gantry", Drive: "gantry bench send --size"}},
			Rows: []Row{{ID: "bytes/" + []string{"a", "b", "c"}[i] + "/cost", Title: "cost", Unit: "µs", Cells: []Cell{
				{Subject: "gantry", Values: []float64{y}, Summary: stats.Summary{Median: y, Min: y, Max: y}}}}}})
	}
	return r
}

func TestAReportIsWrittenForPeopleAndPrograms(t *testing.T) {
	root := t.TempDir()
	dir, err := Write(root, sample())
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(root, "2026-11-25-goals"); dir != want {
		t.Errorf("%s, expected %s", dir, want)
	}
	for _, name := range []string{"report.md", "report.json", "produce.svg", "bytes.svg"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s differs from %s (%v); -update writes it anew:\n%s", name, golden, err, got)
		}
	}
	r, err := Read(dir)
	if err != nil || r.Row("produce/rate").Cell("gantry").Summary.Median != 110_000 {
		t.Errorf("read back: %+v, %v", r, err)
	}
}

func TestASecondReportOfADayStandsBesideTheFirst(t *testing.T) {
	root := t.TempDir()
	for _, want := range []string{"2026-11-25-goals", "2026-11-25-goals-2", "2026-11-25-goals-3"} {
		if dir, err := Write(root, sample()); err != nil || filepath.Base(dir) != want {
			t.Errorf("%s, %v, expected %s", dir, err, want)
		}
	}
}

func TestTheIndexKeepsWhatPeopleWrote(t *testing.T) {
	root := t.TempDir()
	name := filepath.Join(root, "README.md")
	if err := os.WriteFile(name, []byte("# Results\n\n"+indexBegin+"old\n"+indexEnd+"\nWhat it means.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Write(root, sample()); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if !strings.HasPrefix(text, "# Results\n\n"+indexBegin+"| report |") || !strings.HasSuffix(text, indexEnd+"\nWhat it means.\n") || strings.Contains(text, "old") {
		t.Errorf("%s", text)
	}
	if first, second := strings.Index(text, "](2026-11-25-goals/report.md) | 0123456789ab+ | 2 × Fast | 5 | 1 of 2 |"), strings.Index(text, "](2026-11-25-goals-2/report.md)"); first < 0 || second < 0 {
		t.Errorf("%s", text)
	}
	history, err := os.ReadFile(filepath.Join(root, historyFile))
	if err != nil || !strings.Contains(string(history), "produce/rate") || strings.Contains(string(history), "bytes/") || strings.Count(string(history), "<circle") != 4 {
		t.Errorf("%v\n%s", err, history)
	}
	if !strings.Contains(text, "]("+historyFile+")") {
		t.Error("the index doesn't show the history")
	}
}

func TestAnIndexWithoutMarksGetsTheTableAtItsEnd(t *testing.T) {
	if got := string(splice([]byte("# R\n\n\n"), []byte("x\n"))); got != "# R\n\n"+indexBegin+"x\n"+indexEnd {
		t.Errorf("%q", got)
	}
	if got := string(splice(nil, []byte("x\n"))); got != indexBegin+"x\n"+indexEnd {
		t.Errorf("%q", got)
	}
}

func TestNumbersHaveThreeDigitsOrAllOfTheirWholeOnes(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.01234: "0.0123", 1: "1", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 80: "80", 1234: "1,234", 1234567.8: "1,234,568", -1234: "-1,234"} {
		if got := Number(v); got != want {
			t.Errorf("%v: %q, expected %q", v, got, want)
		}
	}
}
