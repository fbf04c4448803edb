package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/consumequeue"
	"github.com/gantry-mq/gantry/index"
)

const powerGroup = "g"

var powerHost = record.Host{IP: netip.AddrFrom4([4]byte{10, 0, 0, 7}), Port: 10911}

// restarted compares the store that was opened with what is known.
func (tr *trial) restarted() {
	if tr.cleanStop && !tr.store.Recovery().Clean {
		tr.failf("the last stop was in order, but the store doesn't know")
	}
	if from, end := tr.store.Log.Flushed(), tr.store.Log.Max(); from != end {
		tr.failf("after recovery the log ends at %d, flushed is %d", end, from)
	}
	for _, check := range []func(){tr.checkLog, tr.checkTail, tr.checkTopics, tr.checkOffsets, tr.checkDerived} {
		if check(); tr.err != nil {
			return
		}
	}
	tr.powerLost, tr.cutting, tr.pending, tr.undropped = false, notCutting, nil, nil
}

// stopped notes what an orderly stop promises.
func (tr *trial) stopped() {
	tr.cleanStop = true
	for i := range tr.messages {
		tr.messages[i].durable = true
	}
}

// checkLog fails unless the log is what it was, up to some message: nothing is missing that must be there, byte by byte,
// nothing is there that wasn't stored, or was cut off, and numbers have no gaps.
func (tr *trial) checkLog() {
	log := tr.store.Log
	if log.Min() > tr.retirable {
		tr.failf("the log begins at %d, segments were to be deleted up to %d", log.Min(), tr.retirable)
	}
	want := slices.IndexFunc(tr.messages, func(m message) bool { return m.at >= log.Min() })
	if want < 0 {
		want = len(tr.messages)
	}
	now := tr.messages[:want:want]
	left, attempts := tr.messages[want:], tr.pending
	var pending []message
	for at := log.Min(); at < log.Max(); {
		raw, blank, err := tr.recordAt(at)
		if err != nil {
			tr.failf("record at %d of [%d,%d): %v", at, log.Min(), log.Max(), err)
			return
		}
		at += int64(len(raw))
		if blank {
			at += tr.opts.Log.SegmentSize - at%tr.opts.Log.SegmentSize
			continue
		}
		m := message{}
		switch {
		case len(left) > 0:
			m, left = left[0], left[1:]
			if !bytes.Equal(raw, m.raw) {
				tr.failf("record at %d is not the one that was stored at %d (%.8s…)", at-int64(len(raw)), m.at, m.body)
				return
			}
		default:
			if err := m.read(at-int64(len(raw)), raw); err != nil {
				tr.failf("record at %d: %v", at-int64(len(raw)), err)
				return
			}
			if i := slices.IndexFunc(attempts, func(a []message) bool { return a[0].body == m.body }); i >= 0 {
				attempts, pending = nil, attempts[i]
			}
			if len(pending) == 0 || pending[0].body != m.body {
				tr.failf("record at %d should not be there: %.8s…", m.at, m.body)
				return
			}
			m.life, pending = pending[0].life, pending[1:]
		}
		m.durable = true // recovery says that all is flushed
		now = append(now, m)
	}
	for _, m := range left {
		if (m.durable || !tr.powerLost) && m.at < tr.cutting {
			tr.failf("message at %d is lost (promised to survive a power loss: %v, and there was one: %v); the log ends at %d (%s)",
				m.at, m.durable, tr.powerLost, log.Max(), tr.store.Recovery().Log.Cut)
			return
		}
	}
	tr.keep(now)
}

// recordAt reads and checks what stands at a log offset. raw is empty for a blank, which ends its segment.
func (tr *trial) recordAt(at int64) (raw []byte, blank bool, err error) {
	v, err := tr.store.Log.ViewUpTo(at, tr.store.Log.Max(), math.MaxInt32)
	if err != nil {
		return nil, false, err
	}
	defer v.Release()
	n, kind, err := record.Verify(v.Bytes(), at, record.Check{BodyCRC: true, RecordCRC: true})
	switch {
	case err != nil:
		return nil, false, err
	case kind == record.Blank:
		return nil, true, nil
	case n == 0:
		return nil, false, errors.New("nothing")
	}
	return bytes.Clone(v.Bytes()[:n]), false, nil
}

// checkTail fails if something stands behind the end of the log: it could come to look like a record.
func (tr *trial) checkTail() {
	end := tr.store.Log.Max()
	if end%tr.opts.Log.SegmentSize == 0 {
		return
	}
	f, err := tr.opts.FS.OpenReadOnly(tr.store.Log.SegmentPath(end))
	if err != nil {
		tr.failf("%v", err)
		return
	}
	defer f.Close()
	rest := make([]byte, tr.opts.Log.SegmentSize-end%tr.opts.Log.SegmentSize)
	if _, err := f.ReadAt(rest, end%tr.opts.Log.SegmentSize); err != nil {
		tr.failf("%v", err)
	}
	if i := slices.IndexFunc(rest, func(b byte) bool { return b != 0 }); i >= 0 {
		tr.failf("byte %d behind the end of the log at %d is not zero", i, end)
	}
}

// fitLives takes births back that lie beyond the end of the log.
func (tr *trial) fitLives() {
	end := tr.store.Log.Max()
	for g, birth := range tr.births {
		tr.births[g] = min(birth, end)
	}
	for name, end0 := range tr.graves {
		tr.graves[name] = min(end0, end)
	}
}

// checkTopics fails unless each topic is as it was when it was last persisted, or as it was to be persisted when the process died,
// and knows its birth.
func (tr *trial) checkTopics() {
	tr.fitLives()
	clear(tr.topics)
	for _, name := range topicNames {
		var found life
		if c := tr.table.Get(name); c != nil {
			found.generation = c.SysFlag
		}
		candidates := append(slices.Clone(tr.tries[name]), tr.acked[name])
		i := slices.IndexFunc(candidates, func(l life) bool { return l.generation == found.generation })
		if i < 0 {
			tr.failf("topic %s is found in its life %d, expected one of %v", name, found.generation, candidates)
			return
		}
		found = candidates[i]
		least := tr.graves[name]
		if found.generation != 0 {
			least = tr.births[found.generation]
		}
		birth := tr.table.Birth(name)
		switch {
		case birth < least && least > tr.store.Log.Min():
			tr.failf("topic %s (life %d) is born at %d, expected %d", name, found.generation, birth, least)
			return
		case birth > least && len(tr.tries[name]) == 0:
			tr.failf("topic %s (life %d) is born at %d, expected %d, and nobody wanted to delete it", name, found.generation, birth, least)
			return
		}
		if found.generation == 0 {
			tr.graves[name] = max(birth, least) // a birth without a topic, from a creation that didn't come to its end, is harmless
		} else {
			tr.topics[name] = found
			tr.births[found.generation] = max(birth, least)
			if birth > least {
				tr.bury(name, found.generation, birth)
			}
		}
	}
	tr.acked = maps.Clone(tr.topics)
	clear(tr.tries)
}

// bury marks messages as those of a life that is over: the deletion came as far as that.
func (tr *trial) bury(name string, generation int32, birth int64) {
	tr.burials++
	for i := range tr.messages {
		if m := &tr.messages[i]; m.topic == name && m.life == generation && m.at < birth {
			m.life = -tr.burials
		}
	}
	tr.keep(tr.messages)
}

// checkOffsets fails unless committed offsets are what was persisted, and none lies beyond the end of its queue.
func (tr *trial) checkOffsets() {
	found := map[commit]int64{}
	tr.offsets.Each(func(_, topic string, queue int32, offset int64) bool {
		found[commit{topic, queue}] = offset
		return true
	})
	for c := range found {
		if next, ok := tr.nextOffset(c.topic, c.queue); ok && found[c] > next {
			tr.failf("committed offset %d of %v, the queue ends at %d", found[c], c, next)
		}
	}
	fits := func(want map[commit]int64) bool {
		if len(want) != len(found) {
			return false
		}
		for c, offset := range want {
			if next, ok := tr.nextOffset(c.topic, c.queue); ok {
				offset = min(offset, next)
			}
			if found[c] != offset {
				return false
			}
		}
		return true
	}
	if !slices.ContainsFunc(tr.persisted, fits) {
		tr.failf("committed offsets are %v, expected one of %v", found, tr.persisted)
	}
	tr.committed, tr.persisted = found, []map[commit]int64{maps.Clone(found)}
}

// checkDerived fails unless queues and index say of the log what it holds.
func (tr *trial) checkDerived() {
	tr.checkQueues()
	tr.checkReads()
	tr.checkIndex()
}

func (tr *trial) checkQueues() {
	for _, name := range tr.existing() {
		t := tr.topics[name]
		for id := range t.queues {
			tr.checkQueue(place{name, t.generation, id}, t.batch)
		}
	}
	for _, name := range []string{"%LMQ%x", "%LMQ%y"} {
		tr.checkQueue(place{name, 0, 0}, false)
	}
}

// unit is what a queue says of a message.
type unit struct{ at, end, offset int64 }

// checkQueue fails unless a queue holds exactly its messages in their order: all that was dispatched, and nothing that may not be
// seen yet. Those that retention was about to delete may be gone. What may be seen must not vanish.
func (tr *trial) checkQueue(p place, batch bool) {
	q := tr.store.Queue(p.topic, p.queue)
	lowest, next := q.Bounds()
	units, err := readUnits(q, batch)
	if err != nil {
		tr.failf("queue %v: %v", p, err)
		return
	}
	want := tr.standing(p)
	complete := len(want) == 0 || want[len(want)-1].end <= tr.store.dispatcher.pos.Load()
	for len(want) > 0 && (len(units) == 0 || want[0].at < units[0].at) && want[0].at < tr.retirable {
		want = want[1:]
	}
	for i, u := range units {
		if i >= len(want) || u != (unit{want[i].at, want[i].end, want[i].places()[p]}) {
			tr.failf("queue %v: unit %d of %d is %v, expected %v", p, i, len(units), u, describe(want, i, p))
			return
		}
		if tr.sync {
			tr.promise(u.at)
		}
		if u.end > tr.store.Log.Confirmed() {
			tr.failf("queue %v: message at %d can be seen, confirmed is %d", p, u.at, tr.store.Log.Confirmed())
		}
	}
	if len(units) < len(want) {
		if m := want[len(units)]; m.end <= tr.store.dispatcher.pos.Load() {
			tr.failf("queue %v: %d units, expected one for the message at %d, queue offset %d (bounds [%d,%d))", p, len(units), m.at, m.places()[p], lowest, next)
		}
	}
	if !complete {
		return
	}
	if all := tr.next[p]; next != all {
		tr.failf("queue %v goes on at %d, expected %d", p, next, all)
	}
	if len(units) == 0 && lowest != next {
		tr.failf("queue %v is empty, its bounds are [%d,%d)", p, lowest, next)
	}
}

func describe(want []*message, i int, p place) string {
	if i >= len(want) {
		return "none"
	}
	return fmt.Sprint(unit{want[i].at, want[i].end, want[i].places()[p]})
}

// readUnits reads a queue from its lowest queue offset to the end.
func readUnits(q *Queue, batch bool) (all []unit, err error) {
	lowest, next := q.Bounds()
	for at := lowest; at < next; {
		if !batch {
			var u [3]consumequeue.Unit
			n, err := q.Read(u[:], at)
			if err != nil || n == 0 {
				return nil, fmt.Errorf("read at %d of [%d,%d): %d units, %w", at, lowest, next, n, err)
			}
			for i := range n {
				all = append(all, unit{u[i].LogOffset, u[i].LogOffset + int64(u[i].Size), at + int64(i)})
			}
			at += int64(n)
			continue
		}
		var u [1]consumequeue.BatchUnit
		n, err := q.ReadBatch(u[:], at)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("read at %d of [%d,%d): %d units, %w", at, lowest, next, n, err)
		}
		all = append(all, unit{u[0].LogOffset, u[0].LogOffset + int64(u[0].Size), u[0].BaseOffset})
		at = u[0].BaseOffset + int64(u[0].Count)
	}
	return all, nil
}

// checkReads fails unless each message that may be seen can be read, and none of a deleted topic.
func (tr *trial) checkReads() {
	confirmed := tr.store.Log.Confirmed()
	for i := range tr.messages {
		m := &tr.messages[i]
		if m.at < tr.store.Log.Min() {
			continue
		}
		b, err := tr.store.Record(m.at, nil)
		switch dead := tr.isDead(m); {
		case m.end > confirmed:
			if !errors.Is(err, commitlog.ErrOutOfRange) {
				tr.failf("message at %d is read (%v), confirmed is %d", m.at, err, confirmed)
			}
		case dead && !errors.Is(err, ErrNoTopic):
			tr.failf("message at %d of the deleted topic %s is read (%v)", m.at, m.topic, err)
		case !dead && (err != nil || !bytes.Equal(b, m.raw)):
			tr.failf("message at %d can't be read: %v", m.at, err)
		}
	}
}

// checkIndex fails unless each key leads to exactly the messages that carry it.
func (tr *trial) checkIndex() {
	if tr.store.index == nil {
		return
	}
	if !tr.faulted { // else slots may be written that nothing counts yet
		if err := tr.store.index.Verify(); err != nil {
			tr.failf("%v", err)
		}
	}
	carriers := map[[2]string][]*message{}
	for i := range tr.messages {
		m := &tr.messages[i]
		for _, key := range m.keys {
			carriers[[2]string{m.topic, key}] = append(carriers[[2]string{m.topic, key}], m)
		}
	}
	for k, want := range carriers {
		tr.checkKey(k[0], k[1], want)
	}
}

// checkKey compares what the index, and a query, find under a key with the messages that carry it, oldest first.
func (tr *trial) checkKey(topic, key string, want []*message) {
	found, err := tr.store.index.Query(index.KeyHash(topic, key), 0, math.MaxInt64, math.MaxInt32, nil)
	if err != nil {
		tr.failf("index: %s#%s: %v", topic, key, err)
		return
	}
	asked, err := tr.store.Query(topic, key, AnyKey, 0, math.MaxInt64, math.MaxInt32)
	if err != nil {
		tr.failf("query %s#%s: %v", topic, key, err)
		return
	}
	for _, m := range slices.Backward(want) {
		if len(found) > 0 && found[0] == m.at {
			found = found[1:]
		} else if !tr.isDead(m) && m.at >= tr.retirable && m.end <= tr.store.dispatcher.pos.Load() {
			tr.failf("index: %s#%s does not lead to the message at %d", topic, key, m.at)
		}
		if m.at >= tr.store.Log.Min() && !tr.isDead(m) && len(asked) > 0 && asked[0].LogOffset == m.at {
			asked = asked[1:]
		} else if m.at >= tr.retirable && !tr.isDead(m) && m.end <= tr.store.dispatcher.pos.Load() {
			tr.failf("query %s#%s does not find the message at %d", topic, key, m.at)
		}
	}
	if len(found) > 0 || len(asked) > 0 {
		tr.failf("%s#%s leads to %v and finds %d messages too many", topic, key, found, len(asked))
	}
}
