package store

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// known is what is known of a store from the outside: what was asked of it and what it has answered.
type known struct {
	messages []message   // those in the log, and before them those that retention took; in order
	pending  [][]message // of each append that failed since one succeeded: the first messages of one of them may be there
	next     map[place]int64
	serial   int

	powerLost  bool  // since the store was last open
	cleanStop  bool  // the last process has ended in order, and nobody has touched anything since
	cutting    int64 // where it was truncating when it died, math.MaxInt64 when it wasn't
	retirable  int64 // the highest log offset up to which retention was free to delete
	generation int32 // of the newest topic
	burials    int32 // lives that deletions have ended which were not acknowledged

	topics    map[string]life   // as in memory
	acked     map[string]life   // as they were when they were last persisted
	tries     map[string][]life // what may be found instead of what is acked: the zero life for no topic
	births    map[int32]int64   // of each generation
	graves    map[string]int64  // the end of the log when a topic of that name was last deleted
	undropped []string          // deleted topics whose queues the store has still to drop

	committed map[commit]int64   // as in memory
	persisted []map[commit]int64 // what may be found of it, the acknowledged state first
}

// life is a topic between its creation and its deletion. No topic has generation 0: it stands for none.
type life struct {
	generation int32
	batch      bool
	queues     int32
}

// place is a queue in one life of its topic. Light queues have generation 0.
type place struct {
	topic      string
	generation int32
	queue      int32
}

type commit struct {
	topic string
	queue int32
}

// message is one that was stored.
type message struct {
	at, end int64
	raw     []byte
	body    string
	topic   string
	life    int32
	queue   int32
	offset  int64
	count   int64 // places that it takes in its queue
	light   map[string]int64
	keys    []string
	tags    string
	durable bool // it must survive a power loss
}

func newKnown() known {
	return known{
		next: map[place]int64{}, cutting: notCutting, topics: map[string]life{}, acked: map[string]life{}, tries: map[string][]life{},
		births: map[int32]int64{}, graves: map[string]int64{},
		committed: map[commit]int64{}, persisted: []map[commit]int64{{}}, cleanStop: true,
	}
}

const notCutting = int64(1) << 62

// read fills in what the record says.
func (m *message) read(at int64, raw []byte) error {
	var r record.Record
	if err := record.Decode(raw, &r); err != nil {
		return err
	}
	props := record.ParseMap(r.Properties)
	m.at, m.end, m.raw = at, at+int64(len(raw)), raw
	m.body, m.topic, m.queue, m.offset = string(r.Body), string(r.Topic), r.QueueID, r.QueueOffset
	m.count, m.light, m.keys = 1, nil, nil
	switch {
	case r.SysFlag&record.SysTransactionMask == record.SysTransactionPrepared:
		m.count = 0
	case r.SysFlag&record.SysInnerBatch != 0:
		m.count, _ = strconv.ParseInt(props[record.PropInnerNum], 10, 64)
	}
	m.tags = props[record.PropTags]
	m.keys = append(strings.Fields(props[record.PropKeys]), props[record.PropUniqKey])
	if names := props[record.PropMultiDispatch]; names != "" && m.count > 0 {
		m.light = map[string]int64{}
		offsets := strings.Split(props[record.PropMultiQueueOffset], ",")
		for i, name := range strings.Split(names, ",") {
			m.light[name], _ = strconv.ParseInt(offsets[i], 10, 64)
		}
	}
	return nil
}

// places are the queues in which the message stands, with its queue offsets.
func (m *message) places() map[place]int64 {
	all := map[place]int64{}
	if m.count > 0 {
		all[place{m.topic, m.life, m.queue}] = m.offset
	}
	for name, offset := range m.light {
		all[place{name, 0, 0}] = offset
	}
	return all
}

// number checks that the message has the next number in each of its queues.
func (tr *trial) number(m *message) {
	for p, offset := range m.places() {
		if want := tr.next[p]; offset != want {
			tr.failf("message at %d has queue offset %d in %v, expected %d", m.at, offset, p, want)
		}
		count := m.count
		if p.generation == 0 {
			count = 1
		}
		tr.next[p] = offset + count
	}
}

// keep makes the messages those that are known, and numbers anew.
func (tr *trial) keep(messages []message) {
	tr.messages = messages
	clear(tr.next)
	for i := range messages {
		tr.number(&messages[i])
	}
}

// standing are the messages of a queue that the log has, oldest first.
func (tr *trial) standing(p place) []*message {
	var all []*message
	for i := range tr.messages {
		m := &tr.messages[i]
		if _, ok := m.places()[p]; ok && m.at >= tr.store.Log.Min() && (p.generation == 0 || m.at >= tr.births[p.generation]) {
			all = append(all, m)
		}
	}
	return all
}

// isDead tells whether a message belongs to a topic that was deleted.
func (tr *trial) isDead(m *message) bool {
	return tr.topics[m.topic].generation != m.life || m.at < tr.births[m.life]
}

func isSegment(name string) bool { return strings.HasPrefix(name, "store/commitlog/") }

func (tr *trial) existing() []string { return slices.Sorted(maps.Keys(tr.topics)) }
