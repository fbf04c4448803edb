package consumequeue

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// message is a record of the log that these tests keep beside the store: one message, or count of them in a batch.
type message struct {
	queue       int32
	queueOffset int64
	count       int64
	unit        Unit
}

// crashStore is what the simple and the batch store have in common.
type crashStore interface {
	Flush() error
	SetMinLog(int64) error
	Truncate(int64) error
	Close() error
	ReplayFrom() int64
	Lost() []Lost
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
	active     int     // queues that get messages in this life
	end        int64   // of the log
	far        bool    // records are far apart, so that torn log offsets may look like real ones
	minLog     int64
	dispatched int   // messages that the store has got
	checkpoint int64 // durable: up to here the store was flushed
	s          crashStore
	batch      bool
	fuse       int // changes that the store may still make before its process dies; negative: any number
}

const crashQueues = 4

func newMachine(t *testing.T, seed uint64, batch bool) *machine {
	m := &machine{t: t, seed: seed, batch: batch, rng: rand.New(rand.NewPCG(seed, 0)), fs: vfs.NewMem(), next: make([]int64, crashQueues)}
	m.opts = Options{Dir: "/cq", FileSize: int64(20 * (1 + m.rng.IntN(100))), MaxOpenFiles: 1, SyncTogetherFrom: 1 + m.rng.IntN(crashQueues+1)}
	if m.far = m.rng.IntN(2) == 0; m.far {
		m.end = m.rng.Int64N(1 << 33)
		m.minLog = m.end
	}
	if m.rng.IntN(2) == 0 {
		m.opts.Holds = m.holds
	}
	m.fs.SetWriteBack(m.rng, 0.2)
	return m
}

func (m *machine) open(o Options) (crashStore, error) {
	if m.batch {
		return OpenBatch(o)
	}
	return Open(o)
}

func (m *machine) bounds(queue int32) (first, next int64) {
	if s, ok := m.s.(*BatchStore); ok {
		return s.Open("T", queue).Bounds()
	}
	return m.s.(*Store).Open("T", queue).Bounds()
}

func (m *machine) append(msg message) error {
	u := msg.unit
	if s, ok := m.s.(*BatchStore); ok {
		return s.Open("T", msg.queue).Append(BatchUnit{LogOffset: u.LogOffset, Size: u.Size, TagCode: u.TagCode, BaseOffset: msg.queueOffset, Count: int16(msg.count)})
	}
	return m.s.(*Store).Open("T", msg.queue).Append(msg.queueOffset, u)
}

// read returns what a queue has.
func (m *machine) read(queue int32) []message {
	at, next := m.bounds(queue)
	var all []message
	if s, ok := m.s.(*BatchStore); ok {
		for units := make([]BatchUnit, 100); at < next; {
			n, err := s.Open("T", queue).Read(units, at)
			if err != nil || n == 0 {
				m.fatalf("queue %d: nothing at %d, expected units up to %d: %v", queue, at, next, err)
			}
			for _, u := range units[:n] {
				all = append(all, message{queue, u.BaseOffset, int64(u.Count), Unit{u.LogOffset, u.Size, u.TagCode}})
				at = u.BaseOffset + int64(u.Count)
			}
		}
		return all
	}
	for i, u := range readAll(m.t, m.s.(*Store).Open("T", queue)) {
		all = append(all, message{queue, at + int64(i), 1, u})
	}
	return all
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
	if m.far && m.rng.IntN(4) == 0 {
		stretch = 1 << 26
	}
	q := int32(m.rng.IntN(m.active))
	for range n {
		if m.rng.IntN(3) == 0 {
			q = int32(m.rng.IntN(m.active))
		}
		size := int32(91 + m.rng.IntN(1000))
		count := int64(1)
		if m.batch {
			count = 1 + m.rng.Int64N(5)
		}
		m.log = append(m.log, message{q, m.next[q], count, Unit{m.end, size, m.rng.Int64N(1 << 31)}})
		m.next[q] += count
		m.end += int64(size) + m.rng.Int64N(stretch)
	}
}

// dispatch gives the store some of the messages that it hasn't got.
func (m *machine) dispatch(n int) {
	for _, msg := range m.log[m.dispatched:min(len(m.log), m.dispatched+n)] {
		if err := m.append(msg); err != nil {
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
	if err := m.s.Flush(); err == nil {
		m.checkpoint = at
	} else if !errors.Is(err, errDead) {
		m.fatalf("flush: %v", err)
	}
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
	if err := m.s.Truncate(m.end); err != nil && !errors.Is(err, errDead) {
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
	o.FS, o.Clean, o.DurableTo, o.LogEnd, o.MinLog = m.disk(), clean, m.checkpoint, m.end, m.minLog
	for !clean && m.rng.IntN(3) == 0 {
		m.dieInRecovery(o)
		o.FS = m.disk()
	}
	m.fuse = -1
	s, err := m.open(o)
	if err != nil {
		m.fatalf("open: %v", err)
	}
	m.s = s
	from := s.ReplayFrom()
	if lost := s.Lost(); len(lost) > 0 {
		if from != 0 || !m.far && !m.batch { // batch units are cut by a border within the last two bytes, too
			m.fatalf("%v is lost, expected nothing to be", lost)
		}
	} else if from != m.checkpoint {
		m.fatalf("to be replayed from %d, expected %d", from, m.checkpoint)
	}
	m.checkpoint = from // what the owner does first
	if m.rng.IntN(8) == 0 {
		m.fs = m.fs.Kill() // before it does anything else
		m.boot(false)
		return
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
	for _, lost := range s.Lost() {
		// A unit that may have been torn stands for a message that was. If that is gone, its queue offset is not given again.
		if _, next := m.bounds(lost.QueueID); next > m.next[lost.QueueID] && next <= m.next[lost.QueueID]+5 {
			m.next[lost.QueueID] = next
		}
	}
	m.checkAll()
}

// dieInRecovery opens the store and kills the process, or cuts the power, at some change that recovery makes.
func (m *machine) dieInRecovery(o Options) {
	m.fuse = m.rng.IntN(50)
	if _, err := m.open(o); err != nil && !errors.Is(err, errDead) {
		m.fatalf("open that dies: %v", err)
	}
	if m.rng.IntN(2) == 0 {
		m.fs = m.fs.Kill()
		return
	}
	m.fs = m.fs.Crash(m.rng)
	m.fs.SetWriteBack(m.rng, 0.2)
}

var errDead = errors.New("dead")

// disk is the file system as a process sees it that dies when the fuse has burnt down.
func (m *machine) disk() vfs.FS {
	return vfs.Fault(m.fs, func(op vfs.Op) error {
		switch {
		case m.fuse < 0 || !op.Kind.Changes():
			return nil
		case m.fuse == 0:
			return errDead
		}
		m.fuse--
		return nil
	})
}

func (m *machine) checkAll() {
	for q := range int32(crashQueues) {
		m.check(q, func(message) bool { return true })
		if _, next := m.bounds(q); next != m.next[q] {
			m.fatalf("queue %d: next is %d, expected %d", q, next, m.next[q])
		}
	}
}

// check compares a queue with those of its messages in the log that ok accepts.
func (m *machine) check(queue int32, ok func(message) bool) {
	m.t.Helper()
	got := m.read(queue)
	for _, msg := range m.log {
		if msg.queue != queue || !ok(msg) {
			continue
		}
		if len(got) == 0 || got[0] != msg {
			m.fatalf("queue %d: %v, expected %v", queue, got[:min(1, len(got))], msg)
		}
		got = got[1:]
	}
	if len(got) > 0 {
		m.fatalf("queue %d: %v, expected nothing", queue, got[0])
	}
}

// life is one session of the store up to a crash or a stop.
func (m *machine) life() {
	m.active = 1 + m.rng.IntN(crashQueues)
	for range 1 + m.rng.IntN(20) {
		switch m.rng.IntN(12) {
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
	end := m.rng.IntN(5)
	if end == 4 { // die in the middle of something
		m.fuse = m.rng.IntN(40)
		if m.rng.IntN(2) == 0 {
			m.flush()
		} else {
			m.truncate()
		}
		end = 1 + m.rng.IntN(3)
	}
	switch end {
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
			for _, batch := range []bool{false, true} {
				m := newMachine(t, seed, batch)
				m.boot(false)
				for range 4 {
					m.life()
				}
			}
		})
	}
}
