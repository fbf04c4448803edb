package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// crashMoment is a kind of system call at which a process dies.
type crashMoment struct {
	name     string
	opening  bool // while the store is being opened; else after it was verified
	within   int  // at one of the first so many
	partly   bool // a write is cut short first
	selected func(vfs.Op) bool
}

var crashMoments = []crashMoment{
	{name: "recovery", opening: true, within: 25, selected: func(op vfs.Op) bool { return op.Kind.Changes() }},
	{name: "any time", within: 1},
	{name: "roll", within: 30, selected: func(op vfs.Op) bool {
		return op.Kind != vfs.OpWrite && op.Kind != vfs.OpDatasync && in(op, "commitlog")
	}},
	{name: "retention", within: 20, selected: func(op vfs.Op) bool { return op.Kind == vfs.OpRemove && in(op, "commitlog", "consumequeue") }},
	{name: "write to the log", within: 1000, partly: true, selected: func(op vfs.Op) bool { return op.Kind == vfs.OpWrite && in(op, "commitlog") }},
	{name: "checkpoint", within: 20, selected: func(op vfs.Op) bool { return in(op, "checkpoint", "gantry.") }},
	{name: "recovery at any time", opening: true, within: 1},
	{name: "queues", within: 1000, partly: true, selected: func(op vfs.Op) bool { return in(op, "consumequeue") }},
	{name: "index", within: 50, partly: true, selected: func(op vfs.Op) bool { return in(op, "index") }},
}

// in tells whether an operation changes something in one of the parts of the store.
func in(op vfs.Op, parts ...string) bool {
	for _, part := range parts {
		if op.Kind.Changes() && strings.Contains(op.Name, "/store/"+part) {
			return true
		}
	}
	return false
}

const (
	crashTopics  = 1000
	crashQueues  = 2
	crashSegment = 64 << 10
	crashKeep    = 64 // segments that retention leaves, at least
	crashPass    = 4  // segments that a pass of it deletes, at most
	crashWriters = 4
)

// TestCrashProcess is the process under test of TestAKilledProcessLosesNothingThatItAcknowledged; without its order it does nothing.
func TestCrashProcess(t *testing.T) {
	text := os.Getenv(crashEnv)
	if text == "" {
		t.Skip("only the crash test's own processes do this")
	}
	p := &crashSubject{pipe: os.NewFile(3, "pipe"), frames: make(chan []byte, 1024)}
	if err := json.Unmarshal([]byte(text), &p.order); err != nil {
		t.Fatal(err)
	}
	for _, m := range crashMoments {
		if m.name == p.order.Moment {
			p.moment = m
		}
	}
	p.left.Store(int64(p.order.Countdown))
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
}

// crashSubject is a process under test from within.
type crashSubject struct {
	order  crashOrder
	moment crashMoment
	armed  atomic.Bool  // the moment may come
	left   atomic.Int64 // moments to let pass
	doomed atomic.Bool  // a write was cut short: the next system call is the end

	pipe   *os.File
	frames chan []byte // to the pipe

	store  *Store
	serial atomic.Int64
}

func (p *crashSubject) options() Options {
	return Options{
		FS: vfs.Fault(vfs.OS(), p.before), Root: p.order.Dir,
		Log: commitlog.Options{
			SegmentSize: crashSegment, SyncFlush: p.order.Sync, MaxMessageSize: 16 << 10, CRCProperty: true,
			FlushInterval: 20 * time.Millisecond, ZeroAhead: 16 << 10, Gather: time.Millisecond,
		},
		QueueFile: 16 * 20, OpenFiles: 64, IndexSlots: 1000, IndexEntries: 4000,
		// Every pass deletes some of the oldest segments. When there is one, the load decides.
		Retention:          commitlog.Retention{Age: time.Hour, Clean: 2, Force: -1, Refuse: 2, Forced: true, PerPass: crashPass},
		CheckpointInterval: 20 * time.Millisecond, IndexInterval: 50 * time.Millisecond, CleanInterval: time.Hour,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// before dies when the moment has come.
func (p *crashSubject) before(op vfs.Op) error {
	if p.doomed.Load() {
		p.die()
	}
	if !p.armed.Load() || p.moment.selected == nil || !p.moment.selected(op) || p.left.Add(-1) >= 0 {
		return nil
	}
	if p.moment.partly && op.Kind == vfs.OpWrite && op.N > 1 {
		p.doomed.Store(true)
		time.AfterFunc(10*time.Millisecond, p.die)
		return &vfs.Partial{N: int(rand.Int64N(op.N)), Err: errDead}
	}
	p.die()
	return nil
}

func (p *crashSubject) die() {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func (p *crashSubject) run() (err error) {
	written := make(chan struct{})
	go p.write(written)
	acks, err := readAcks(p.order.Acks)
	if err != nil {
		return err
	}
	p.say(frameOpening, ack{})
	p.armed.Store(p.moment.opening)
	if err := os.MkdirAll(filepath.Dir(p.order.Dir), 0o755); err != nil {
		return err
	}
	if p.store, err = Open(p.options()); err != nil {
		return err
	}
	if err := (&crashCheck{s: p.store, acks: acks}).run(); err != nil {
		return err
	}
	p.say(frameVerified, ack{LogOffset: p.store.Log.Min()})
	p.armed.Store(true)
	quit := make(chan struct{})
	if p.order.Moment == "end" {
		time.AfterFunc(100*time.Millisecond, func() { close(quit) })
	}
	p.load(quit)
	if err := p.store.Close(); err != nil {
		return err
	}
	close(p.frames)
	<-written
	return nil
}

// say queues a frame for the pipe.
func (p *crashSubject) say(kind frameKind, a ack) { p.frames <- appendFrame(nil, kind, a) }

// write writes frames to the pipe until there will be no more.
func (p *crashSubject) write(done chan<- struct{}) {
	defer close(done)
	var b []byte
	for f := range p.frames {
		b = append(b[:0], f...)
		for more := true; more && len(b)+frameSize <= 4096; {
			select {
			case f, ok := <-p.frames:
				b = append(b, f...)
				more = ok
			default:
				more = false
			}
		}
		if _, err := p.pipe.Write(b); err != nil {
			p.die() // the parent has gone
		}
	}
}

// load stores messages until quit is closed.
func (p *crashSubject) load(quit <-chan struct{}) {
	var wg sync.WaitGroup
	for w := range crashWriters {
		wg.Go(func() { p.writer(int32(w), quit) })
	}
	wg.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			if l := p.store.Log; l.Max()-l.Min() > (crashKeep+2*crashPass)*crashSegment {
				if _, err := p.store.Clean(true); err != nil && !p.doomed.Load() {
					p.fail(err)
				}
			}
		}
	})
	wg.Wait()
}

// fail ends the process in a way that the parent doesn't expect.
func (p *crashSubject) fail(err error) {
	fmt.Fprintln(os.Stderr, "under load:", err)
	os.Exit(1)
}

// writer stores messages in the topics that are its own, a few at a time, with a bounded number in flight.
func (p *crashSubject) writer(w int32, quit <-chan struct{}) {
	rng := rand.New(rand.NewPCG(uint64(p.order.Run), uint64(w)))
	inFlight := make(chan struct{}, 16)
	for {
		select {
		case <-quit:
			for range cap(inFlight) {
				inFlight <- struct{}{}
			}
			return
		case inFlight <- struct{}{}:
		}
		ds := make([]record.Draft, 1+rng.IntN(6))
		acks := make([]ack, len(ds))
		for i := range ds {
			// Half of the messages go to a few busy topics, the rest anywhere.
			topic := rng.Int32N(crashTopics/crashWriters)*crashWriters + w
			if rng.IntN(2) == 0 {
				topic = rng.Int32N(5)*crashWriters + w
			}
			acks[i] = ack{crashPlace: crashPlace{topic, rng.Int32N(crashQueues)}, Serial: p.order.Run<<32 | p.serial.Add(1)}
			ds[i] = p.draft(rng, acks[i].crashPlace, acks[i].Serial)
			ds[i].Joined = i > 0 && rng.IntN(2) == 0
		}
		if err := p.store.Append(ds); err != nil {
			if !p.doomed.Load() {
				p.fail(err)
			}
			p.die()
		}
		last := &ds[len(ds)-1]
		p.store.OnAcked(&commitlog.Waiter{UpTo: last.LogOffset + int64(last.Size), Need: commitlog.Confirmed, Done: func(_ *commitlog.Waiter, err error) {
			for i := range ds {
				if err == nil && ds[i].Err == nil {
					acks[i].QueueOffset, acks[i].LogOffset = ds[i].QueueOffset, ds[i].LogOffset
					p.say(frameAck, acks[i])
				}
			}
			<-inFlight
		}})
	}
}

const crashTopic = "topic-"

func (c crashPlace) name() string { return crashTopic + strconv.Itoa(int(c.Topic)) }

// placeOf is the queue that a record names.
func placeOf(r *record.Record) (crashPlace, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(string(r.Topic), crashTopic), 10, 32)
	return crashPlace{int32(n), r.QueueID}, err
}

// draft is a message whose body says which it is: its serial number, filling, and the CRC-32 of both.
func (p *crashSubject) draft(rng *rand.Rand, c crashPlace, serial int64) record.Draft {
	body := binary.BigEndian.AppendUint64(nil, uint64(serial))
	for range rng.IntN(60) {
		body = binary.BigEndian.AppendUint64(body, rng.Uint64())
	}
	body = binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body))
	props := record.AppendProperty(nil, record.PropUniqKey, uniqueKey(serial))
	props = record.AppendProperty(props, record.PropKeys, "order-"+itoa(serial%1000))
	props = record.AppendProperty(props, record.PropTags, crashTag(serial))
	return record.Draft{
		Topic: c.name(), QueueID: c.Queue, Queue: p.store.Queue(c.name(), c.Queue), Body: body, Properties: props,
		BornTimestamp: 1700000000000, BornHost: aHost, StoreHost: aHost,
	}
}

func uniqueKey(serial int64) string { return fmt.Sprintf("U%016X", serial) }
func crashTag(serial int64) string  { return string(rune('A' + serial%7)) }
