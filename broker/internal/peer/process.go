package peer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/jvm"
)

// Patience bounds each single thing that a Java process is asked for.
const Patience = 2 * time.Minute

// Process is a running Java program.
type Process struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	stderr tail
	exited chan struct{} // closed when it has ended
}

// Start runs a program until it is stopped, or until the test ends. When the test has failed, what it said is logged.
func (j *RocketMQ) Start(t testing.TB, heapMiB int, args ...string) *Process {
	t.Helper()
	p := &Process{name: args[0], cmd: j.command(heapMiB, args...), exited: make(chan struct{})}
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewScanner(out)
	go func() { // ends with the process
		defer close(p.exited)
		_, _ = p.cmd.Process.Wait() // how it ended is of no interest: what it did is looked at
	}()
	t.Cleanup(func() {
		p.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("%s said: %s", p.name, p.stderr.String())
		}
	})
	return p
}

// Kill ends the program at once.
func (p *Process) Kill() { _ = p.cmd.Process.Kill() } // it may have ended

// Stop ends the program in order.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(Patience):
		t.Fatalf("%s doesn't stop", p.name)
	}
}

// Ask gives a command to the client and returns the lines of its answer, split into fields.
func (p *Process) Ask(t testing.TB, format string, args ...any) [][]string {
	t.Helper()
	command := fmt.Sprintf(format, args...)
	watch := time.AfterFunc(Patience, p.Kill)
	defer watch.Stop()
	if _, err := io.WriteString(p.in, command+"\n"); err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for p.out.Scan() {
		switch fields := strings.Split(p.out.Text(), "\t"); fields[0] {
		case "ok":
			return lines
		case "failed":
			t.Fatalf("%s: %s", command, fields[1:])
		case "M", "S":
			lines = append(lines, fields[1:])
		}
	}
	t.Fatalf("%s: the Java client has died or taken more than %v", command, Patience)
	return nil
}

// waitFor waits until a port is listened on.
func (p *Process) waitFor(t testing.TB, port int) {
	t.Helper()
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); {
		if c, err := net.DialTimeout("tcp", fmt.Sprint("127.0.0.1:", port), time.Second); err == nil {
			c.Close()
			return
		}
		select {
		case <-p.exited:
			t.Fatalf("%s ended at once", p.name)
		case <-time.After(50 * time.Millisecond): // another process: there is no event to wait for
		}
	}
	t.Fatalf("%s doesn't listen on port %d", p.name, port)
}

// FreePorts finds a port with its neighbours, which a broker takes as well, unused.
func FreePorts(t testing.TB, below, above int) int {
	t.Helper()
	port, err := jvm.FreePort(below, above)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// tail keeps the last of what a process writes.
type tail struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

const tailBytes = 4096

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.Write(p)
	if over := w.b.Len() - tailBytes; over > tailBytes {
		w.b.Next(over)
	}
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}
