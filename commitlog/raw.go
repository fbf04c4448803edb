package commitlog

import (
	"fmt"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// AppendRaw is a replica's append: bytes of another log, which must continue this one at its end (an empty log takes
// the start of any segment). A piece may end in the middle of a record, blank records and zeros behind them included.
// If it fails, a first part of the piece may be there: Max tells.
func (l *Log) AppendRaw(at int64, b []byte) error {
	l.mu.Lock()
	err := l.appendRawLocked(at, b)
	l.mu.Unlock()
	l.appended()
	l.Announce()
	return err
}

func (l *Log) appendRawLocked(at int64, b []byte) error {
	if err := l.Err(); err != nil {
		return err
	}
	if err := l.wipe(); err != nil {
		return err
	}
	if len(b) == 0 {
		return nil
	}
	starts := l.tail == nil && at >= 0 && at%l.opts.SegmentSize == 0
	if at != l.end && !starts {
		return fmt.Errorf("%w: raw append at %d, the log ends at %d", ErrOutOfRange, at, l.end)
	}
	for len(b) > 0 {
		if l.tail == nil || at == l.tail.End() {
			next, err := l.ahead.take(at)
			if err != nil {
				return err
			}
			l.enter(next)
		}
		n := min(int64(len(b)), l.tail.End()-at)
		if err := l.write(b[:n]); err != nil {
			return err
		}
		at += n
		b = b[n:]
	}
	return nil
}

// Truncate cuts the log back to log offset to, the border of a record. What lay behind it reads as zeros afterwards, and
// who waited for it gets ErrTruncated. The caller has stopped everybody who follows the log, or who may append to it.
// If it fails half-way, the log takes no more messages until it is reopened.
func (l *Log) Truncate(to int64) error {
	if err := l.truncate(to); err != nil {
		l.release()
		return err
	}
	cut := func(w *Waiter) bool { return w.UpTo > to }
	l.flushWaiters.take(cut, ErrTruncated)
	l.confirmWaiters.take(cut, ErrTruncated)
	return nil
}

func (l *Log) truncate(to int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed.Load() {
		return ErrClosed
	}
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.retiring.Lock()
	defer l.retiring.Unlock()
	if p := l.failed.Load(); p != nil {
		return *p
	}
	if to > l.end || to < l.Min() {
		return fmt.Errorf("%w: truncate to %d, the log holds [%d,%d)", ErrOutOfRange, to, l.Min(), l.end)
	}
	if l.tail == nil || to == l.end {
		return nil
	}
	// Retention may have failed half-way with the oldest segment. It can't become the tail any more.
	if first := l.set.First(); first.Unlinked() && to < first.End() {
		return fmt.Errorf("%w: truncate to %d: segment %s is being deleted", ErrOutOfRange, to, first.Path())
	}
	if err := l.checkBorder(to); err != nil {
		return err
	}
	l.written.Store(to)
	l.flushed.Store(min(l.flushed.Load(), to))
	l.writebackFrom.Store(min(l.writebackFrom.Load(), to))
	if err := l.cut(to); err != nil {
		return l.setFailed(err)
	}
	return nil
}

// checkBorder walks the records of to's segment and fails unless one begins, or the last one ends, at to.
func (l *Log) checkBorder(to int64) (err error) {
	seg := l.set.Acquire(to)
	if seg == nil {
		return nil // the end of the last segment
	}
	defer seg.Release()
	at := seg.Base()
	defer catchFault(seg, &err)()
	for at < to {
		n, _, err := record.Verify(seg.Bytes(at-seg.Base(), seg.End()-at), at, record.Check{})
		if err != nil || n == 0 {
			return fmt.Errorf("%w: truncate to %d: segment %s has no record at %d (%v)", ErrNotBorder, to, seg.Path(), at, err)
		}
		at += int64(n)
	}
	if at != to {
		return fmt.Errorf("%w: truncate to %d: a record of segment %s ends at %d", ErrNotBorder, to, seg.Path(), at)
	}
	return nil
}

// cut makes to the end of the log: it deletes the segments behind it and clears the rest of the one that holds it.
// Stale bytes behind the end are not harmless: a later record of just the right length would, after a crash, make
// them look like its successors. The newest segment goes first, so that no power loss leaves a gap.
func (l *Log) cut(to int64) error {
	if err := l.ahead.discard(); err != nil {
		return fmt.Errorf("commitlog: cut at %d: %w", to, err)
	}
	l.setMu.Lock()
	gone := l.set.DropBack(to)
	if len(gone) > 0 && gone[0].Base() == to {
		// The segment that starts at to stays as the empty tail, which spares its allocation.
		l.set.Push(gone[0])
		gone = gone[1:]
	}
	l.setMu.Unlock()
	for i := len(gone) - 1; i >= 0; i-- {
		if err := gone[i].Retire(true); err != nil {
			return fmt.Errorf("commitlog: cut at %d: %w", to, err)
		}
	}
	l.tail, l.end, l.torn = l.set.Last(), to, to
	if l.tail == nil {
		return nil
	}
	return l.clearTail(l.tail, to)
}

func (l *Log) clearTail(seg *mapped.Segment, from int64) error {
	if from < seg.End() && !seeded.Is(seeded.TailNotCleared) {
		err := seg.Zero(from-seg.Base(), seg.End()-from)
		if err == nil {
			err = seg.Datasync()
		}
		if err != nil {
			return fmt.Errorf("commitlog: clear behind the end %d: %w", from, err)
		}
	}
	l.zero.enter(seg, from)
	return nil
}
