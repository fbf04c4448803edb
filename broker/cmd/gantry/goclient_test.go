package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Programs around RocketMQ's official Go client, each in a module of its own: the client can't be a dependency of this one.
var (
	interop = sync.OnceValues(func() (string, error) { return buildModule("interop", "../../../.ci/interop/go") })
	tour    = sync.OnceValues(func() (string, error) { return buildModule("tour", "../../../docs/tour") })
)

func buildModule(name, dir string) (string, error) {
	path := filepath.Join(scratch, name)
	return path, goTool("build", "-C", dir, "-buildvcs=false", "-o", path, ".")
}

// program is the path of one of the programs. Where its dependencies can't be had, the test is skipped, unless GANTRY_REQUIRE_INTEROP=1.
func program(t testing.TB, build func() (string, error)) string {
	t.Helper()
	path, err := build()
	if err != nil {
		if os.Getenv("GANTRY_REQUIRE_INTEROP") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the program with RocketMQ's Go client can't be built: %v", err)
	}
	return path
}

// event is what the client program says; see there.
type event struct {
	Event       string
	Number      int64
	Topic       string
	Broker      string
	Group       string
	Queue       int
	QueueOffset int64
	MsgID       string
	OffsetMsgID string
	Tag         string
	Reconsumed  int32
	Micros      int64

	Sent, Failed, Distinct, Duplicates, Damaged int64
	Next, Min, Max                              int64
	Seconds                                     float64
}

// client is a running client program.
type client struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr syncBuffer
	exited chan struct{}

	mu     sync.Mutex // guards events
	events []event
	news   chan struct{} // something was added to events
}

// startClient runs the client program against a server: `interop COMMAND -namesrv … ARGS`.
func startClient(t testing.TB, s *server, command string, args ...string) *client {
	t.Helper()
	words := strings.Fields(command)
	all := append(words, "-namesrv", s.addr["namesrv"])
	if words[0] == "topic" && words[1] != "list" && words[1] != "queues" {
		all = append(all, "-broker", s.addr["broker"])
	}
	all = append(all, args...)
	cmd := exec.Command(program(t, interop), all...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir()) // where it keeps the offsets of broadcasts
	return follow(t, strings.Join(all, " "), cmd)
}

// follow starts a program that tells events on its standard output.
func follow(t testing.TB, name string, cmd *exec.Cmd) *client {
	t.Helper()
	c := &client{name: name, cmd: cmd, exited: make(chan struct{}), news: make(chan struct{}, 1)}
	c.cmd.Stderr = &c.stderr
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.read(stdout)
	t.Cleanup(func() {
		c.cmd.Process.Kill()
		<-c.exited
	})
	return c
}

// read takes the events until the process has ended.
func (c *client) read(stdout io.Reader) {
	defer close(c.exited)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			e = event{Event: "unreadable: " + lines.Text()}
		}
		c.mu.Lock()
		c.events = append(c.events, e)
		c.mu.Unlock()
		select {
		case c.news <- struct{}{}:
		default:
		}
	}
	c.cmd.Wait() // its state is read where the end is expected
}

// all are the events so far of one kind.
func (c *client) all(kind string) []event {
	c.mu.Lock()
	defer c.mu.Unlock()
	var es []event
	for _, e := range c.events {
		if e.Event == kind {
			es = append(es, e)
		}
	}
	return es
}

// after are the events that came after the first n.
func (c *client) after(n int) []event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events[n:len(c.events):len(c.events)] // what was added is not changed
}

// last is the newest event of a kind.
func (c *client) last(kind string) event {
	if es := c.all(kind); len(es) > 0 {
		return es[len(es)-1]
	}
	return event{}
}

// await waits until the events satisfy a condition.
func (c *client) await(t testing.TB, what string, within time.Duration, ok func() bool) {
	t.Helper()
	timeout := time.After(within)
	for !ok() {
		select {
		case <-c.news:
		case <-c.exited:
			if ok() {
				return
			}
			t.Fatalf("interop %s ended with %v before %s\n%s", c.name, c.cmd.ProcessState, what, c.stderr.String())
		case <-timeout:
			t.Fatalf("interop %s: not %s after %v; last: %+v\n%s", c.name, what, within, c.last("progress"), c.stderr.String())
		}
	}
}

// finish waits until the program has done its work, and checks that it went well.
func (c *client) finish(t testing.TB, within time.Duration) event {
	t.Helper()
	select {
	case <-c.exited:
	case <-time.After(within):
		t.Fatalf("interop %s still runs after %v; last: %+v\n%s", c.name, within, c.last("progress"), c.stderr.String())
	}
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("interop %s: exit code %d, events %+v\n%s", c.name, code, c.last("done"), c.stderr.String())
	}
	return c.last("done")
}

// stop lets the program end in order before its work is done.
func (c *client) stop(t testing.TB) event {
	t.Helper()
	c.stdin.Close()
	return c.finish(t, patience)
}

// runClient runs the program to its end and returns its events.
func runClient(t testing.TB, s *server, command string, args ...string) *client {
	t.Helper()
	c := startClient(t, s, command, args...)
	c.finish(t, time.Minute)
	return c
}

// consumer starts a push consumer and waits until it runs.
func consumer(t testing.TB, s *server, topic, group string, args ...string) *client {
	t.Helper()
	c := startClient(t, s, "consume", append([]string{"-topic", topic, "-group", group}, args...)...)
	c.await(t, "ready", patience, func() bool { return len(c.all("ready")) > 0 })
	return c
}

// newGroup makes a consumer group known to the server. The first client of a group looks for its retry topic before the server can have
// made it, and not again for 30 s.
func newGroup(t testing.TB, s *server, topic, group string) {
	t.Helper()
	consumer(t, s, topic, group).stop(t)
}

// newTopic creates a topic with four queues for a test.
func newTopic(t testing.TB, s *server) string {
	t.Helper()
	topic := strings.ReplaceAll(t.Name(), "/", "-")
	runClient(t, s, "topic create", "-topic", topic, "-queues", "4")
	return topic
}

// stored reads all messages of a topic with four queues, by queue.
func stored(t testing.TB, s *server, topic string) [4][]event {
	t.Helper()
	var queues [4][]event
	for q := range queues {
		queues[q] = pullAll(t, s, topic, q)
	}
	return queues
}

// pullAll reads a queue and checks that its offsets are dense.
func pullAll(t testing.TB, s *server, topic string, queue int) []event {
	t.Helper()
	c := runClient(t, s, "pull", "-topic", topic, "-queue", itoa(queue), "-group", topic+"-pull")
	messages := c.all("message")
	for i, e := range messages {
		if e.QueueOffset != int64(i) {
			t.Fatalf("%s/%d: message %d has queue offset %d", topic, queue, i, e.QueueOffset)
		}
	}
	if done := c.last("done"); done.Max != int64(len(messages)) {
		t.Fatalf("%s/%d: %d messages, max offset %d", topic, queue, len(messages), done.Max)
	}
	return messages
}
