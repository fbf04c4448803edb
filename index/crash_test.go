package index

import (
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

var (
	seeds     = flag.Uint64("index.seeds", 250, "number of seeds of the crash test")
	firstSeed = flag.Uint64("index.seed", 0, "first seed of the crash test")
)

// loggedRecord is a record of the log that the index follows.
type loggedRecord struct {
	logOffset, storeTime int64
	hashes               []int32
}

// owner does what the store around an index does: it has the log, follows it into the index, and keeps the State.
type owner struct {
	t     *testing.T
	rng   *rand.Rand
	opt   Options
	x     *Index
	log   []loggedRecord
	end   int64 // of the log
	next  int   // record of the log that is put next
	saved State
	torn  bool // a truncation did not get to its end
}

func TestAfterAnyCrashEveryKeyIsFoundExactlyOnce(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		crashRun(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func crashRun(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 42))
	mem := vfs.NewMem()
	o := &owner{t: t, rng: rng, opt: Options{FS: mem, Dir: "store/index", Slots: 1 + rng.IntN(1500), Entries: 40 + rng.IntN(400), MaxPending: 1 + rng.IntN(100)}}
	for range 4 {
		mem.SetWriteBack(rng, 0.05)
		o.opt.FS = dying(mem, rng)
		o.run()
		// A process that dies is mostly the only one; now and then the machine goes, too, at once or after a restart.
		if rng.IntN(3) == 0 {
			mem = mem.Kill()
			if rng.IntN(2) == 0 {
				o.opt.FS = dying(mem, rng)
				o.reopen()
			}
		}
		if rng.IntN(3) > 0 {
			mem = mem.Crash(rng)
		} else {
			mem = mem.Kill()
		}
	}
	o.opt.FS = mem
	if !o.reopen() {
		t.Fatal("a healthy disk fails")
	}
	o.follow(len(o.log))
	o.check()
	if err := o.x.Close(); err != nil {
		t.Error(err)
	}
}

var errDead = errors.New("the process is dead")

// dying is a file system that fails for good after some operations, in the middle of a write if that is the last.
func dying(fs vfs.FS, rng *rand.Rand) vfs.FS {
	left := rng.IntN(300)
	return vfs.Fault(fs, func(op vfs.Op) error {
		left--
		if left == 0 && op.Kind == vfs.OpWrite {
			// What is cut short ends at a sector's border.
			end := (op.Off + rng.Int64N(op.N)) / 512 * 512
			return &vfs.Partial{N: int(max(end-op.Off, 0)), Err: errDead}
		}
		if left <= 0 && op.Kind != vfs.OpClose {
			return errDead
		}
		return nil
	})
}

// reopen opens the index after a crash and begins the replay.
func (o *owner) reopen() bool {
	x, err := Open(o.opt, o.saved, false)
	if err != nil {
		if !errors.Is(err, errDead) {
			o.t.Fatal(err)
		}
		return false
	}
	o.x = x
	from := x.State().LogOffset
	switch {
	case o.saved == State{}: // full files that prove whole are kept
	case from > o.saved.LogOffset || from < o.saved.LogOffset && !o.torn:
		o.t.Errorf("replay from %d, the saved state was %+v", from, o.saved)
	}
	o.saved, o.torn = x.State(), false
	o.next, _ = slices.BinarySearchFunc(o.log, from, func(r loggedRecord, at int64) int { return int(r.logOffset - at) })
	return true
}

// run works until the disk dies.
func (o *owner) run() {
	if !o.reopen() {
		return
	}
	for {
		var ok bool
		switch o.rng.IntN(20) {
		case 0:
			ok = o.flush()
		case 1:
			ok = o.truncate()
		default:
			for range o.rng.IntN(8) {
				o.append()
			}
			ok = o.follow(o.rng.IntN(10))
		}
		if !ok {
			return
		}
	}
}

// append adds a record to the log. Hash 1 is in most of them, the others are rare.
func (o *owner) append() {
	r := loggedRecord{logOffset: o.end, storeTime: 1_000_000 + int64(len(o.log))*300}
	for range o.rng.IntN(5) {
		h := int32(1)
		if o.rng.IntN(2) > 0 {
			h = 2 + int32(o.rng.IntN(5000))
		}
		if !slices.Contains(r.hashes, h) {
			r.hashes = append(r.hashes, h)
		}
	}
	o.log = append(o.log, r)
	o.end += 1 + o.rng.Int64N(100)
}

func (o *owner) ok(err error) bool {
	if err != nil && !errors.Is(err, errDead) {
		o.t.Error(err)
	}
	return err == nil
}

func (o *owner) follow(n int) bool {
	for ; n > 0 && o.next < len(o.log); n-- {
		r := o.log[o.next]
		if !o.ok(o.x.PutRecord(r.logOffset, r.storeTime, r.hashes)) {
			return false
		}
		o.next++
	}
	if o.next == len(o.log) {
		o.x.SetEnd(o.end)
	}
	return true
}

func (o *owner) flush() bool {
	s, err := o.x.Flush()
	if o.ok(err) && o.rng.IntN(4) > 0 { // it isn't kept at once each time
		o.saved = s
	}
	return err == nil
}

// truncate cuts the log and everything that follows it, as a replica does.
func (o *owner) truncate() bool {
	if len(o.log) == 0 || o.rng.IntN(3) > 0 {
		return true
	}
	n := len(o.log) - o.rng.IntN(min(len(o.log), 60))
	if n == len(o.log) {
		return true
	}
	to := o.log[n].logOffset
	err := o.x.Truncate(to)
	if o.ok(err) {
		o.saved = o.x.State()
	}
	if err != nil {
		o.torn = true // the log was not cut either
		return false
	}
	o.log, o.end, o.next = o.log[:n], to, min(o.next, n)
	return true
}

// check compares the answer for every hash with the log.
func (o *owner) check() {
	want := map[int32][]int64{}
	for _, r := range slices.Backward(o.log) {
		for _, h := range r.hashes {
			want[h] = append(want[h], r.logOffset)
		}
	}
	for h := range int32(5002) {
		got, err := o.x.Query(h, 0, always, always, nil)
		if err != nil || !slices.Equal(got, want[h]) {
			o.t.Errorf("hash %d: %v, %v; expected %v", h, got, err, want[h])
		}
	}
	entries := int64(0)
	for _, offsets := range want {
		entries += int64(len(offsets))
	}
	if s := o.x.Stats(); s.Entries != entries {
		o.t.Errorf("%d entries, expected %d", s.Entries, entries)
	}
	if _, err := o.x.Flush(); err != nil {
		o.t.Error(err)
	}
	if err := o.x.Verify(); err != nil {
		o.t.Error(err)
	}
}
