package meta

import (
	"sync"
	"sync/atomic"
)

// resets are the offsets that were reset and that no consumer has been told of yet. The zero value is empty.
type resets struct {
	pending atomic.Int64 // len(offsets), mostly 0: consumers look here first
	mu      sync.Mutex   // guards offsets; taken before the lock of a pair
	offsets map[resetKey]int64
}

type resetKey struct {
	group, topic string
	queue        int32
}

// Reset moves a group's offset of a queue for consumers that are at work, which would go on by what they know and commit that. It is
// committed, and stands until the next pull takes it (TakeReset), whatever is committed by those who don't know of it yet. It is
// forgotten when the broker stops: consumers begin by what is committed then.
func (o *Offsets) Reset(group, topic string, queue int32, offset int64) {
	r := &o.resets
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.offsets == nil {
		r.offsets = map[resetKey]int64{}
	}
	r.offsets[resetKey{group, topic, queue}] = offset
	r.pending.Store(int64(len(r.offsets)))
	o.Commit(group, topic, queue, offset)
}

// TakeReset returns the offset that a queue of a group was reset to, once for each reset; false without one.
func (o *Offsets) TakeReset(group, topic string, queue int32) (offset int64, ok bool) {
	r := &o.resets
	if r.pending.Load() == 0 {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k := resetKey{group, topic, queue}
	if offset, ok = r.offsets[k]; ok {
		delete(r.offsets, k)
		r.pending.Store(int64(len(r.offsets)))
		// What was committed since, by one who looked for a reset just before it came.
		o.Commit(group, topic, queue, offset)
	}
	return offset, ok
}

// CommitUnlessReset is Commit for a consumer: it does nothing, and returns false, while a reset waits to be taken.
func (o *Offsets) CommitUnlessReset(group, topic string, queue int32, offset int64) bool {
	if _, waits := o.resets.get(group, topic, queue); waits {
		return false
	}
	o.Commit(group, topic, queue, offset)
	return true
}

func (r *resets) get(group, topic string, queue int32) (offset int64, ok bool) {
	if r.pending.Load() == 0 {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	offset, ok = r.offsets[resetKey{group, topic, queue}]
	return offset, ok
}

func (r *resets) remove(match func(topic, group string) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range r.offsets {
		if match(k.topic, k.group) {
			delete(r.offsets, k)
		}
	}
	r.pending.Store(int64(len(r.offsets)))
}

// NotePull notes from which offset on a group's consumer will pull next.
func (o *Offsets) NotePull(group, topic string, queue int32, offset int64) {
	o.ensure(o.pulled, group, topic).set(queue, offset)
}

// Pulled returns from which offset on a group's consumers will pull next, what is committed if none has pulled since the broker
// started, or -1.
func (o *Offsets) Pulled(group, topic string, queue int32) int64 {
	if p := find(o.pulled, group, topic); p != nil {
		if offset := p.get(queue); offset >= 0 {
			return offset
		}
	}
	return o.Query(group, topic, queue)
}
