package runner

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a running program, leader of a process group.
type process struct {
	name   string
	cmd    *exec.Cmd
	output tail              // what it writes to stderr, and to stdout behind its ready line
	ready  chan readyLine    // gets at most one
	exited chan struct{}     // closed when it has ended
	err    error             // how it ended; read it after exited
	words  map[string]string // of the ready line; after waitReady
}

type readyLine struct {
	words map[string]string
	at    time.Time
}

// launch starts a program, with some more environment. Whoever launches it calls finish, or end.
func launch(args, env []string) (*process, error) {
	p := &process{name: filepath.Base(args[0]), cmd: exec.Command(args[0], args[1:]...), ready: make(chan readyLine, 1), exited: make(chan struct{})}
	p.cmd.SysProcAttr = ownGroup()
	p.cmd.Env = append(p.cmd.Environ(), env...)
	p.cmd.Stderr = &p.output
	p.cmd.WaitDelay = time.Second // a child that it leaves behind may hold its pipes; finish ends that, too
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	go func() { // ends with the process, for which finish waits
		p.read(stdout)
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// read takes what the process writes to stdout, until it closes that.
func (p *process) read(stdout io.Reader) {
	lines := bufio.NewReader(stdout)
	said := false
	for {
		line, err := lines.ReadString('\n')
		if words, ok := parseReady(line); ok && !said {
			said = true
			p.ready <- readyLine{words, time.Now()}
		} else {
			_, _ = p.output.Write([]byte(line)) // never fails
		}
		if err != nil {
			return
		}
	}
}

// parseReady returns the words KEY=VALUE of a ready line.
func parseReady(line string) (words map[string]string, ok bool) {
	if !strings.HasPrefix(line, "ready ") && !strings.Contains(line, " ready ") {
		return nil, false
	}
	words = make(map[string]string)
	for _, w := range strings.Fields(line) {
		if key, value, found := strings.Cut(w, "="); found {
			words[key] = value
		}
	}
	return words, true
}

// waitReady waits for the ready line and returns when it came.
func (p *process) waitReady(ctx context.Context, within time.Duration) (time.Time, error) {
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case r := <-p.ready:
		p.words = r.words
		return r.at, nil
	case <-p.exited:
		return time.Time{}, p.fault("ended before it was ready: %v", p.err)
	case <-late.C:
		return time.Time{}, p.fault("not ready after %v", within)
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

// pid is the process to measure.
func (p *process) pid() (int, error) {
	word := p.words["pid"]
	if word == "" {
		return p.cmd.Process.Pid, nil
	}
	pid, err := strconv.Atoi(word)
	if err != nil {
		return 0, p.fault("ready line with pid=%s, expected a number", word)
	}
	return pid, nil
}

// addr is where the driver goes.
func (p *process) addr() (string, error) {
	for _, key := range []string{"addr", "broker"} {
		if a := p.words[key]; a != "" {
			return a, nil
		}
	}
	return "", p.fault("ready line without addr= or broker=")
}

// finish ends the process in order and says how long that took. It is gone afterwards, whatever the error.
func (p *process) finish(within time.Duration) (time.Duration, error) {
	defer p.end()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		<-p.exited
		return 0, p.fault("had ended by itself: %v", p.err)
	}
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-p.exited:
	case <-late.C:
		return 0, p.fault("still runs %v after SIGTERM", within)
	}
	if p.err != nil {
		return 0, p.fault("after SIGTERM: %v, expected exit status 0", p.err)
	}
	return time.Since(began), nil
}

// end kills the process and all of its group, and waits until it is gone.
func (p *process) end() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // nobody may be left
	<-p.exited
}

// ended tells whether the process, which may be nil, has ended.
func (p *process) ended() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// ending is how an ended process ended that was not to.
func (p *process) ending() string {
	if p.err == nil {
		return "exit status 0"
	}
	return p.err.Error()
}

// fault is an error with the last that the process said.
func (p *process) fault(format string, args ...any) error {
	err := fmt.Errorf("runner: "+p.name+": "+format, args...)
	if said := p.output.String(); said != "" {
		return fmt.Errorf("%w; it said: %s", err, said)
	}
	return err
}

// errServerEnded is why a driver was ended early.
var errServerEnded = errors.New("the server has ended")

// run runs a driver to its end, which is also that of the server if there is one.
func run(ctx context.Context, args []string, within time.Duration, server *process) (*process, error) {
	p, err := launch(args, nil)
	if err != nil {
		return nil, err
	}
	defer p.end()
	var serverExited chan struct{}
	if server != nil {
		serverExited = server.exited
	}
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-p.exited:
		if p.err != nil {
			return p, p.fault("%v", p.err)
		}
		return p, nil
	case <-serverExited:
		return p, errServerEnded
	case <-late.C:
		return p, p.fault("still runs after %v", within)
	case <-ctx.Done():
		return p, ctx.Err()
	}
}

// tail keeps the last of what a process writes.
type tail struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

const tailBytes = 1500

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.Write(p)
	if over := w.b.Len() - tailBytes; over > 0 {
		w.b.Next(over)
	}
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(w.b.String(), ""))
}

// show is a command line as a person would write it, with the program's name alone.
func show(args []string) string {
	if len(args) == 0 {
		return ""
	}
	out := filepath.Base(args[0])
	for _, a := range args[1:] {
		if strings.ContainsAny(a, " ;\"$") {
			a = "'" + a + "'"
		}
		out += " " + a
	}
	return out
}
