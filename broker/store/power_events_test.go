package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// event is the next thing that happens.
func (tr *trial) event() {
	tr.now = tr.now.Add(time.Duration(tr.rng.IntN(20)) * time.Second)
	switch n := tr.rng.IntN(100); {
	case n < 38:
		tr.append()
	case n < 48:
		tr.allow("flush", tr.store.Log.Flush())
	case n < 60:
		tr.dispatch()
	case n < 64:
		tr.commit()
	case n < 67:
		tr.store.Log.AllocateAhead()
	case n < 69:
		tr.fillDisk()
	case n < 74:
		tr.mem.WriteBack(tr.rng)
	default:
		tr.rareEvent(n)
	}
}

// rareEvent changes more than the end of something. The process likes to die in the middle of it.
func (tr *trial) rareEvent(n int) {
	switch tr.rng.IntN(16) {
	case 0, 1:
		tr.callsLeft = tr.rng.IntN(16)
	case 2:
		parts := []string{"store/commitlog/", "store/consumequeue/", "store/index/", "store/config/", "store/"}
		tr.dieAt = parts[tr.rng.IntN(len(parts))]
	}
	switch {
	case n < 83:
		tr.allow("checkpoint", tr.store.checkpoint(tr.rng.IntN(2) == 0, false))
	case n < 89:
		tr.changeTopics()
	case n < 95:
		tr.clean()
	default:
		tr.truncate()
	}
}

// allow fails unless err is nil or has a cause that the trial has brought about itself.
func (tr *trial) allow(what string, err error) {
	tr.tracef("%s: %v", what, err)
	switch {
	case err == nil, tr.dead, tr.faulted, errors.Is(err, vfs.ErrFull):
	default:
		tr.failf("%s: %v", what, err)
	}
}

// append stores a few messages.
func (tr *trial) append() {
	names := tr.existing()
	if len(names) == 0 || !tr.settled() {
		return // a broker makes a topic durable before it takes messages
	}
	var ds []record.Draft
	var ms []message
	for range 1 + tr.rng.IntN(5) {
		d, m := tr.draft(names[tr.rng.IntN(len(names))])
		d.Joined = len(ds) > 0 && tr.rng.IntN(2) == 0
		ds, ms = append(ds, d), append(ms, m)
	}
	torn := len(tr.pending) > 0
	err := tr.store.Append(ds)
	var stored, failed []message
	for i := range ds {
		switch d := &ds[i]; {
		case d.Err == nil:
			stored = append(stored, tr.stored(d, ms[i]))
		case errors.Is(d.Err, errDead), errors.Is(d.Err, vfs.ErrIO):
			failed = append(failed, ms[i])
		case err == nil && !errors.Is(d.Err, commitlog.ErrTooLarge) && !strings.Contains(d.Err.Error(), "same batch"):
			tr.failf("message refused: %v", d.Err)
		}
	}
	if len(failed) > 0 {
		tr.pending = append(tr.pending, failed)
	}
	if err == nil && len(stored) > 0 {
		tr.pending = nil // what an earlier failure left was cleared before
		if torn {
			tr.checkTail()
		}
	}
	tr.allow("append", err)
	tr.checkBatches(ds)
	for _, m := range stored {
		tr.number(&m)
		tr.messages = append(tr.messages, m)
		tr.await(len(tr.messages)-1, m.end)
	}
}

// sizes of bodies are few, so that records often begin where others began before.
var sizes = [...]int{8, 8, 8, 8, 72, 72, 400, 1100, 1100, 1201}

func (tr *trial) draft(topic string) (record.Draft, message) {
	t := tr.topics[topic]
	tr.serial++
	body := fmt.Appendf(nil, "%08d", tr.serial)
	body = append(body, bytes.Repeat([]byte{byte('a' + tr.serial%26)}, sizes[tr.rng.IntN(len(sizes))]-8)...)
	queue := tr.rng.Int32N(t.queues)
	d := record.Draft{
		Topic: topic, QueueID: queue, Body: body, Queue: tr.store.Queue(topic, queue),
		BornTimestamp: 1700000000000, BornHost: powerHost, StoreHost: powerHost,
	}
	props := record.AppendProperty(nil, record.PropUniqKey, fmt.Sprintf("U%08d", tr.serial))
	props = record.AppendProperty(props, record.PropKeys, fmt.Sprintf("k%d k%d", tr.rng.IntN(5), 5+tr.rng.IntN(5)))
	props = record.AppendProperty(props, record.PropTags, string(rune('A'+tr.rng.IntN(3))))
	switch {
	case t.batch:
		d.SysFlag = record.SysInnerBatch
		props = record.AppendProperty(props, record.PropInnerNum, itoa(1+tr.rng.Int64N(9)))
	case tr.rng.IntN(12) == 0:
		d.SysFlag = record.SysTransactionPrepared
	case topic == topicNames[0] && tr.rng.IntN(3) == 0:
		props = record.AppendProperty(props, record.PropMultiDispatch, []string{"%LMQ%x", "%LMQ%x,%LMQ%y"}[tr.rng.IntN(2)])
	}
	d.Properties = props
	return d, message{body: string(body), topic: topic, life: t.generation}
}

// stored is the message that a draft has become.
func (tr *trial) stored(d *record.Draft, m message) message {
	v, err := tr.store.Log.View(d.LogOffset, int(d.Size))
	if err == nil {
		err = m.read(d.LogOffset, bytes.Clone(v.Bytes()))
		v.Release()
	}
	if err != nil {
		tr.failf("message stored at %d: %v", d.LogOffset, err)
	}
	return m
}

// checkBatches fails unless the messages of a client's batch were stored together or not at all.
func (tr *trial) checkBatches(ds []record.Draft) {
	size := tr.opts.Log.SegmentSize
	for i := 1; i < len(ds); i++ {
		a, b := &ds[i-1], &ds[i]
		if !b.Joined || tr.dead {
			continue
		}
		if (a.Err == nil) != (b.Err == nil) || a.Err == nil && a.LogOffset/size != b.LogOffset/size {
			tr.failf("one batch was stored at %d (%v) and %d (%v), segments have %d bytes", a.LogOffset, a.Err, b.LogOffset, b.Err, size)
		}
	}
}

// await notes when the log says that a message is safe.
func (tr *trial) await(i int, end int64) {
	need, store := []commitlog.Need{commitlog.Flushed, commitlog.Confirmed}[tr.rng.IntN(2)], tr.store
	if need == commitlog.Confirmed && !tr.sync {
		return // which an asynchronous log grants at once: it survives a process, not the power
	}
	at := tr.messages[i].at
	store.OnAcked(&commitlog.Waiter{UpTo: end, Need: need, Done: func(_ *commitlog.Waiter, err error) {
		if err != nil || tr.store != store {
			return
		}
		if tr.syncFailed {
			tr.failf("message at %d was acknowledged after an fdatasync of the log had failed", at)
		}
		tr.promise(at)
	}})
}

// promise notes that the message at a log offset must survive.
func (tr *trial) promise(at int64) {
	if i, ok := slices.BinarySearchFunc(tr.messages, at, func(m message, at int64) int { return int(m.at - at) }); ok {
		tr.messages[i].durable = true
	}
}

// dispatch shows the log to the followers, and looks at what can be seen then.
func (tr *trial) dispatch() {
	var err error
	if tr.rng.IntN(2) == 0 {
		_, err = tr.store.dispatcher.step()
	} else {
		err = tr.store.dispatcher.catchUp()
	}
	tr.allow("dispatch", err)
	if err != nil || !tr.settled() {
		return
	}
	switch tr.rng.IntN(12) {
	case 0:
		tr.checkDerived()
	case 1, 2, 3, 4:
		tr.checkQueues()
	}
}

// topicNames are those of the topics; the last one's queues hold inner batches. The first one is never deleted: its messages
// stand in light queues, too.
var topicNames = [...]string{"ta", "tb", "tc", "tz"}

// changeTopics creates a topic, or deletes one, or both before either is durable.
func (tr *trial) changeTopics() {
	if tr.finishTopics() != nil {
		return
	}
	name := topicNames[tr.rng.IntN(len(topicNames))]
	_, there := tr.topics[name]
	if !there {
		tr.createTopic(name)
	} else if name != topicNames[0] {
		if tr.deleteTopic(name) && tr.rng.IntN(3) == 0 {
			tr.createTopic(name)
		}
	}
	_ = tr.finishTopics()
}

// settled tells that no change of topics is under way.
func (tr *trial) settled() bool { return len(tr.tries)+len(tr.undropped) == 0 }

func (tr *trial) createTopic(name string) {
	tr.generation++
	tr.tracef("create %s, life %d, at %d", name, tr.generation, tr.store.Log.Max())
	end := tr.store.Log.Max()
	t := life{generation: tr.generation, batch: name == topicNames[len(topicNames)-1], queues: 1 + tr.rng.Int32N(3)}
	c := meta.NewTopic(name, t.queues)
	c.SysFlag = t.generation
	if t.batch {
		c.Attributes = map[string]string{meta.AttrQueueType: "BatchCQ"}
	}
	if created, err := tr.table.Put(c, end); err != nil || !created {
		tr.failf("create topic %s: %v, %v", name, created, err)
	}
	tr.topics[name], tr.births[t.generation] = t, end
	tr.tries[name] = append(tr.tries[name], t)
}

// deleteTopic forgets the offsets first: those of a topic that is gone would count for the next one of its name.
func (tr *trial) deleteTopic(name string) bool {
	tr.offsets.RemoveTopic(name)
	maps.DeleteFunc(tr.committed, func(c commit, _ int64) bool { return c.topic == name })
	if tr.persistOffsets() != nil {
		return false
	}
	end := tr.store.Log.Max()
	tr.tracef("delete %s at %d", name, end)
	tr.table.Delete(name, end)
	delete(tr.topics, name)
	tr.graves[name] = end
	tr.tries[name] = append(tr.tries[name], life{})
	tr.undropped = append(tr.undropped, name)
	return true
}

// finishTopics makes the changes of topics durable, and what follows from them.
func (tr *trial) finishTopics() error {
	if len(tr.tries) > 0 {
		err := tr.table.Persist()
		if tr.allow("persist topics", err); err != nil {
			return err
		}
		tr.acked = maps.Clone(tr.topics)
		clear(tr.tries)
	}
	for len(tr.undropped) > 0 {
		err := tr.store.DeleteTopic(tr.undropped[0])
		if tr.allow("drop queues of "+tr.undropped[0], err); err != nil {
			return err
		}
		tr.undropped = tr.undropped[1:]
	}
	return nil
}

// commit commits an offset, as a consumer does of what it has seen.
func (tr *trial) commit() {
	names := tr.existing()
	if len(names) == 0 {
		return
	}
	name := names[tr.rng.IntN(len(names))]
	queue := tr.rng.Int32N(tr.topics[name].queues)
	lowest, next := tr.store.Queue(name, queue).Bounds()
	offset := lowest + tr.rng.Int64N(next-lowest+1)
	tr.offsets.Commit(powerGroup, name, queue, offset)
	tr.committed[commit{name, queue}] = offset
	if tr.rng.IntN(2) == 0 {
		tr.allow("persist offsets", tr.persistOffsets())
	}
}

func (tr *trial) persistOffsets() error {
	tr.persisted = append(tr.persisted, maps.Clone(tr.committed))
	err := tr.offsets.Persist()
	if err == nil {
		tr.persisted = tr.persisted[len(tr.persisted)-1:]
	}
	return err
}

// clean lets the retention policy work.
func (tr *trial) clean() {
	tr.now = tr.now.Add(time.Duration(tr.rng.IntN(150)) * time.Minute)
	needs, _ := tr.store.dispatcher.needs()
	pass := tr.opts.Retention.Decide(tr.now, nil, true)
	if to, err := tr.store.Log.Expirable(tr.opts.Retention, pass, tr.now, needs); err == nil {
		tr.retirable = max(tr.retirable, to)
	}
	n, err := tr.store.Clean(true)
	tr.retired = tr.retired || n > 0
	if n > 0 && tr.rng.IntN(2) == 0 {
		tr.callsLeft = tr.rng.IntN(8)
	}
	tr.allow(fmt.Sprintf("clean %d segments, to %d", n, tr.store.Log.Min()), err)
}

// truncate cuts the log back by a few messages, as a replica does.
func (tr *trial) truncate() {
	n := len(tr.messages)
	if n == 0 || !tr.settled() {
		return
	}
	if tr.rng.IntN(3) == 0 { // so that the state vouches for what is to go
		tr.allow("checkpoint", tr.store.checkpoint(true, false))
	}
	if tr.rng.IntN(4) == 0 {
		tr.dieAt = "store/commitlog/"
	}
	i := n - 1 - tr.rng.IntN(min(n, 6))
	to := tr.messages[i].at
	if to < tr.store.Log.Min() {
		return
	}
	tr.tracef("truncate to %d", to)
	tr.cutting = to
	if err := tr.cutBack(to, tr.messages[:i]); err != nil {
		tr.allow("truncate", err)
		tr.stuck = true
		return
	}
	tr.checkQueues()
}

// cutBack truncates the store and brings the tables in line with it, before anything is stored again.
func (tr *trial) cutBack(to int64, left []message) error {
	if err := tr.store.Truncate(to); err != nil {
		return err
	}
	tr.cutting, tr.pending = notCutting, nil
	tr.retirable = min(tr.retirable, to)
	tr.fitLives()
	tr.keep(left)
	tr.table.FitBirths(tr.store.Log.Min(), tr.store.Log.Max())
	for _, c := range tr.offsets.ClampTo(tr.nextOffset) {
		tr.committed[commit{c.Topic, c.Queue}] = c.To
	}
	return cmp.Or(tr.table.Persist(), tr.persistOffsets())
}

// fillDisk leaves nearly no room on the disk, or makes room again.
func (tr *trial) fillDisk() {
	if tr.full {
		tr.makeRoom()
		return
	}
	if u, err := tr.mem.Usage("/"); err == nil {
		tr.full = true
		tr.mem.SetCapacity(u.Used + int64(tr.rng.IntN(4))*4096)
	}
}

func (tr *trial) makeRoom() {
	tr.full = false
	tr.mem.SetCapacity(1 << 40)
}
