package peer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/internal/module"
)

// Required tells whether a test has to fail that lacks what it needs, instead of being skipped: GANTRY_REQUIRE_INTEROP=1.
func Required() bool { return os.Getenv("GANTRY_REQUIRE_INTEROP") == "1" }

// Missing ends a test that lacks something.
func Missing(t testing.TB, err error) {
	t.Helper()
	if Required() {
		t.Fatal(err)
	}
	t.Skipf("RocketMQ can't be run here: %v", err)
}

// ErrShort is why a test with -short runs no other processes.
var ErrShort = errors.New("-short")

// Dir has the Maven projects that name the jars of RocketMQ, and the programs that are run with them.
func Dir() (string, error) {
	root, err := module.Root()
	if err != nil {
		return "", fmt.Errorf("peer: %w", err)
	}
	return filepath.Join(root, ".ci", "interop", "java"), nil
}

// ClassPath is the class path of a project in Dir. It is kept where the user's caches are, as long as the project's file stays as it
// is and all its jars are there: Maven takes seconds to say the same again.
func ClassPath(pom string, args ...string) (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	pom = filepath.Join(dir, pom)
	project, err := os.ReadFile(pom)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(fmt.Append(project, args))
	cached := filepath.Join(cache, "gantry-interop", "classpath-"+hex.EncodeToString(sum[:8]))
	if b, err := os.ReadFile(cached); err == nil && allThere(string(b)) {
		return string(b), nil
	}
	b, err := askMaven(append([]string{"-q", "-B", "-f", pom}, args...))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(cached), 0o755); err == nil {
		_ = os.WriteFile(cached, b, 0o644) // the next run asks Maven again
	}
	return string(b), nil
}

func askMaven(args []string) ([]byte, error) {
	if _, err := exec.LookPath("mvn"); err != nil {
		return nil, err
	}
	out, err := os.CreateTemp("", "classpath")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if !Required() {
		args = append(args, "--offline") // a test downloads nothing unless it must
	}
	args = append(args, "dependency:build-classpath", "-Dmdep.outputFile="+out.Name())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if said, err := exec.CommandContext(ctx, "mvn", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mvn %s: %w\n%.500s", strings.Join(args, " "), err, said)
	}
	return os.ReadFile(out.Name())
}

func allThere(classPath string) bool {
	for _, jar := range filepath.SplitList(classPath) {
		if _, err := os.Stat(jar); err != nil {
			return false
		}
	}
	return classPath != ""
}
