package store

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// numbering assigns queue offsets. The log calls it under its append lock, which guards every Queue.next.
type numbering struct{ s *Store }

// Assign implements commitlog.Assigner.
func (n numbering) Assign(d *record.Draft) error {
	q, ok := d.Queue.(*Queue)
	if !ok {
		return fmt.Errorf("store: message of topic %s has no queue", d.Topic)
	}
	if q.gone.Load() {
		return fmt.Errorf("%w: topic %s was deleted", ErrNoTopic, d.Topic)
	}
	if t := d.SysFlag & record.SysTransactionMask; t != 0 && t != record.SysTransactionCommit {
		d.QueueOffset = 0
		return nil
	}
	d.QueueOffset = q.next
	if d.SysFlag&record.SysInnerBatch != 0 {
		count, err := innerCount(d)
		if err != nil {
			return err
		}
		d.MoreProperties = record.AppendProperty(d.MoreProperties, record.PropInnerBase, strconv.FormatInt(q.next, 10))
		q.next += count
		return nil
	}
	if n.s.opts.MultiDispatch {
		n.numberMulti(d)
	}
	q.next++
	return nil
}

// Unassign implements commitlog.Assigner.
func (n numbering) Unassign(d *record.Draft) {
	q := d.Queue.(*Queue)
	if t := d.SysFlag & record.SysTransactionMask; t != 0 && t != record.SysTransactionCommit {
		return
	}
	q.next = d.QueueOffset
	if n.s.opts.MultiDispatch {
		for _, name := range multiNames(d) {
			n.s.Queue(string(name), 0).next--
		}
	}
}

// LateBound implements commitlog.Assigner.
func (n numbering) LateBound(d *record.Draft) bool {
	return d.SysFlag&record.SysInnerBatch != 0 || n.s.opts.MultiDispatch && len(multiNames(d)) > 0
}

// numberMulti numbers the message in its further queues and notes the numbers in it.
func (n numbering) numberMulti(d *record.Draft) {
	var offsets []byte
	for i, name := range multiNames(d) {
		if i > 0 {
			offsets = append(offsets, ',')
		}
		q := n.s.Queue(string(name), 0)
		offsets = strconv.AppendInt(offsets, q.next, 10)
		q.next++
	}
	if offsets != nil {
		d.MoreProperties = record.AppendProperty(d.MoreProperties, record.PropMultiQueueOffset, offsets)
	}
}

// multiNames are the light queues that a message asks to stand in. Only names with the prefix %LMQ% count; a message that
// names another is not multi-dispatched at all, since the peer would leave that one's number empty.
func multiNames(d *record.Draft) [][]byte {
	v, ok := record.Property(d.Properties, record.PropMultiDispatch)
	if !ok || systemTopic(d.Topic) {
		return nil
	}
	names := bytes.Split(v, comma)
	for _, name := range names {
		if !bytes.HasPrefix(name, []byte(record.LMQPrefix)) {
			return nil
		}
	}
	return names
}

func innerCount(d *record.Draft) (int64, error) {
	v, _ := record.Property(d.Properties, record.PropInnerNum)
	if v == nil {
		v, _ = record.Property(d.MoreProperties, record.PropInnerNum)
	}
	count, err := strconv.ParseInt(string(v), 10, 16)
	if err != nil || count <= 0 {
		return 0, fmt.Errorf("store: inner batch of topic %s has %s=%q, expected 1 … 32767", d.Topic, record.PropInnerNum, v)
	}
	return count, nil
}
