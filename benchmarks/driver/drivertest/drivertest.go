// Package drivertest runs a test binary as the program that it tests, so that servers and loads are the processes that they are in
// earnest.
package drivertest

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/maven"
)

// asProgram is set for processes that are to be the program.
const asProgram = "GANTRY_TEST_AS_PROGRAM"

// patience bounds the life of each process.
const patience = 6 * time.Minute

// Main is what TestMain of the program's package calls.
func Main(m *testing.M, program func()) {
	if os.Getenv(asProgram) != "" {
		program()
		return
	}
	os.Exit(m.Run())
}

// NeedJars ends a test that can't run what is in the jars of a Maven project. With GANTRY_REQUIRE_INTEROP=1 it downloads them, and
// fails if that doesn't do.
func NeedJars(t *testing.T, pom []byte) {
	t.Helper()
	required := os.Getenv("GANTRY_REQUIRE_INTEROP") == "1"
	if testing.Short() && !required {
		t.Skip("-short")
	}
	_, err := exec.LookPath("java")
	if err == nil {
		_, err = maven.ClassPathOf(t.Context(), pom, required)
	}
	if err != nil && required {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
}

func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = os.Stderr
	return cmd
}

// Server is a running server, and what its ready line says.
type Server struct {
	PID   int
	Words map[string]string
}

// Serve runs a server until the test ends. The test fails if it doesn't get ready, or doesn't end with success on SIGTERM.
func Serve(t *testing.T, args ...string) *Server {
	t.Helper()
	cmd := command(args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		defer kill.Stop()
		_ = cmd.Process.Signal(syscall.SIGTERM) // Wait tells if it has died before
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		rest, ready := strings.CutPrefix(lines.Text(), "ready ")
		if !ready {
			continue
		}
		s := &Server{PID: cmd.Process.Pid, Words: make(map[string]string)}
		for _, w := range strings.Fields(rest) {
			key, value, _ := strings.Cut(w, "=")
			s.Words[key] = value
		}
		return s
	}
	t.Fatalf("%s: it doesn't say that it is ready", args)
	return nil
}

// Bench runs a load and returns its report, which must be clean.
func Bench(t *testing.T, args ...string) *generator.Report {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	cmd := command(append(args, "-json", file)...)
	kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	if out, err := cmd.Output(); err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r generator.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}
