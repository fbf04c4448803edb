package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPatternSelectsOneBenchmark(t *testing.T) {
	for name, want := range map[string]string{
		"Decode": "^BenchmarkDecode$", "Dispatch/queues=8/index=true": "^BenchmarkDispatch$/^queues=8$/^index=true$", "Read/a.b": `^BenchmarkRead$/^a\.b$`,
	} {
		if got := (Case{Name: name}).pattern(); got != want {
			t.Errorf("%s: %s, expected %s", name, got, want)
		}
	}
}

func TestCasesHaveBinariesOfTheirOwn(t *testing.T) {
	seen := map[string]string{}
	for _, p := range packages(cases()) {
		file := new(side).binary(timed, p)
		if other, ok := seen[file]; ok {
			t.Errorf("%s and %s share %s", p, other, file)
		}
		seen[file] = p
	}
}

// A benchmark with another name would be compared no longer, and nobody would notice.
func TestCasesNameBenchmarksThatThereAre(t *testing.T) {
	for _, c := range cases() {
		files, err := filepath.Glob(filepath.Join("../..", c.Package, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(c.Name, "/")
		found := false
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(text), "func Benchmark"+first+"(b *testing.B)")
		}
		if !found {
			t.Errorf("%s has no Benchmark%s", c.Package, first)
		}
	}
}
