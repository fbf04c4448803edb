package store

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

var (
	powerSeeds = flag.Int("seeds", 0, "how many stores TestWhatAStorePromisedSurvivesEveryDeath tries (0: 2000, and 10000 with GANTRY_LONG=1)")
	powerSeed  = flag.Int64("seed", -1, "try this store alone")
)

// TestWhatAStorePromisedSurvivesEveryDeath leads stores, with the tables of their broker, through random histories: messages
// single, in batches and in inner batches, topics deleted and created again, retention, truncation, checkpoints, full disks,
// failing writes; and at any system call the process dies or the power fails, while the store is being opened too. After each
// restart everything that was promised must hold: see the check… methods of trial. A history depends on its seed alone.
func TestWhatAStorePromisedSurvivesEveryDeath(t *testing.T) {
	first, last := int64(0), int64(*powerSeeds)
	switch {
	case *powerSeed >= 0:
		first, last = *powerSeed, *powerSeed+1
	case last == 0 && os.Getenv("GANTRY_LONG") != "":
		last = 10_000
	case last == 0:
		last = 2000
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // what a history leaves is small, and garbage
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	next.Store(first)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := next.Add(1) - 1; seed < last && !failed.Load(); seed = next.Add(1) - 1 {
				if err := newTrial(uint64(seed)).run(); err != nil {
					failed.Store(true)
					t.Errorf("%v\nreplay with -run %s -seed %d", err, t.Name(), seed)
				}
			}
		})
	}
	wg.Wait()
}

// errDead is what system calls answer after the process has died.
var errDead = errors.New("the process is dead")

// trial is one store under test: the machine that it lives on, the process that runs it, and what is known of it.
type trial struct {
	rng *rand.Rand
	err error // the first promise that was broken

	mem        *vfs.Mem
	now        time.Time
	callsLeft  int     // changing system calls until the process dies; negative: not soon
	dieAt      string  // it also dies at the next sync below this path, if that isn't empty
	dead       bool    // it has died
	running    bool    // it is neither being opened nor stopped
	faulty     float64 // probability with which a changing call fails while it runs
	faulted    bool    // one has failed since the store was opened
	syncFailed bool    // one was an fdatasync of the log
	stuck      bool    // the process can't go on
	full       bool    // the disk has next to no room
	retired    bool    // retention has deleted segments since the store was opened

	opts Options
	sync bool

	store   *Store
	table   *meta.Topics
	offsets *meta.Offsets

	known
}

func newTrial(seed uint64) *trial {
	tr := &trial{
		rng: rand.New(rand.NewPCG(seed, 0x6761_6e74_7279)), mem: vfs.NewMem(), callsLeft: -1,
		now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), known: newKnown(),
	}
	tr.sync = tr.rng.IntN(2) == 0
	if tr.rng.IntN(3) == 0 {
		tr.faulty = 0.015
	}
	tr.opts = Options{
		Root: "store",
		Log: commitlog.Options{
			SegmentSize: int64(1+tr.rng.IntN(3)) * 2048, SyncFlush: tr.sync, MaxMessageSize: 1200, Manual: true,
			WritebackStep: 1 << 40, CRCProperty: true,
		},
		QueueFile: 10 * 20, BatchFile: 4 * 46, ExtFile: 4096, OpenFiles: 1, IndexSlots: 13, IndexEntries: 24 + tr.rng.IntN(40),
		MultiDispatch: true, QueueExt: tr.rng.IntN(3) == 0, NoIndex: tr.rng.IntN(8) == 0,
		Retention: commitlog.Retention{Age: time.Hour, Clean: 2, Force: 2, Refuse: 2},
		Now:       func() time.Time { return tr.now },
	}
	tr.mem.SetClock(tr.opts.Now)
	return tr
}

// tracef tells what happens, where one history is replayed.
func (tr *trial) tracef(format string, args ...any) {
	if *powerSeed >= 0 {
		fmt.Printf(format+"\n", args...)
	}
}

// failf notes that a promise was broken.
func (tr *trial) failf(format string, args ...any) {
	if tr.err == nil {
		tr.err = fmt.Errorf(format, args...)
	}
}

// before decides the fate of each system call.
func (tr *trial) before(op vfs.Op) error {
	if tr.dead {
		return errDead
	}
	if !op.Kind.Changes() {
		return nil
	}
	if tr.callsLeft == 0 || tr.dieAt != "" && isSync(op.Kind) && strings.HasPrefix(op.Name, tr.dieAt) {
		tr.tracef("  dies at %v %s", op.Kind, op.Name)
		tr.dead = true
		return tr.fault(op, errDead)
	}
	tr.callsLeft--
	if tr.running && tr.rng.Float64() < tr.faulty {
		tr.tracef("  fails: %v %s", op.Kind, op.Name)
		tr.faulted = true
		tr.syncFailed = tr.syncFailed || op.Kind == vfs.OpDatasync && isSegment(op.Name)
		return tr.fault(op, vfs.ErrIO)
	}
	return nil
}

func isSync(k vfs.OpKind) bool { return k == vfs.OpSync || k == vfs.OpDatasync || k == vfs.OpSyncDir }

// fault is err, perhaps after a part of a write that isn't within one sector of the disk.
func (tr *trial) fault(op vfs.Op, err error) error {
	const sector = 512
	if op.Kind == vfs.OpWrite && op.Off/sector != (op.Off+op.N-1)/sector && tr.rng.IntN(2) == 0 {
		return &vfs.Partial{N: tr.rng.IntN(int(op.N) + 1), Err: err}
	}
	return err
}

// run is the history: processes, one after the other.
func (tr *trial) run() error {
	for range 2 + tr.rng.IntN(4) {
		tr.start()
		tr.live()
		if tr.err == nil && !tr.end() {
			tr.die()
		}
		if tr.err != nil {
			return tr.err
		}
		tr.loseDerived()
	}
	tr.start()
	return tr.err
}

// live makes things happen until the process dies, or is to end.
func (tr *trial) live() {
	tr.callsLeft = -1
	if tr.rng.IntN(4) > 0 {
		tr.callsLeft = tr.rng.IntN(1 + tr.rng.IntN(500))
	}
	tr.running = true
	for range 80 {
		if tr.err != nil || tr.dead || tr.broken() {
			break
		}
		tr.event()
	}
	tr.running = false
}

// broken tells whether the store has to be opened anew.
func (tr *trial) broken() bool {
	return tr.stuck || errors.Is(tr.store.Log.Err(), commitlog.ErrFailed)
}

// end is an orderly stop; false if it came to nothing.
func (tr *trial) end() bool {
	if tr.dead || tr.broken() || tr.rng.IntN(3) == 0 {
		return false
	}
	tr.makeRoom()
	if tr.rng.IntN(4) > 0 {
		tr.callsLeft, tr.dieAt = -1, ""
	}
	offsets := tr.persistOffsets()
	err := cmp.Or(offsets, tr.store.Close())
	if err != nil {
		if !tr.dead && !tr.faulted {
			tr.failf("close: %v", err)
		}
		return false
	}
	tr.stopped()
	return true
}

// die ends the process, and half of the time the power with it.
func (tr *trial) die() {
	tr.makeRoom()
	tr.cleanStop = false
	if tr.rng.IntN(2) == 0 {
		tr.tracef("power loss")
		tr.mem, tr.powerLost = tr.mem.Crash(tr.rng), true
	} else {
		tr.tracef("killed")
		tr.mem = tr.mem.Kill()
	}
}

// start opens the store, during which the process may die a few times, and compares it with what is known.
func (tr *trial) start() {
	for tr.dead = true; tr.dead; {
		tr.dead, tr.faulted, tr.syncFailed, tr.stuck, tr.retired, tr.callsLeft, tr.dieAt = false, false, false, false, false, -1, ""
		if tr.rng.IntN(3) == 0 {
			tr.callsLeft = tr.rng.IntN(60)
		}
		err := tr.boot(vfs.Fault(tr.mem, tr.before))
		tr.callsLeft, tr.dieAt = -1, ""
		switch {
		case tr.dead: // whatever Open has made of that
			tr.die()
		case err != nil:
			tr.failf("open: %v", err)
			return
		}
	}
	tr.tracef("open: log [%d,%d), %+v", tr.store.Log.Min(), tr.store.Log.Max(), tr.store.Recovery())
	tr.restarted()
}

// boot does what a broker does to open its store and tables.
func (tr *trial) boot(fsys vfs.FS) (err error) {
	o := meta.Options{FS: fsys, Dir: "store/config"}
	if tr.table, err = meta.OpenTopics(o, tr.opts.Now); err != nil {
		return err
	}
	if tr.offsets, err = meta.OpenOffsets(o, false, tr.opts.Now); err != nil {
		return err
	}
	tr.opts.FS, tr.opts.Topics = fsys, tableOfTopics{tr.table}
	if tr.store, err = Open(tr.opts); err != nil {
		return err
	}
	tr.table.FitBirths(tr.store.Log.Min(), tr.store.Log.Max())
	tr.offsets.ClampTo(tr.nextOffset)
	return cmp.Or(tr.table.Persist(), tr.offsets.Persist())
}

func (tr *trial) nextOffset(topic string, id int32) (int64, bool) {
	if t := tr.table.Get(topic); t == nil || id >= t.ReadQueues {
		return 0, false
	}
	_, next := tr.store.Queue(topic, id).Bounds()
	return next, true
}

// loseDerived takes away what the log can rebuild, as an owner may do between two runs. The state is not needed after an orderly
// stop; after a power loss it is what says that a record without the sum of the whole is torn.
func (tr *trial) loseDerived() {
	often := tr.retired && !tr.powerLost // then only the table of bounds knows where some queues go on
	if tr.rng.IntN(4) > 0 && !often {
		return
	}
	parts := []string{"index", "checkpoint"}
	if !tr.powerLost && tr.cutting == notCutting { // a queue that also lost its last messages doesn't know where it goes on
		parts = append(parts, "consumequeue", "consumequeue", "batchconsumequeue")
	}
	if tr.cleanStop {
		parts = append(parts, stateName)
	}
	part := parts[tr.rng.IntN(len(parts))]
	tr.tracef("%s is removed", part)
	if err := cmp.Or(tr.mem.RemoveAll("store/"+part), tr.mem.SyncDir("store")); err != nil {
		tr.failf("remove %s: %v", part, err)
	}
	tr.cleanStop = false
}
