package meta

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// separator stands between topic and group in the keys of the table; neither can contain it.
const separator = '@'

// maxKeyOnStack holds the longest legal topic and group, so that looking a key up allocates nothing.
const maxKeyOnStack = maxDerivedLen + 1 + maxGroupLen

// Offsets is the table of committed offsets: for a group and a queue, the queue offset of the next message to consume.
// Beside them it knows, until the broker stops, how far consumers have pulled, and what offsets were reset: see Reset.
// All methods are safe for concurrent use. Commit, Query and NotePull allocate nothing for a group that is known.
type Offsets struct {
	file file
	lmq  bool
	now  func() time.Time

	// persisting is held while the file is written. It is taken before mu.
	persisting sync.Mutex
	// mu guards version and the adding and removing of pairs. It is taken before the lock of a pair.
	mu      sync.Mutex
	version DataVersion

	dirty  atomic.Bool
	pairs  *table[*pair]
	pulled *table[*pair] // from where consumers pull next
	resets resets
}

// pair is what one group has committed of one topic.
type pair struct {
	mu     sync.Mutex // guards queues
	queues map[int32]int64
}

func newPair() *pair { return &pair{queues: make(map[int32]int64, 4)} }

// set replaces the offset of a queue and returns the one before, or -1.
func (p *pair) set(queue int32, offset int64) (before int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, had := p.queues[queue]
	if !had {
		before = -1
	}
	p.queues[queue] = offset
	return before
}

// get returns the offset of a queue, or -1.
func (p *pair) get(queue int32) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if offset, ok := p.queues[queue]; ok {
		return offset
	}
	return -1
}

func (p *pair) clone() map[int32]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.queues)
}

// appendKey is the key of a pair, appended to b.
func appendKey(b []byte, group, topic string) []byte {
	b = append(b, topic...)
	b = append(b, separator)
	return append(b, group...)
}

func find(t *table[*pair], group, topic string) *pair {
	var buf [maxKeyOnStack]byte
	p, _ := t.getBytes(appendKey(buf[:0], group, topic))
	return p
}

// ensure finds a pair, or adds it.
func (o *Offsets) ensure(t *table[*pair], group, topic string) *pair {
	if p := find(t, group, topic); p != nil {
		return p
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := find(t, group, topic); p != nil {
		return p
	}
	p := newPair()
	t.put(string(appendKey(nil, group, topic)), p)
	return p
}

// Commit sets a group's offset of a queue and returns the one before, or -1. It may go backwards: consumers reset.
func (o *Offsets) Commit(group, topic string, queue int32, offset int64) (before int64) {
	before = o.ensure(o.pairs, group, topic).set(queue, offset)
	if before != offset && !o.dirty.Load() {
		o.dirty.Store(true)
	}
	return before
}

// Query returns a group's offset of a queue, or -1 if it has committed none.
func (o *Offsets) Query(group, topic string, queue int32) int64 {
	if offset, ok := o.resets.get(group, topic, queue); ok {
		return offset
	}
	if p := find(o.pairs, group, topic); p != nil {
		return p.get(queue)
	}
	return -1
}

// Queues returns a copy of what a group has committed of a topic, by queue.
func (o *Offsets) Queues(group, topic string) map[int32]int64 {
	if p := find(o.pairs, group, topic); p != nil {
		return p.clone()
	}
	return nil
}

// Each calls f for every committed offset until it returns false, in no order. f may call the other methods.
func (o *Offsets) Each(f func(group, topic string, queue int32, offset int64) bool) {
	for key, p := range o.pairs.all() {
		topic, group, _ := strings.Cut(key, string(separator))
		for queue, offset := range p.clone() {
			if !f(group, topic, queue, offset) {
				return
			}
		}
	}
}

// Topics returns the topics of which a group has committed offsets.
func (o *Offsets) Topics(group string) []string {
	return o.names(func(topic, g string) (string, bool) { return topic, g == group })
}

// Groups returns the groups that have committed offsets of a topic.
func (o *Offsets) Groups(topic string) []string {
	return o.names(func(t, group string) (string, bool) { return group, t == topic })
}

func (o *Offsets) names(match func(topic, group string) (string, bool)) []string {
	var names []string
	for key := range o.pairs.all() {
		topic, group, _ := strings.Cut(key, string(separator))
		if name, ok := match(topic, group); ok {
			names = append(names, name)
		}
	}
	return names
}

// RemoveGroup forgets everything that a group has committed.
func (o *Offsets) RemoveGroup(group string) {
	o.remove(func(_, g string) bool { return g == group })
}

// RemoveTopic forgets what any group has committed of a topic.
func (o *Offsets) RemoveTopic(topic string) {
	o.remove(func(t, _ string) bool { return t == topic })
}

func (o *Offsets) remove(match func(topic, group string) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range [...]*table[*pair]{o.pairs, o.pulled} {
		for key := range t.all() {
			if topic, group, _ := strings.Cut(key, string(separator)); match(topic, group) {
				t.delete(key)
				if t == o.pairs {
					o.dirty.Store(true)
				}
			}
		}
	}
	o.resets.remove(match)
}

// Clamped is an offset that ClampTo took back.
type Clamped struct {
	Group, Topic string
	Queue        int32
	From, To     int64
}

// ClampTo takes offsets back that lie beyond the end of their queue, as after a crash that cost the log its unflushed
// end, and returns them. next is the offset that the queue's next message will get; it tells with false that it
// doesn't know the queue. It must only be asked when the queues are complete: an offset that is clamped against a
// queue in the middle of its rebuilding is lost.
func (o *Offsets) ClampTo(next func(topic string, queue int32) (offset int64, ok bool)) []Clamped {
	var clamped []Clamped
	o.Each(func(group, topic string, queue int32, offset int64) bool {
		if end, ok := next(topic, queue); ok && offset > end && !seeded.Is(seeded.OffsetsNotClamped) {
			o.Commit(group, topic, queue, end)
			clamped = append(clamped, Clamped{group, topic, queue, offset, end})
		}
		return true
	})
	return clamped
}
