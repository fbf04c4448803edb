package consumequeue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// message is a record of the log that these tests keep beside the store.
type message struct {
	queue       int32
	queueOffset int64
	unit        Unit
}

// machine is a log in memory, which loses its end at will, a store that follows it, and the checkpoint of that.
type machine struct {
	t    *testing.T
	seed uint64
	rng  *rand.Rand
	fs   *vfs.Mem
	opts Options

	log        []message
	next       []int64 // next queue offset by queue
	end        int64   // of the log
	minLog     int64
	dispatched int   // messages that the store has got
	checkpoint int64 // durable: up to here the store was flushed
	s          *Store
	trace      func(string, ...any)
}

const crashQueues = 4

func newMachine(t *testing.T, seed uint64) *machine {
	m := &machine{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), fs: vfs.NewMem(), next: make([]int64, crashQueues)}
	m.opts = Options{Dir: "/cq", FileSize: int64(20 * (1 + m.rng.IntN(100))), MaxOpenFiles: 1}
	if m.rng.IntN(2) == 0 { // records that are far apart, so that torn log offsets may look like real ones
		m.end = m.rng.Int64N(1 << 33)
		m.minLog = m.end
	}
	if m.rng.IntN(2) == 0 {
		m.opts.Holds = m.holds
	}
	m.fs.SetWriteBack(m.rng, 0.2)
	return m
}

func (m *machine) fatalf(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("seed %d: %s", m.seed, fmt.Sprintf(format, args...))
}

func (m *machine) holds(topic string, id int32, queueOffset, logOffset int64) bool {
	i, ok := slices.BinarySearchFunc(m.log, logOffset, func(a message, off int64) int { return int(min(1, max(-1, a.unit.LogOffset-off))) })
	return ok && m.log[i].queue == id && m.log[i].queueOffset == queueOffset
}

// produce adds messages to the log.
func (m *machine) produce(n int) {
	stretch := int64(1)
	if m.minLog > 0 && m.rng.IntN(4) == 0 {
		stretch = 1 << 26
	}
	q := int32(m.rng.IntN(crashQueues))
	for range n {
		if m.rng.IntN(3) == 0 {
			q = int32(m.rng.IntN(crashQueues))
		}
		size := int32(91 + m.rng.IntN(1000))
		m.log = append(m.log, message{q, m.next[q], Unit{m.end, size, m.rng.Int64N(1 << 31)}})
		m.next[q]++
		m.end += int64(size) + m.rng.Int64N(stretch)
	}
}

// dispatch gives the store some of the messages that it hasn't got.
func (m *machine) dispatch(n int) {
	for _, msg := range m.log[m.dispatched:min(len(m.log), m.dispatched+n)] {
		if err := m.s.Open("T", msg.queue).Append(msg.queueOffset, msg.unit); err != nil {
			m.fatalf("append: %v", err)
		}
		m.dispatched++
	}
}

func (m *machine) flush() {
	at := m.end
	if m.dispatched < len(m.log) {
		at = m.log[m.dispatched].unit.LogOffset
	}
	if err := m.s.Flush(); err != nil {
		m.fatalf("flush: %v", err)
	}
	m.checkpoint = at
}

// retire moves the log's begin, at most up to the checkpoint.
func (m *machine) retire() {
	if len(m.log) == 0 {
		return
	}
	to := m.log[m.rng.IntN(len(m.log))].unit.LogOffset
	if to > m.checkpoint || to < m.minLog {
		return
	}
	if err := m.s.SetMinLog(to); err != nil {
		m.fatalf("retire: %v", err)
	}
	m.setMinLog(to)
}

func (m *machine) setMinLog(to int64) {
	m.minLog = to
	gone := 0
	for gone < len(m.log) && m.log[gone].unit.LogOffset < to {
		gone++
	}
	m.log = m.log[gone:]
	m.dispatched -= gone
}

// truncate drops the end of the log and has the store follow.
func (m *machine) truncate() {
	m.loseLog(m.rng.IntN(len(m.log) + 1))
	m.checkpoint = min(m.checkpoint, m.end)
	if err := m.s.Truncate(m.end); err != nil {
		m.fatalf("truncate: %v", err)
	}
}

// loseLog drops the messages from the i-th on.
func (m *machine) loseLog(i int) {
	if i == len(m.log) {
		return
	}
	m.end = m.log[i].unit.LogOffset
	for _, msg := range m.log[i:] {
		m.next[msg.queue] = min(m.next[msg.queue], msg.queueOffset)
	}
	m.log = m.log[:i]
	m.dispatched = min(m.dispatched, i)
}

// boot opens the store after a crash or a stop, checks what it has, and has it follow the log again.
func (m *machine) boot(clean bool) {
	o := m.opts
	if m.trace != nil {
		m.trace("boot %v end %d cp %d min %d next %v", clean, m.end, m.checkpoint, m.minLog, m.next)
		for q := range 4 {
			es, _ := m.fs.ReadDir(fmt.Sprintf("/cq/T/%d", q))
			for _, e := range es {
				i, _ := e.Info()
				m.trace("  %d %s %d", q, e.Name(), i.Size())
			}
		}
	}
	o.FS, o.Clean, o.DurableTo, o.LogEnd, o.MinLog = m.fs, clean, m.checkpoint, m.end, m.minLog
	s, err := Open(o)
	if err != nil {
		m.fatalf("open: %v", err)
	}
	m.s = s
	from := s.ReplayFrom()
	if lost := s.Lost(); len(lost) > 0 {
		if o.Holds != nil || from != 0 || m.minLog == 0 {
			m.fatalf("%v is lost, expected nothing to be", lost)
		}
	} else if from != m.checkpoint {
		m.fatalf("to be replayed from %d, expected %d", from, m.checkpoint)
	}
	// What was durable is there, and nothing else.
	for q := range int32(crashQueues) {
		if len(s.Lost()) == 0 {
			m.check(q, func(msg message) bool { return clean || msg.unit.LogOffset < m.checkpoint })
		}
	}
	m.dispatched = len(m.log)
	for i, msg := range m.log {
		if msg.unit.LogOffset >= from {
			m.dispatched = i
			break
		}
	}
	m.dispatch(len(m.log))
	m.checkAll()
}

func (m *machine) checkAll() {
	for q := range int32(crashQueues) {
		m.check(q, func(message) bool { return true })
		if _, next := m.s.Open("T", q).Bounds(); next != m.next[q] {
			m.fatalf("queue %d: next is %d, expected %d", q, next, m.next[q])
		}
	}
}

// check compares a queue with those of its messages in the log that ok accepts.
func (m *machine) check(queue int32, ok func(message) bool) {
	m.t.Helper()
	q := m.s.Open("T", queue)
	got := readAll(m.t, q)
	at, _ := q.Bounds()
	for _, msg := range m.log {
		if msg.queue != queue || !ok(msg) {
			continue
		}
		if len(got) == 0 || at != msg.queueOffset || got[0] != msg.unit {
			m.fatalf("queue %d: %v at %d, expected %v at %d", queue, got[:min(1, len(got))], at, msg.unit, msg.queueOffset)
		}
		got, at = got[1:], at+1
	}
	if len(got) > 0 {
		m.fatalf("queue %d: %v at %d, expected nothing", queue, got[0], at)
	}
}

// life is one session of the store up to a crash or a stop.
func (m *machine) life() {
	for range 1 + m.rng.IntN(20) {
		a := m.rng.IntN(12)
		if m.trace != nil {
			m.trace("action %d end %d cp %d min %d next %v disp %d/%d", a, m.end, m.checkpoint, m.minLog, m.next, m.dispatched, len(m.log))
		}
		switch a {
		case 0, 1, 2:
			m.produce(1 + m.rng.IntN(20))
		case 3:
			m.produce(m.rng.IntN(500))
		case 4, 5, 6:
			m.dispatch(1 + m.rng.IntN(100))
		case 7:
			m.dispatch(len(m.log))
		case 8, 9:
			m.flush()
		case 10:
			m.retire()
		case 11:
			if m.rng.IntN(3) == 0 {
				m.truncate()
			}
		}
	}
	switch m.rng.IntN(4) {
	case 0:
		m.dispatch(len(m.log))
		m.checkAll()
		if err := m.s.Close(); err != nil {
			m.fatalf("close: %v", err)
		}
		m.checkpoint = m.end
		m.fs = m.fs.Crash(m.rng) // whoever stops in an orderly way may be switched off
		m.fs.SetWriteBack(m.rng, 0.2)
		m.boot(true)
	case 1:
		m.fs = m.fs.Kill()
		m.boot(false)
	default:
		m.fs = m.fs.Crash(m.rng)
		m.fs.SetWriteBack(m.rng, 0.2)
		durable := 0 // messages that the log can't lose
		for durable < len(m.log) && m.log[durable].unit.LogOffset < m.checkpoint {
			durable++
		}
		m.loseLog(durable + m.rng.IntN(len(m.log)-durable+1))
		m.boot(false)
	}
}

// TestPowerLossLosesNothingThatWasFlushed runs machines that crash again and again. GANTRY_SEEDS is how many; a seed
// that fails is printed and can be run alone as a subtest.
func TestPowerLossLosesNothingThatWasFlushed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds(t)) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			m := newMachine(t, seed)
			m.boot(false)
			for range 4 {
				m.life()
			}
		})
	}
}
