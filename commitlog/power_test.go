package commitlog

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

var (
	seeds   = flag.Int("seeds", 400, "how many lives of a log TestAckedMessagesSurvivePowerLoss tries")
	oneSeed = flag.Int64("seed", -1, "try this life alone")
)

// TestAckedMessagesSurvivePowerLoss leads logs through lives of random events, with the power failing, or the process
// dying, at any system call, during recovery too. What comes back must be the log as it was up to some record: all of
// what was acked, nothing that is torn, nothing that was cut off or refused. A life depends on its seed alone.
func TestAckedMessagesSurvivePowerLoss(t *testing.T) {
	first, last := int64(0), int64(*seeds)
	if *oneSeed >= 0 {
		first, last = *oneSeed, *oneSeed+1
	}
	for seed := first; seed < last; seed++ {
		l := newLife(t, uint64(seed))
		l.live()
		if t.Failed() {
			t.Fatalf("replay with -run %s -seed %d", t.Name(), seed)
		}
	}
}

// errDead is what system calls answer after the process has died.
var errDead = errors.New("the process is dead")

// life is a log under test, and what is known of it.
type life struct {
	t    *testing.T
	rng  *rand.Rand
	mem  *vfs.Mem
	opts Options
	log  *Log

	callsLeft int     // system calls until the process dies; negative: not soon
	dead      bool    //
	faulty    float64 // probability with which a call fails that may

	nums   *numbers
	serial int

	powerLost bool           // since the log was last open
	stored    []storedRecord // the log, message by message, from its first one on
	pending   []string       // bodies of an append that may have left something: the process died, or it could not be cleared
	cutting   int64          // where it was truncating when it died; MaxInt64 when it wasn't
	retired   int64          // the highest offset up to which segments were to be deleted
	known     int64          // a border below which all is durable, as an owner would note it
	syncMode  bool
}

type storedRecord struct {
	at    int64
	bytes []byte
	acked bool // must survive a power loss
}

const notCutting = int64(1) << 62

func newLife(t *testing.T, seed uint64) *life {
	l := &life{t: t, rng: newRand(seed), mem: vfs.NewMem(), callsLeft: -1, known: -1, cutting: notCutting}
	l.syncMode = l.rng.IntN(2) == 0
	l.opts = Options{
		Dirs: []string{"a", "b"}[:1+l.rng.IntN(2)], SegmentSize: int64(1+l.rng.IntN(4)) * 4096, SyncFlush: l.syncMode,
		FlushInterval: time.Hour, CRCProperty: true, Now: func() time.Time { return aTime },
	}
	if l.rng.IntN(2) == 0 {
		l.opts.ZeroAhead = 4096
	}
	if l.rng.IntN(3) == 0 {
		l.faulty = 0.02
	}
	return l
}

// before decides the fate of each system call.
func (l *life) before(op vfs.Op) error {
	if l.dead {
		return errDead
	}
	if l.callsLeft == 0 {
		l.dead = true
		if op.Kind == vfs.OpWrite && l.rng.IntN(2) == 0 {
			return &vfs.Partial{N: l.rng.IntN(int(op.N) + 1), Err: errDead}
		}
		return errDead
	}
	l.callsLeft--
	if l.log != nil && op.Kind.Changes() && l.rng.Float64() < l.faulty {
		if op.Kind == vfs.OpWrite {
			return &vfs.Partial{N: l.rng.IntN(int(op.N) + 1), Err: vfs.ErrIO}
		}
		return vfs.ErrIO
	}
	return nil
}

func (l *life) live() {
	for range 2 + l.rng.IntN(4) {
		if !l.open() {
			return
		}
		l.callsLeft = l.rng.IntN(120)
		for range 150 {
			l.event()
			if l.dead || l.log.failed.Load() != nil || l.t.Failed() {
				break
			}
		}
		if l.t.Failed() {
			return
		}
		if !l.dead && l.log.failed.Load() == nil && l.rng.IntN(2) == 0 {
			l.callsLeft = -1
			if l.stop() {
				continue
			}
		}
		l.die()
	}
	l.open()
}

// die ends the process, and half of the time the power with it.
func (l *life) die() {
	if l.rng.IntN(2) == 0 {
		l.mem, l.powerLost = l.mem.Crash(l.rng), true
	} else {
		l.mem = l.mem.Kill()
	}
}

// stop is an orderly one.
func (l *life) stop() bool {
	if err := l.log.Close(); err != nil {
		return false
	}
	end := l.log.Max()
	l.check(l.log.opts.FS, Start{Clean: true, From: end})
	return true
}

// open recovers the log, during which it may die a few times, and compares it with what is known.
func (l *life) open() bool {
	start := Start{From: -1}
	if l.rng.IntN(2) == 0 {
		start.From = l.known
	}
	for {
		l.log, l.dead, l.callsLeft = nil, false, -1
		if l.rng.IntN(3) == 0 {
			l.callsLeft = l.rng.IntN(25)
		}
		if l.check(vfs.Fault(l.mem, l.before), start) {
			return true
		}
		if !l.dead {
			return false
		}
		l.die()
	}
}

// check opens the log and compares.
func (l *life) check(fsys vfs.FS, start Start) bool {
	l.opts.FS = fsys
	log, rec, err := open(l.opts, start)
	if err != nil {
		if !l.dead {
			l.t.Errorf("open: %v", err)
		}
		return false
	}
	l.log = log
	l.compare(rec)
	if l.t.Failed() {
		return false
	}
	l.known = rec.End
	if rec.End == log.Min() {
		l.known = -1
	}
	return true
}

func (l *life) compare(rec Recovery) {
	t, log := l.t, l.log
	if log.Min() > l.retired {
		t.Errorf("the log begins at %d, segments were deleted up to %d", log.Min(), l.retired)
	}
	var want []storedRecord
	for _, r := range l.stored {
		if r.at >= log.Min() {
			want = append(want, r)
		}
	}
	found := contents(t, log)
	pending := l.pending
	var now []storedRecord
	for i, r := range found {
		b := logBytes(t, log, r.LogOffset, r.LogOffset+int64(r.Size))
		now = append(now, storedRecord{at: r.LogOffset, bytes: b, acked: true})
		switch {
		case i < len(want):
			if !bytes.Equal(b, want[i].bytes) {
				t.Errorf("record %d at %d is not the one that was stored there, but %q of queue offset %d", i, r.LogOffset, r.Body[:8], r.QueueOffset)
				return
			}
		case len(pending) == 0 || pending[0] != string(r.Body):
			t.Errorf("record %d at %d, %q, should not be there", i, r.LogOffset, r.Body[:8])
			return
		default:
			pending = pending[1:]
		}
	}
	for _, r := range want[min(len(found), len(want)):] {
		if (r.acked || !l.powerLost) && r.at < l.cutting {
			t.Errorf("record at %d (acked: %v) is lost; the log ends at %d (%s)", r.at, r.acked, rec.End, rec.Cut)
			return
		}
	}
	l.stored, l.pending, l.cutting, l.powerLost = now, nil, notCutting, false
	l.renumber(found)
	if tail := log.tail; tail != nil {
		if i := bytes.IndexFunc(tail.Bytes(log.end-tail.Base(), tail.End()-log.end), func(r rune) bool { return r != 0 }); i >= 0 {
			t.Errorf("byte %d behind the end %d is not zero", i, log.end)
		}
	}
}

// renumber tells the numbers from the log, as its owner would, and that they have no gap.
func (l *life) renumber(found []record.Record) {
	l.nums = newNumbers(l.t)
	l.nums.late = func(d *record.Draft) bool { return d.QueueID == 2 }
	for _, r := range found {
		q := queue{string(r.Topic), r.QueueID}
		if next, ok := l.nums.next[q]; ok && r.QueueOffset != next {
			l.t.Errorf("%v: number %d follows %d (log offset %d)", q, r.QueueOffset, next-1, r.LogOffset)
		}
		l.nums.next[q] = r.QueueOffset + 1
	}
}

func (l *life) event() {
	switch n := l.rng.IntN(100); {
	case n < 50:
		l.append()
	case n < 70:
		if l.log.Flush() == nil && l.rng.IntN(2) == 0 {
			l.known = l.log.Flushed()
		}
	case n < 80:
		l.mem.WriteBack(l.rng)
	case n < 86:
		l.log.AllocateAhead()
	case n < 92:
		if l.log.zero.on {
			l.log.zero.step()
		}
	case n < 96:
		l.retire()
	default:
		l.truncate()
	}
}

func (l *life) append() {
	var ds []record.Draft
	for range 1 + l.rng.IntN(5) {
		l.serial++
		body := fmt.Appendf(nil, "%08d", l.serial)
		for range l.rng.IntN(600) { // five of them fit any segment
			body = append(body, byte(l.rng.IntN(256)))
		}
		d := draftTo("T", int32(l.rng.IntN(3)), string(body))
		d.Joined = len(ds) > 0 && l.rng.IntN(2) == 0
		ds = append(ds, d)
	}
	remains := l.log.torn
	err := l.log.Append(ds, l.nums)
	if l.log.torn > l.log.end && l.log.torn == remains {
		return // there are still the remains of a former append
	}
	l.pending = nil
	for i := range ds {
		d := &ds[i]
		switch {
		case d.Err == nil:
			l.stored = append(l.stored, storedRecord{at: d.LogOffset, bytes: logBytes(l.t, l.log, d.LogOffset, d.LogOffset+int64(d.Size))})
			l.wait(len(l.stored)-1, d.LogOffset+int64(d.Size))
		case err == nil:
			l.t.Errorf("message refused: %v", d.Err)
		case l.dead || l.log.torn > l.log.end:
			l.pending = append(l.pending, string(d.Body))
		}
	}
}

// wait marks a message as acked when the log says so.
func (l *life) wait(i int, end int64) {
	need, log := []Need{Flushed, Confirmed}[l.rng.IntN(2)], l.log
	if need == Confirmed && !l.syncMode {
		return // which an asynchronous log grants at once: it survives a process, not the power
	}
	log.OnAcked(&Waiter{UpTo: end, Need: need, Done: func(_ *Waiter, err error) {
		if err == nil && l.log == log {
			l.stored[i].acked = true
		}
	}})
}

func (l *life) retire() {
	to := l.log.Min() + l.opts.SegmentSize*int64(l.rng.IntN(3))
	l.retired = max(l.retired, min(to, l.log.Max()))
	if _, err := l.log.Retire(to); err != nil && !l.dead && !errors.Is(err, vfs.ErrIO) {
		l.t.Errorf("retire: %v", err)
	}
}

func (l *life) truncate() {
	if len(l.stored) == 0 {
		return
	}
	i := len(l.stored) - 1 - l.rng.IntN(min(len(l.stored), 12))
	to := l.stored[i].at
	if to < l.log.Min() {
		return
	}
	l.known = min(l.known, to) // an owner notes this before
	l.cutting = to
	if err := l.log.Truncate(to); err != nil {
		if errors.Is(err, ErrOutOfRange) && l.log.set.First().Unlinked() {
			l.cutting = notCutting
			return
		}
		if !l.dead && !errors.Is(err, vfs.ErrIO) {
			l.t.Errorf("truncate: %v", err)
		}
		return // the log has failed: it stays half cut until it is opened again
	}
	l.cutting = notCutting
	l.stored = l.stored[:i]
	var left []record.Record
	for _, s := range l.stored {
		var r record.Record
		if err := record.Decode(s.bytes, &r); err != nil {
			l.t.Fatal(err)
		}
		left = append(left, r)
	}
	l.renumber(left)
}
