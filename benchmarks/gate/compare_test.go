package main

import (
	"io"
	"log"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hot is a package with a hot path and its benchmark. What is in place of WORK is what a commit makes of it.
const hot = `package hot

import "testing"

var sink []byte

func BenchmarkHot(b *testing.B) {
	for b.Loop() {
		n := 0
		for i := range 2000 {
			n += i
		}
		WORK
	}
}
`

// repository makes a repository whose commits are tagged 0, 1, … and have these contents.
func repository(t *testing.T, commits ...map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	for i, files := range commits {
		write(t, dir, files)
		git("add", "-A")
		git("commit", "-q", "-m", "a change")
		git("tag", string(rune('0'+i)))
	}
	return dir
}

func module(work string) map[string]string {
	return map[string]string{"go.mod": "module m\n\ngo 1.26\n", "hot/hot_test.go": strings.Replace(hot, "WORK", work, 1)}
}

func TestCommitsAreComparedAndTheirDifferenceFound(t *testing.T) {
	if testing.Short() {
		t.Skip("builds binaries")
	}
	root := repository(t,
		module("sink = sink[:0]"),
		module("sink = make([]byte, n&15+128)"),
		map[string]string{"README": "of no effect\n"},
	)
	compare := func(base, head string, identical bool) *report {
		t.Helper()
		r, err := compare(t.Context(), options{
			base: base, head: head, rounds: minRounds, only: regexp.MustCompile(""), identical: identical, root: root,
			cases: []Case{{Package: "hot", Name: "Hot", Iterations: 2000, Tolerance: 10}, {Package: "cold", Name: "Cold", Iterations: 1}},
		}, log.New(io.Discard, "", 0))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.skipped) == 0 || !strings.Contains(r.markdown(), "- cold Cold: neither side has it") {
			t.Errorf("skipped %q, expected cold to be named", r.skipped)
		}
		return r
	}
	worse := compare("0", "1", false).worse()
	units := []string{}
	for _, v := range worse {
		units = append(units, v.unit)
	}
	if !slices.Equal(units, []string{unitAllocs, unitBytes}) {
		t.Errorf("one allocation more: worse are %v, expected allocations and bytes", worse)
	}
	if r := compare("1", "2", false); !slices.Equal(r.same, []string{"hot"}) || len(r.verdicts) > 0 {
		t.Errorf("a change of nothing: %+v", r)
	}
	if r := compare("1", "", true); len(r.worse()) > 0 || len(r.verdicts) != 3 {
		t.Errorf("the working tree, measured although it is the same: %+v", r)
	}
	if _, err := (compareOf(t, root, "nowhere")); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a base that isn't there: %v", err)
	}
}

func compareOf(t *testing.T, root, base string) (*report, error) {
	return compare(t.Context(), options{base: base, rounds: minRounds, only: regexp.MustCompile(""), root: root}, log.New(io.Discard, "", 0))
}
