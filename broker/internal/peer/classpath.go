package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/maven"
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

// ClassPath is the class path of a project in Dir. Nothing is downloaded for it unless the test must run.
func ClassPath(pom string, args ...string) (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	p := maven.Project{File: filepath.Join(dir, pom), Args: args, Offline: !Required()}
	return p.ClassPath(ctx)
}
