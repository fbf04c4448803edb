package store

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// powerTest is the test that has to catch the bugs.
const powerTest = "TestWhatAStorePromisedSurvivesEveryDeath"

// maxBugSeeds is within how many histories it has to.
const maxBugSeeds = 2000

// TestEverySeededBugIsCaught tests the power-loss test: with each of the bugs that package seeded knows it has to fail. The
// table that it prints tells the first history that does.
func TestEverySeededBugIsCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the power-loss test once for each bug")
	}
	bin := filepath.Join(t.TempDir(), "seeded.test")
	if out, err := exec.Command("go", "test", "-c", "-tags", seeded.Tag, "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build with the tag %s: %v\n%s", seeded.Tag, err, out)
	}
	var mu sync.Mutex // guards table
	table := map[seeded.Bug]string{}
	t.Run("bugs", func(t *testing.T) {
		for _, bug := range seeded.All() {
			t.Run(string(bug), func(t *testing.T) {
				t.Parallel()
				out, failed := runPowerTest(t, bin, bug, "-seeds", fmt.Sprint(maxBugSeeds))
				seed := replaySeed.FindStringSubmatch(out)
				if !failed || seed == nil {
					t.Fatalf("not caught within %d histories:\n%s", maxBugSeeds, out)
				}
				if out, failed := runPowerTest(t, bin, "", "-seed", seed[1]); failed {
					t.Errorf("history %s fails without the bug, too:\n%s", seed[1], out)
				}
				mu.Lock()
				defer mu.Unlock()
				table[bug] = fmt.Sprintf("%-28s seed %4s  %s", bug, seed[1], finding(out))
			})
		}
	})
	var b strings.Builder
	for _, bug := range seeded.All() {
		fmt.Fprintln(&b, table[bug])
	}
	t.Logf("caught by %s:\n%s", powerTest, b.String())
}

var (
	replaySeed  = regexp.MustCompile(`-seed (\d+)`)
	findingLine = regexp.MustCompile(`power_test\.go:\d+: (.*)`)
)

// finding is what the power-loss test has found.
func finding(out string) string {
	m := findingLine.FindStringSubmatch(out)
	if m == nil {
		return ""
	}
	return m[1][:min(len(m[1]), 110)]
}

// runPowerTest runs the power-loss test of a test binary that has a bug.
func runPowerTest(t *testing.T, bin string, bug seeded.Bug, flags ...string) (out string, failed bool) {
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"-test.run", "^" + powerTest + "$"}, flags...)...)
	// One history after the other, so that the first that fails is always the same one.
	cmd.Env = append(os.Environ(), seeded.Env+"="+string(bug), "GOMAXPROCS=1")
	b, err := cmd.CombinedOutput()
	return string(b), err != nil
}
