package delay

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

var (
	seeds = flag.Int("seeds", 0, "histories to try (0: 100)")
	seed  = flag.Int64("seed", -1, "try this history alone")
)

// TestEveryMessageIsDeliveredOnceAfterItsDelayAndInOrderWhateverDies leads a machine through lives that end in order, by SIGKILL or with the
// power, between any two system calls, of a start too. At the end the log must have, for every message that it still has, one copy.
func TestEveryMessageIsDeliveredOnceAfterItsDelayAndInOrderWhateverDies(t *testing.T) {
	first, last := int64(0), int64(*seeds)
	switch {
	case *seed >= 0:
		first, last = *seed, *seed+1
	case last == 0:
		last = 100
	}
	for n := first; n < last && !t.Failed(); n++ {
		synctest.Test(t, func(t *testing.T) {
			h := &history{machine: newMachine(), rng: rand.New(rand.NewPCG(uint64(n), 11)), acked: map[string]bool{}}
			if err := h.run(t); err != nil {
				t.Errorf("%v\nreplay with -run %s -seed %d", err, t.Name(), n)
			}
		})
	}
}

// history is a machine whose processes die.
type history struct {
	*machine
	rng  *rand.Rand
	sent int

	mu    sync.Mutex // guards what follows
	left  int        // changing system calls until the process dies; negative: it doesn't
	power bool
	after *vfs.Mem        // what it left, once it is dead
	acked map[string]bool // by key; emptied when the power fails
}

// fs is the file system of the next process.
func (h *history) fs(edit *setup) {
	disk := h.mem
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left, h.power, h.after = -1, h.rng.IntN(2) == 0, nil
	if h.rng.IntN(4) > 0 {
		h.left = 1 + h.rng.IntN(150)
	}
	fate := rand.New(rand.NewPCG(h.rng.Uint64(), 13)) // of a power loss: the test's own goes on beside it
	if h.rng.IntN(2) == 0 {
		disk.SetWriteBack(rand.New(rand.NewPCG(h.rng.Uint64(), 17)), 0.1)
	}
	edit.fs = vfs.Fault(disk, func(op vfs.Op) error {
		if !op.Kind.Changes() {
			return nil
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.left--; h.left == 0 {
			h.fall(disk, fate)
		}
		return nil
	})
}

// fall ends what runs on a disk. It needs mu.
func (h *history) fall(disk *vfs.Mem, fate *rand.Rand) {
	if !h.power {
		h.after = disk.Kill()
		return
	}
	clear(h.acked)
	h.after = disk.Crash(fate)
}

// dead tells what a process has left that has died; nil if it lives.
func (h *history) dead() *vfs.Mem {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.after
}

// end makes the process die now, if it has not.
func (h *history) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.after == nil {
		h.fall(h.mem, h.rng)
	}
}

// spare lets the process live.
func (h *history) spare() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left = -1
	return h.after == nil
}

func (h *history) run(t *testing.T) error {
	for range 2 + h.rng.IntN(4) {
		h.live(t)
	}
	p := h.boot(t, nil)
	sleep(2 * levels[len(levels)-1])
	err := h.check(p)
	p.stop(t)
	return err
}

// live is one process.
func (h *history) live(t *testing.T) {
	p := h.try(t)
	if p == nil {
		return
	}
	for range h.rng.IntN(12) {
		h.send(p)
		sleep(time.Duration(h.rng.IntN(3000)) * time.Millisecond)
		if h.dead() != nil {
			break
		}
	}
	if h.rng.IntN(2) == 0 && h.spare() {
		p.stop(t)
		return
	}
	h.end()
	h.mem = h.dead()
	_ = p.Close() // on a disk that is gone
	_ = p.store.Close()
}

// try starts a process. It may die of that.
func (h *history) try(t *testing.T) *process {
	p, err := h.attempt(func(s *setup) {
		h.fs(s)
		// The log is flushed by others less often than offsets are saved, or more often.
		s.store.Log.FlushInterval = time.Duration(1+h.rng.IntN(40)) * 500 * time.Millisecond
		s.store.CheckpointInterval = s.store.Log.FlushInterval
	})
	if err == nil {
		p.Start()
		return p
	}
	if h.dead() == nil {
		t.Fatalf("a start failed: %v", err)
	}
	h.mem = h.dead()
	return nil
}

// send stores some messages, at random levels.
func (h *history) send(p *process) {
	var ds []record.Draft
	for range 1 + h.rng.IntN(8) {
		d := p.wait(keyOf(h.sent), 1+h.rng.IntN(len(levels)), "orders", h.rng.IntN(4))
		d.Body, d.BornTimestamp = make([]byte, 1+h.rng.IntN(3000)), int64(h.sent)
		h.sent++
		ds = append(ds, d)
	}
	_ = p.store.Append(ds) // what it says stands in the drafts
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range ds {
		if ds[i].Err == nil && h.after == nil {
			h.acked[property(record.Record{Properties: ds[i].Properties}, "UNIQ_KEY")] = true
		}
	}
}

// check compares the messages in the log with their copies.
func (h *history) check(p *process) error {
	type waited struct {
		level       int32
		queueOffset int64
		due         int64
	}
	messages := map[string]waited{}
	copies := map[string]int{}
	next := map[int32]int64{}
	var errs []error
	note := func(r *record.Record) error {
		key := property(*r, "UNIQ_KEY")
		if string(r.Topic) == record.TopicSchedule {
			messages[key] = waited{r.QueueID, r.QueueOffset, r.StoreTimestamp + levels[r.QueueID].Milliseconds()}
			return nil
		}
		w, ok := messages[key]
		switch copies[key]++; {
		case !ok:
			errs = append(errs, fmt.Errorf("%s was delivered, and waited nowhere", key))
		case r.StoreTimestamp < w.due:
			errs = append(errs, fmt.Errorf("%s was delivered at %d, it was due at %d", key, r.StoreTimestamp, w.due))
		case w.queueOffset < next[w.level]:
			errs = append(errs, fmt.Errorf("%s is message %d of its level, after %d", key, w.queueOffset, next[w.level]-1))
		}
		next[w.level] = w.queueOffset + 1
		return nil
	}
	if err := p.eachRecord(0, p.store.Log.Max(), note); err != nil {
		return err
	}
	for key := range messages {
		if n := copies[key]; n != 1 {
			errs = append(errs, fmt.Errorf("%s was delivered %d times", key, n))
		}
	}
	for key := range h.acked {
		if _, ok := messages[key]; !ok {
			errs = append(errs, fmt.Errorf("%s was acknowledged and is gone", key))
		}
	}
	return errors.Join(errs...)
}
