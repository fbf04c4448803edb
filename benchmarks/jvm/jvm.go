// Package jvm runs Java programs that are, or belong to, a server of the benchmarks.
package jvm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startPatience = 3 * time.Minute
	stopPatience  = 2 * time.Minute
	keptBytes     = 4096
)

// Program is what to run.
type Program struct {
	Name  string   // for messages
	Args  []string // of java
	Env   []string // besides this process's own
	Ready string   // what it writes in the line that says that it has started
}

// Process is a running program.
type Process struct {
	name   string
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended

	mu   sync.Mutex // guards said
	said []byte     // the last that it wrote
}

// Start runs the program and returns when it says that it has started. It is killed with the thread that has called Start: call it on
// one that lives as long as the process, see runtime.LockOSThread.
func (p *Program) Start(ctx context.Context) (*Process, error) {
	j := &Process{name: p.Name, cmd: exec.Command("java", p.Args...), exited: make(chan struct{})}
	j.cmd.Env = append(os.Environ(), p.Env...)
	j.cmd.SysProcAttr = diesWithUs()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	j.cmd.Stdout, j.cmd.Stderr = w, w
	err = j.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	started := make(chan struct{})
	go func() { // ends with the process, which Stop waits for
		j.listen(r, p.Ready, started)
		r.Close()
		_ = j.cmd.Wait() // what it said tells more
		close(j.exited)
	}()
	late := time.NewTimer(startPatience)
	defer late.Stop()
	select {
	case <-started:
		return j, nil
	case <-j.exited:
		return nil, j.Fault("ended at once")
	case <-late.C:
		err = j.Fault(fmt.Sprintf("didn't start within %v", startPatience))
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(err, j.Stop())
}

// listen keeps the last that the program says, and closes started when it says that it has.
func (j *Process) listen(r *os.File, ready string, started chan struct{}) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		j.mu.Lock()
		j.said = append(append(j.said, lines.Bytes()...), '\n')
		j.said = j.said[max(0, len(j.said)-keptBytes):]
		j.mu.Unlock()
		if started != nil && strings.Contains(lines.Text(), ready) {
			close(started)
			started = nil
		}
	}
}

// Stop ends the program in order, or kills it if that takes too long.
func (j *Process) Stop() error {
	_ = j.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	late := time.NewTimer(stopPatience)
	defer late.Stop()
	select {
	case <-j.exited:
		return nil // how is of no interest: a JVM that a signal has ended never ends with 0
	case <-late.C:
	}
	_ = j.cmd.Process.Kill()
	<-j.exited
	return j.Fault(fmt.Sprintf("didn't stop within %v", stopPatience))
}

// Fault is an error that says what happened to the program and what it said before.
func (j *Process) Fault(what string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return fmt.Errorf("%s %s, and last said: %s", j.name, what, j.said)
}

// PID is the process's id.
func (j *Process) PID() int { return j.cmd.Process.Pid }

// Exited is closed when the program has ended.
func (j *Process) Exited() <-chan struct{} { return j.exited }

// FreePort finds a port with its neighbours unused. It looks below the range in which connections get theirs, where the next one could
// be taken at any moment.
func FreePort(below, above int) (int, error) {
next:
	for range 1000 {
		port := 20_000 + rand.IntN(12_000)
		for p := port - below; p <= port+above; p++ {
			l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", p))
			if err != nil {
				continue next
			}
			l.Close()
		}
		return port, nil
	}
	return 0, errors.New("no free port")
}
