package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	crashKills = flag.Int("kills", 0, "how often TestAKilledProcessLosesNothingThatItAcknowledged kills (0: 20, and 500 with GANTRY_LONG=1)")
	crashSeed  = flag.Uint64("kill-seed", 0, "plan the kills by this seed (0: another one each time)")
	crashDir   = flag.String("kill-dir", "/dev/shm", "where the killed processes have their store, if that exists. A kill spares what the kernel has, on any disk; in memory no slow sync delays the moment of the next one")
)

// TestAKilledProcessLosesNothingThatItAcknowledged runs a store in a process of its own, on real files, under load over 1,000 topics, and
// kills it with SIGKILL again and again: at any moment, and at those where it rolls, retires, checkpoints, writes queues or
// index, in the middle of a write, and while it recovers from the kill before. What it acknowledged, it had written to a pipe before. Each process
// checks first what the ones before have acknowledged: see crashCheck. The plan depends on the seed, its timing on the machine.
func TestAKilledProcessLosesNothingThatItAcknowledged(t *testing.T) {
	kills := cmp.Or(*crashKills, 20)
	if *crashKills == 0 && os.Getenv("GANTRY_LONG") != "" {
		kills = 500
	}
	seed := cmp.Or(*crashSeed, rand.Uint64())
	t.Logf("replay the plan with -run %s -kill-seed %d -kills %d", t.Name(), seed, kills)
	c := newCrashing(t, seed)
	for range kills {
		c.kill()
	}
	c.stop()
	t.Logf("%d messages acknowledged, %d of them checked at the end; kills: %s", c.total, len(c.acks), c.died)
	if kills < 10*len(crashMoments) {
		return // on a slow machine some moments may have come too late
	}
	for _, m := range crashMoments {
		if c.died[m.name] == 0 {
			t.Errorf("nobody died at the moment %q", m.name)
		}
	}
}

// crashing is the parent's view: it kills, and remembers what was acknowledged.
type crashing struct {
	t     *testing.T
	rng   *rand.Rand
	dir   string
	runs  int64
	turn  int           // moments that had their turn
	acks  map[int64]ack // by log offset: those that may still be in the log
	total int
	died  tally // how many processes died at each moment
}

type tally map[string]int

func (c tally) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, c[name]))
	}
	return strings.Join(parts, ", ")
}

func newCrashing(t *testing.T, seed uint64) *crashing {
	t.Helper()
	dir, err := os.MkdirTemp(*crashDir, "gantry-crash-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &crashing{t: t, rng: rand.New(rand.NewPCG(seed, 0x6b69_6c6c)), dir: dir, acks: map[int64]ack{}, died: tally{}}
}

// kill runs a process until it dies at the next moment of the plan.
func (c *crashing) kill() {
	c.t.Helper()
	// In turn, so that each moment has its share, and now and then in the recovery from a kill in the recovery.
	m := crashMoments[0]
	if c.rng.IntN(4) > 0 {
		m = crashMoments[c.turn%len(crashMoments)]
		c.turn++
	}
	order := crashOrder{Moment: m.name, Countdown: c.rng.IntN(m.within), Sync: c.rng.IntN(2) == 0}
	p := c.start(order)
	name := m.name
	switch m.name {
	case "recovery at any time":
		time.Sleep(time.Duration(c.rng.IntN(60)) * time.Millisecond)
		p.cmd.Process.Kill()
	case "any time":
		p.await(frameVerified)
		time.Sleep(time.Duration(c.rng.IntN(300)) * time.Millisecond)
		p.cmd.Process.Kill()
	default:
		select {
		case <-p.ended:
		case <-time.After(5 * time.Second): // the moment didn't come: on a slow disk, say
			name = "late"
			p.cmd.Process.Kill()
		}
	}
	<-p.ended
	if ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != syscall.SIGKILL {
		c.t.Fatalf("process %d, to be killed at %q (%+v), ended with %v:\n%s", c.runs, m.name, order, p.cmd.ProcessState, p.stderr.String())
	}
	c.died[name]++
	c.learn(p)
}

// stop runs a process to its orderly end, and another that finds the store as it was left.
func (c *crashing) stop() {
	c.t.Helper()
	for range 2 {
		p := c.start(crashOrder{Moment: "end"})
		<-p.ended
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			c.t.Fatalf("process %d, to end in order, ended with %v:\n%s", c.runs, p.cmd.ProcessState, p.stderr.String())
		}
		c.learn(p)
	}
}

// learn takes over what a process has acknowledged, and forgets what is known to be retired, but for the last message of each queue:
// numbers must go on behind it.
func (c *crashing) learn(p *crashProcess) {
	last := map[crashPlace]ack{}
	for _, a := range c.acks {
		if b, ok := last[a.crashPlace]; !ok || b.QueueOffset < a.QueueOffset {
			last[a.crashPlace] = a
		}
	}
	maps.DeleteFunc(c.acks, func(off int64, a ack) bool { return off < p.logMin && last[a.crashPlace] != a })
	for _, a := range p.acks {
		if b, twice := c.acks[a.LogOffset]; twice {
			c.t.Fatalf("process %d acknowledged a message at log offset %d, where there is one already: %+v, %+v", c.runs, a.LogOffset, a, b)
		}
		c.acks[a.LogOffset] = a
	}
	c.total += len(p.acks)
}

// crashOrder tells a process what to do.
type crashOrder struct {
	Dir       string // of the store
	Acks      string // file of what must be there
	Run       int64  // its number
	Moment    string // when to die; "end": in order, after a while
	Countdown int    // how many such moments to let pass
	Sync      bool   // flush before acknowledging
}

// crashEnv is the environment variable that makes the test binary a process under test.
const crashEnv = "GANTRY_CRASH_ORDER"

// crashProcess is a process under test, as its parent sees it.
type crashProcess struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	phases chan frameKind
	ended  chan struct{} // closed when it has ended and all that it said was read
	acks   []ack
	logMin int64 // as it found the log
}

func (c *crashing) start(o crashOrder) *crashProcess {
	c.t.Helper()
	c.runs++
	o.Dir, o.Acks, o.Run = filepath.Join(c.dir, "store"), filepath.Join(c.dir, "acks"), c.runs
	err := writeAcks(o.Acks, c.acks)
	if err != nil {
		c.t.Fatal(err)
	}
	order, err := json.Marshal(o)
	if err != nil {
		c.t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	p := &crashProcess{cmd: exec.Command(os.Args[0], "-test.run=^TestCrashProcess$"), phases: make(chan frameKind, 8), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), crashEnv+"="+string(order))
	p.cmd.ExtraFiles = []*os.File{w}
	p.cmd.Stdout, p.cmd.Stderr = &p.stderr, &p.stderr
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		c.t.Fatal(errors.Join(err, r.Close()))
	}
	go p.read(r)
	c.t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// read takes what the process says until it has ended.
func (p *crashProcess) read(r io.ReadCloser) {
	defer close(p.ended)
	var b [frameSize]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			break // the end, perhaps in the middle of a frame
		}
		switch kind, a := decodeFrame(&b); kind {
		case frameAck:
			p.acks = append(p.acks, a)
		default:
			p.logMin = max(p.logMin, a.LogOffset)
			p.phases <- kind
		}
	}
	r.Close()
	p.cmd.Wait() // how it ended is looked at where that is known to be good or bad
}

// await waits until the process has said something, or has ended.
func (p *crashProcess) await(kind frameKind) {
	for {
		select {
		case k := <-p.phases:
			if k == kind {
				return
			}
		case <-p.ended:
			return
		}
	}
}

// ack is a message that was acknowledged.
type ack struct {
	crashPlace
	QueueOffset int64
	LogOffset   int64
	Serial      int64
}

// crashPlace is a queue of the load.
type crashPlace struct{ Topic, Queue int32 }

// What processes say, in frames of frameSize bytes. A pipe takes as many as fit into 4 KiB whole or not at all.
type frameKind int64

const (
	frameAck      frameKind = iota
	frameOpening            // the store is going to be opened
	frameVerified           // it is open, and what it must have is there; LogOffset is where the log begins
)

const frameSize = 40

func appendFrame(b []byte, kind frameKind, a ack) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(kind))
	b = binary.BigEndian.AppendUint32(b, uint32(a.Topic))
	b = binary.BigEndian.AppendUint32(b, uint32(a.Queue))
	b = binary.BigEndian.AppendUint64(b, uint64(a.QueueOffset))
	b = binary.BigEndian.AppendUint64(b, uint64(a.LogOffset))
	return binary.BigEndian.AppendUint64(b, uint64(a.Serial))
}

func decodeFrame(b *[frameSize]byte) (frameKind, ack) {
	u64 := func(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }
	place := crashPlace{int32(binary.BigEndian.Uint32(b[8:])), int32(binary.BigEndian.Uint32(b[12:]))}
	return frameKind(u64(0)), ack{place, u64(16), u64(24), u64(32)}
}

func writeAcks(name string, acks map[int64]ack) error {
	b := make([]byte, 0, len(acks)*frameSize)
	for _, a := range acks {
		b = appendFrame(b, frameAck, a)
	}
	return os.WriteFile(name, b, 0o644)
}

func readAcks(name string) ([]ack, error) {
	b, err := os.ReadFile(name)
	all := make([]ack, 0, len(b)/frameSize)
	for ; len(b) >= frameSize; b = b[frameSize:] {
		_, a := decodeFrame((*[frameSize]byte)(b))
		all = append(all, a)
	}
	return all, err
}
