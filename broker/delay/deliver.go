package delay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/consumequeue"
)

// deliver appends copies of the messages of the first n units, the first of which stands at queue offset at.
func (l *level) deliver(at int64, n int) error {
	defer l.release()
	size := int64(0)
	for _, u := range l.units[:n] {
		size += int64(max(0, u.Size))
	}
	l.buf = slices.Grow(l.buf[:0], int(min(size, maxBytes)))
	for i, u := range l.units[:n] {
		if err := l.add(u, at+int64(i)); err != nil {
			// What stands before it is delivered, and then it is first.
			return cmp.Or(l.put(at+int64(i)), err)
		}
	}
	return l.put(at + int64(n))
}

// release lets go of what the drafts hold on to.
func (l *level) release() {
	clear(l.drafts)
	l.drafts, l.from = l.drafts[:0], l.from[:0]
	if cap(l.buf) > maxBytes {
		l.buf = nil
	}
}

// add makes a copy of one message, if that can be done at all. An error is one that may pass.
func (l *level) add(u consumequeue.Unit, queueOffset int64) error {
	used := len(l.buf)
	b, err := l.s.opts.Store.Log.Record(u.LogOffset, l.buf[used:])
	var d record.Draft
	if err == nil {
		err = l.copyOf(b, queueOffset, &d)
	}
	if hopeless(err) {
		l.skip(queueOffset, u.LogOffset, err)
		return nil
	}
	if err != nil {
		return err
	}
	if cap(l.buf)-used >= len(b) { // b lies in it
		l.buf = l.buf[:used+len(b)]
	}
	l.drafts, l.from = append(l.drafts, d), append(l.from, queueOffset)
	return nil
}

// copyOf makes the copy of a record that is due.
func (l *level) copyOf(b []byte, queueOffset int64, d *record.Draft) error {
	var r record.Record
	if err := record.Decode(b, &r); err != nil {
		return err
	}
	if string(r.Topic) != l.queue.Topic || r.QueueID != l.queue.ID || r.QueueOffset != queueOffset {
		return fmt.Errorf("%w: the record is message %d of %s/%d", record.ErrDamaged, r.QueueOffset, r.Topic, r.QueueID)
	}
	q, err := l.s.destination(&r)
	if err != nil {
		return err
	}
	*d = record.Draft{
		Topic: q.Topic, QueueID: q.ID, Queue: q, Flag: r.Flag, SysFlag: r.SysFlag, Body: r.Body, Properties: r.Properties,
		BornTimestamp: r.BornTimestamp, BornHost: r.BornHost, StoreHost: r.StoreHost, ReconsumeTimes: r.ReconsumeTimes,
		PreparedTransactionOffset: r.LogOffset,
	}
	return nil
}

// put stores the copies that were made and moves the offset behind what they are copies of: to next, if all is well.
func (l *level) put(next int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.drafts) > 0 {
		// What it returns stands in the drafts, too.
		_ = l.s.opts.Store.Append(l.drafts)
	}
	for i := range l.drafts {
		switch err := l.drafts[i].Err; {
		case err == nil:
			l.s.delivered.Add(1)
		case hopeless(err):
			l.skip(l.from[i], l.drafts[i].PreparedTransactionOffset, err)
		default:
			// Of those behind it none was stored: the log refuses all or none.
			l.offset = l.from[i]
			return err
		}
	}
	l.offset = next
	return nil
}

// skip notes that a message is passed over.
func (l *level) skip(queueOffset, logOffset int64, why error) {
	l.s.skipped.Add(1)
	level := l.s.opts.Logger.Error
	if errors.Is(why, errDeleted) || errors.Is(why, store.ErrNoTopic) {
		level = l.s.opts.Logger.Info
	}
	level("delay: message not delivered", "level", l.number, "queueOffset", queueOffset, "logOffset", logOffset, "error", why)
}

// hopeless tells the errors of a message that can't be delivered, now or later.
func hopeless(err error) bool {
	return slices.ContainsFunc(lost, func(e error) bool { return errors.Is(err, e) })
}

var lost = []error{
	// It can't be read,
	record.ErrDamaged, record.ErrTruncated, commitlog.ErrNotBorder, commitlog.ErrOutOfRange,
	// has no place to go to,
	errNowhere, errDeleted, store.ErrNoTopic, store.ErrQueueType,
	// or is more than the log takes.
	commitlog.ErrTooLarge, record.ErrPropertiesTooLong, record.ErrTopicTooLong,
}
