package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/procfs"
)

// The test binary is also every program that the tests run: `fake serve HOW` and `fake drive …`.
const fakeEnv = "RUNNER_TEST_FAKE"

func TestMain(m *testing.M) {
	if os.Getenv(fakeEnv) == "" {
		// For the processes that tests start. Under the race detector each would end a second late.
		os.Setenv(fakeEnv, "1")
		os.Setenv("GORACE", "atexit_sleep_ms=0")
		os.Exit(m.Run())
	}
	if err := fake(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fake:", err)
		os.Exit(3)
	}
}

func fake(args []string) error {
	if args[0] == "drive" {
		return fakeDriver(args[1:])
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	switch args[1] {
	case "mute":
		<-ended
		return nil
	case "stillborn":
		return fmt.Errorf("no port")
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
	}
	data := args[2]
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	version := "v7"
	if len(args) > 3 {
		version = args[3]
	}
	fmt.Printf("noise\nfake ready version=%s addr=127.0.0.1:9 store=%s\n", version, data)
	switch args[1] {
	case "dying": // ends when the driver has begun
		for {
			if _, err := os.Stat(filepath.Join(data, "begun")); err == nil {
				return fmt.Errorf("out of luck")
			}
			time.Sleep(time.Millisecond)
		}
	case "unclean":
		<-ended
		return fmt.Errorf("lost a file")
	case "busy":
		for spins := 0; len(ended) == 0; spins++ {
		}
		return nil
	}
	<-ended
	return nil
}

// fakeDriver reports what its flags say: rate=N, and does or suffers what the others say.
func fakeDriver(args []string) error {
	r := generator.Report{Mode: args[0], Started: time.Now()}
	var output generator.Output
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		switch name {
		case "rate":
			if _, err := fmt.Sscan(value, &r.MessagesPerSecond); err != nil {
				return err
			}
		case "json":
			output.JSON = value
		case "hdr":
			output.HDR = value
		case "wait":
			d, err := time.ParseDuration(value)
			if err != nil {
				return err
			}
			time.Sleep(d)
		case "addr":
			r.Addr = value
		case "begun":
			if err := os.WriteFile(filepath.Join(value, "begun"), nil, 0o644); err != nil {
				return err
			}
			time.Sleep(time.Minute) // the server's end is to end this, or the runner
		case "refused":
			r.Failures = append(r.Failures, generator.Failure{Code: 2, Count: 7})
			r.Error = value
			r.Messages = 1
		case "fail":
			return fmt.Errorf("code 13")
		}
	}
	h := hdrhistogram.New(1000, 1e11, 3)
	for n := range int64(1000) {
		if err := h.RecordValue((n + 1) * 1000); err != nil {
			return err
		}
	}
	r.Histograms = append(r.Histograms, h)
	return errors.Join(output.Write(&r, io.Discard), r.Err())
}

// fakePlan has one load with the metric "rate"; its subjects are made by fakeSubject.
func fakePlan(t *testing.T, rounds int, subjects ...Subject) *Plan {
	p := &Plan{
		Subjects: subjects, Rounds: rounds, Dir: t.TempDir(), Progress: t.Output(),
		CPUTimes: func() (procfs.CPUTimes, error) { return procfs.CPUTimes{}, nil },
		Loads: []Load{{
			ID: "load", Title: "Load", Mode: "send", Within: 10 * time.Second,
			Metrics: []Metric{{ID: "rate", Title: "rate", Unit: "msg/s", Higher: true, Reference: "b", Of: func(t *Trial) (float64, bool) {
				return t.Report.MessagesPerSecond, true
			}}},
		}},
	}
	for _, s := range subjects {
		p.Loads[0].Entries = append(p.Loads[0].Entries, Entry{Subject: s.Name})
	}
	return p
}

func fakeSubject(t *testing.T, name, how string, flags ...string) Subject {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Subject{Name: name, Serve: []string{self, "serve", how, "{data}"}, Drive: append([]string{self, "drive"}, flags...)}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
