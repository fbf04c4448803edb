package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/benchmarks/generator"
)

func TestBenchWritesItsReportForPeopleAndPrograms(t *testing.T) {
	s := shared(t)
	gantry, err := gantry()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, test := range []struct {
		mode  string
		flags []string
	}{
		{"send", []string{"--connections", "2", "--in-flight", "4"}},
		{"latency", []string{"--rate", "1000"}},
		{"latency", []string{"--rate", "1000", "--no-receive"}},
	} {
		jsonFile, hdrFile := filepath.Join(dir, "json"), filepath.Join(dir, "hdr")
		args := append([]string{"bench", test.mode, "--addr", s.addr["broker"], "--topic", "Bench", "--count", "300", "--warmup", "0s",
			"--json", jsonFile, "--hdr", hdrFile}, test.flags...)
		out, err := exec.Command(gantry, args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "messages    300 in ") {
			t.Errorf("%v: %v\n%s", args, err, out)
			continue
		}
		var report generator.Report
		text, err := os.ReadFile(jsonFile)
		if err == nil {
			err = json.Unmarshal(text, &report)
		}
		if err != nil || report.Mode != test.mode || report.Messages != 300 || report.Latency.P50 <= 0 {
			t.Errorf("%v: %v\n%s", args, err, text)
		}
		if log, err := os.ReadFile(hdrFile); err != nil || !strings.HasPrefix(string(log), "#[Histogram log format version 1.3]") {
			t.Errorf("%v: %v\n%.100s", args, err, log)
		}
	}
}

func TestBenchHasOnlyTheFlagsThatAModeLooksAt(t *testing.T) {
	for _, mode := range generator.Modes() {
		flags := newBenchMode(mode).Flags()
		for flag, modes := range map[string]string{"addr": mode, "rate": "latency", "passes": "pull", "topics": "topics", "in-flight": "send pull topics"} {
			if has, want := flags.Lookup(flag) != nil, strings.Contains(modes, mode); has != want {
				t.Errorf("%s: flag %s there: %v, expected %v", mode, flag, has, want)
			}
		}
	}
}
