package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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

// jvm is a running program of RocketMQ.
type jvm struct {
	name   string
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
	err    error         // how; read it after exited

	mu   sync.Mutex // guards said
	said []byte     // the last that it wrote
}

// start runs a class with a configuration of these keys, and returns when it says that it has started.
func (o *options) start(ctx context.Context, name string, flags []string, class string, keys ...string) (*jvm, error) {
	config := filepath.Join(o.dir, name+".conf")
	if err := os.WriteFile(config, []byte(strings.Join(keys, "\n")+"\n"), 0o644); err != nil {
		return nil, err
	}
	args := append(append([]string(nil), flags...), "-Duser.home="+o.dir, "-cp", o.classPath, class, "-c", config)
	j := &jvm{name: name, cmd: exec.Command("java", args...), exited: make(chan struct{})}
	j.cmd.Env = append(os.Environ(), "ROCKETMQ_HOME="+o.dir)
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
	go func() { // ends with the process, which stop waits for
		j.listen(r, started)
		r.Close()
		j.err = j.cmd.Wait()
		close(j.exited)
	}()
	late := time.NewTimer(startPatience)
	defer late.Stop()
	select {
	case <-started:
		return j, nil
	case <-j.exited:
		return nil, j.fault("ended at once")
	case <-late.C:
		err = j.fault(fmt.Sprintf("didn't start within %v", startPatience))
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(err, j.stop())
}

// listen keeps the last that the program says, and closes started when it says that it has.
func (j *jvm) listen(r *os.File, started chan struct{}) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		j.mu.Lock()
		j.said = append(append(j.said, lines.Bytes()...), '\n')
		j.said = j.said[max(0, len(j.said)-keptBytes):]
		j.mu.Unlock()
		if started != nil && strings.Contains(lines.Text(), "boot success") {
			close(started)
			started = nil
		}
	}
}

// stop ends the program in order, or kills it if that takes too long.
func (j *jvm) stop() error {
	_ = j.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	late := time.NewTimer(stopPatience)
	defer late.Stop()
	select {
	case <-j.exited:
		return nil // a JVM that a signal has ended never ends with 0
	case <-late.C:
	}
	_ = j.cmd.Process.Kill()
	<-j.exited
	return j.fault(fmt.Sprintf("didn't stop within %v", stopPatience))
}

func (j *jvm) fault(what string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return fmt.Errorf("%s %s, and last said: %s", j.name, what, j.said)
}

// freePort finds a port with its neighbours unused. It looks below the range in which connections get theirs, where the next one could
// be taken at any moment.
func freePort(below, above int) (int, error) {
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
