package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// scratch is a directory that lives as long as the test binary runs.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "gantry-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	code := m.Run()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, "the shared server:", err)
		return 1
	}
	return code
}

// gantry is the path of the binary under test, built once. Under the race detector it has the race detector, too.
var gantry = sync.OnceValues(func() (string, error) {
	args := []string{"build", "-buildvcs=false", "-o", filepath.Join(scratch, "gantry")}
	if raceEnabled {
		args = append(args, "-race")
	}
	return filepath.Join(scratch, "gantry"), goTool(append(args, ".")...)
})

func goTool(args ...string) error {
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// server is a process of gantry that serves.
type server struct {
	cmd    *exec.Cmd
	ready  string            // the ready line
	addr   map[string]string // what it names: namesrv, broker, http, store
	stderr syncBuffer
	exited chan struct{} // closed when state can be read
	state  *os.ProcessState
}

// patience is how long anything that should happen at once is waited for. The machine may be busy.
const patience = 30 * time.Second

// command prepares `gantry up` on a data directory and, unless args say otherwise, free ports.
func command(t testing.TB, dir string, args ...string) *exec.Cmd {
	t.Helper()
	return role(t, append([]string{"up", "--data", dir, "--namesrv-port", "0", "--broker-port", "0", "--http-port", "0"}, args...)...)
}

// role prepares a command of gantry.
func role(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := gantry()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1")
	return cmd
}

// startNamesrv runs `gantry namesrv` until the test ends.
func startNamesrv(t testing.TB, dir string, args ...string) *server {
	t.Helper()
	return await(t, role(t, append([]string{"namesrv", "--data", dir, "--bind", "127.0.0.1", "--namesrv-port", "0", "--http-port", "0"}, args...)...))
}

// startBroker runs `gantry broker` until the test ends.
func startBroker(t testing.TB, dir, namesrvs string, args ...string) *server {
	t.Helper()
	return await(t, role(t, append([]string{"broker", "--data", dir, "--bind", "127.0.0.1", "--broker-port", "0", "--http-port", "0", "--namesrv-addr", namesrvs}, args...)...))
}

// await runs a command, waits until it is ready, and ends it with the test.
func await(t testing.TB, cmd *exec.Cmd) *server {
	t.Helper()
	s := launchCommand(t, cmd)
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("%s:\n%s", strings.Join(cmd.Args, " "), s.stderr.String())
		}
	})
	return s
}

// start runs `gantry up` and waits until it is ready. The test ends it if it still runs then.
func start(t testing.TB, dir string, args ...string) *server {
	t.Helper()
	return await(t, command(t, dir, args...))
}

// launch is start without the cleanup.
func launch(t testing.TB, dir string, args ...string) *server {
	t.Helper()
	return launchCommand(t, command(t, dir, args...))
}

func launchCommand(t testing.TB, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{cmd: cmd, addr: map[string]string{}, exited: make(chan struct{})}
	s.cmd.Stderr = &s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make(chan string, 1)
	go func() { // ends with the process
		defer close(s.exited)
		out := bufio.NewScanner(stdout)
		for out.Scan() {
			select {
			case line <- out.Text():
			default:
			}
		}
		s.cmd.Wait() // the state says it all
		s.state = s.cmd.ProcessState
	}()
	select {
	case s.ready = <-line:
	case <-s.exited:
		t.Fatalf("%s ended before it was ready: %v\n%s", strings.Join(cmd.Args, " "), s.state, s.stderr.String())
	case <-time.After(patience):
		s.kill()
		t.Fatalf("%s is not ready after %v\n%s", strings.Join(cmd.Args, " "), patience, s.stderr.String())
	}
	for _, word := range strings.Fields(s.ready) {
		if name, value, ok := strings.Cut(word, "="); ok {
			s.addr[name] = value
		}
	}
	return s
}

// again are the arguments that make another start use the ports of this one.
func (s *server) again() []string {
	var args []string
	for _, name := range []string{"namesrv", "broker", "http"} {
		if s.addr[name] == "" {
			continue // not a role of this one
		}
		args = append(args, "--"+name+"-port", s.addr[name][strings.LastIndexByte(s.addr[name], ':')+1:])
	}
	return args
}

// kill ends the process with SIGKILL.
func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.exited
}

// stop ends the process with SIGTERM and checks that it exits in order.
func (s *server) stop(t testing.TB) {
	t.Helper()
	if err := s.terminate(); err != nil {
		t.Errorf("%v\n%s", err, s.stderr.String())
	}
}

func (s *server) terminate() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.kill()
		return fmt.Errorf("gantry runs on %v after SIGTERM", patience)
	}
	if s.state.ExitCode() != 0 {
		return fmt.Errorf("gantry ended with %v after SIGTERM, expected exit code 0", s.state)
	}
	return nil
}

// waitLog waits until the process has logged something that contains text.
func (s *server) waitLog(t testing.TB, text string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(s.stderr.String(), text) {
			return
		}
	}
	t.Fatalf("no %q in the log:\n%s", text, s.stderr.String())
}

// syncBuffer is written by a process and read meanwhile.
type syncBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// sharedServer is the server of all tests that only need one. They use topics and groups of their own.
var sharedServer struct {
	mu sync.Mutex // guards s
	s  *server
}

// sharedLevels make retries wait for a second each, and at level 2 for two.
const sharedLevels = "messageDelayLevel=1s 2s 1s 1s 1s"

func shared(t testing.TB) *server {
	t.Helper()
	sharedServer.mu.Lock()
	defer sharedServer.mu.Unlock()
	if sharedServer.s == nil {
		sharedServer.s = launch(t, filepath.Join(scratch, "shared"), "--set", "traceTopicEnable=true", "--set", sharedLevels)
	}
	return sharedServer.s
}

// stopShared ends the shared server; an error says that it didn't end in order.
func stopShared() error {
	s := sharedServer.s
	if s == nil {
		return nil
	}
	if err := s.terminate(); err != nil {
		return fmt.Errorf("%w\n%s", err, s.stderr.String())
	}
	return nil
}
