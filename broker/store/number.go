package store

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// numbering assigns queue offsets. The log calls it under its append lock, which guards every Queue.next.
type numbering struct{ s *Store }

// Assign implements commitlog.Assigner.
func (n numbering) Assign(d *record.Draft) error {
	q, ok := d.Queue.(*Queue)
	inner := d.SysFlag&record.SysInnerBatch != 0
	switch {
	case !ok:
		return fmt.Errorf("store: message of topic %s has no queue", d.Topic)
	case q.gone.Load():
		return fmt.Errorf("%w: topic %s was deleted", ErrNoTopic, d.Topic)
	case inner && q.batch == nil:
		return fmt.Errorf("%w: inner batch for %s/%d", ErrQueueType, q.Topic, q.ID)
	case !takesNumber(d):
		d.QueueOffset = 0
		return nil
	}
	d.QueueOffset = q.next
	switch {
	case inner:
		count, err := innerCount(d)
		if err != nil {
			return err
		}
		addLate(d, record.PropInnerBase, strconv.AppendInt(nil, q.next, 10))
		q.next += count
	case q.batch != nil:
		// A single message on a batch topic is stored and never seen, as with the peer. It takes no number: that would be a gap.
	default:
		n.numberLight(d)
		q.next++
	}
	return nil
}

// Unassign implements commitlog.Assigner.
func (n numbering) Unassign(d *record.Draft) {
	q := d.Queue.(*Queue)
	if !takesNumber(d) {
		return
	}
	q.next = d.QueueOffset
	if q.batch != nil {
		return
	}
	for light, again := range n.light(d) {
		if !again {
			light.next--
		}
	}
}

// LateBound implements commitlog.Assigner.
func (n numbering) LateBound(d *record.Draft) bool {
	return d.SysFlag&record.SysInnerBatch != 0 || lightNames(n.s.opts.MultiDispatch, d) != nil
}

// takesNumber is false for half messages and roll-backs.
func takesNumber(d *record.Draft) bool {
	t := d.SysFlag & record.SysTransactionMask
	return t == 0 || t == record.SysTransactionCommit
}

// numberLight numbers the message in its light queues and notes the numbers in it.
func (n numbering) numberLight(d *record.Draft) {
	var offsets []byte
	for light, again := range n.light(d) {
		if offsets != nil {
			offsets = append(offsets, ',')
		}
		if !again {
			light.next++
		}
		offsets = strconv.AppendInt(offsets, light.next-1, 10)
	}
	if offsets != nil {
		addLate(d, record.PropMultiQueueOffset, offsets)
	}
}

// light goes through the light queues of a message; again tells those that were there before. A name that comes twice is one queue,
// in which the message stands once.
func (n numbering) light(d *record.Draft) iter.Seq2[*Queue, bool] {
	return func(yield func(*Queue, bool) bool) {
		var seen []*Queue
		for rest := lightNames(n.s.opts.MultiDispatch, d); len(rest) > 0; {
			var name []byte
			name, rest, _ = bytes.Cut(rest, comma)
			q := n.s.queueOf(name, 0)
			if !yield(q, slices.Contains(seen, q)) {
				return
			}
			seen = append(seen, q)
		}
	}
}

// lightNames are the names of the light queues that a message asks to stand in, separated by commas.
func lightNames(on bool, d *record.Draft) []byte {
	if !on || !dispatchesMulti(d.Topic, d.SysFlag) {
		return nil
	}
	names, _ := record.Property(d.Properties, record.PropMultiDispatch)
	if !areLight(names) {
		return nil
	}
	return names
}

// innerCount is the number of messages in an inner batch. Of two properties the later counts, as for all readers.
func innerCount(d *record.Draft) (int64, error) {
	v, ok := record.Property(d.MoreProperties, record.PropInnerNum)
	if !ok {
		v, _ = record.Property(d.Properties, record.PropInnerNum)
	}
	count, err := strconv.ParseInt(string(v), 10, 16)
	if err != nil || count <= 0 {
		return 0, fmt.Errorf("store: inner batch of topic %s has %s=%q, expected 1 … 32767", d.Topic, record.PropInnerNum, v)
	}
	return count, nil
}

// addLate adds a property, in place of one that a former attempt to store the message has left. The slice isn't shared with
// other drafts afterwards.
func addLate(d *record.Draft, name string, value []byte) {
	more := record.RemoveProperty(d.MoreProperties, name)
	d.MoreProperties = record.AppendProperty(slices.Clip(more), name, value)
}
