package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/seeded"
)

const (
	// dispatchBytes is how much of the log one batch covers. It bounds how long a message that is queued already waits for the
	// wake-up of its consumer.
	dispatchBytes = 256 << 10
	// retryAfter is how long a follower that failed is left alone.
	retryAfter = 500 * time.Millisecond
)

// dispatcher shows the log to its followers, record after record: one goroutine at a time does so, whoever comes first.
type dispatcher struct {
	s         *Store
	followers []Follower
	pos       atomic.Int64 // every record below was shown to all followers
	board     board        // what others have appended and announced

	// nudged has run look again: somebody who held mu leaves more to do than was there when he looked.
	nudged chan struct{}
	paused atomic.Bool // a follower failed; run tries again from time to time, and nobody else does

	// maintenance lets one of flush, truncate and retired run at a time. Taken before mu.
	maintenance sync.Mutex

	fromMemory, fromLog shown

	mu      sync.Mutex // held while records are shown; guards what follows
	own     announced  // what the one who holds it has appended
	entries []Entry    // what was read back
	buf     []byte     // what they alias
	rec     record.Record
}

// run follows the log until the store closes. Of what is announced it does what others have left to it, and reads back what nobody announces.
func (d *dispatcher) run() {
	moved, stop := d.s.Log.Watch()
	defer stop()
	upTo := d.s.Log.Confirmed()
	for {
		progress, err := d.show(upTo)
		wait := moved
		var retry <-chan time.Time
		switch {
		case err != nil:
			if !d.paused.Swap(true) {
				d.s.log.Error("store: dispatch paused", "position", d.pos.Load(), "error", err)
			}
			wait, retry = nil, time.After(retryAfter)
			d.s.refuse.set("dispatch", err)
		case d.paused.Load():
			d.paused.Store(false)
			d.s.log.Info("store: dispatch goes on", "position", d.pos.Load())
			d.s.refuse.clear("dispatch")
			upTo, progress = d.s.Log.Confirmed(), true // nobody announced anything meanwhile
		}
		if progress || err == nil && d.board.changed() {
			select {
			case <-d.s.quit:
				return
			default:
				continue
			}
		}
		select {
		case <-d.s.quit:
			return
		case <-wait:
			upTo = d.s.Log.Confirmed()
		case <-d.nudged:
		case <-retry:
			upTo = d.s.Log.Confirmed()
		}
	}
}

// announce shows own, which the caller has appended last, and what others have announced, here and now, if nobody else is at it. Nothing is left
// behind: whoever holds mu looks after giving it up whether more was announced.
func (d *dispatcher) announce(own []record.Draft) {
	if d.paused.Load() || !d.behind() {
		return
	}
	if !d.mu.TryLock() {
		d.board.put(own)
		if !d.mu.TryLock() {
			return
		}
		own = nil
	} else if len(own) == 0 {
		d.board.noteUnknown() // what it was that was appended
	}
	more, err := true, error(nil)
	if d.quick() {
		more, err = d.showOwn(own)
	} else if len(own) > 0 {
		d.board.put(own)
	}
	d.mu.Unlock()
	if err != nil || more || d.board.changed() {
		d.nudge()
	}
}

// showOwn is showLocked for the one who has appended own.
func (d *dispatcher) showOwn(own []record.Draft) (more bool, err error) {
	if !d.own.set(own) {
		d.board.noteUnknown()
	}
	more, err = d.showLocked(0, &d.own)
	if d.pos.Load() < d.own.to {
		d.board.noteUnknown()
		more = true
	}
	return more, err
}

// quick tells that no follower will wait for a disk.
func (d *dispatcher) quick() bool {
	for _, f := range d.followers {
		if !f.Quick() {
			return false
		}
	}
	return true
}

// behind tells whether there is something that wasn't shown yet.
func (d *dispatcher) behind() bool { return d.pos.Load() < d.s.Log.Confirmed() }

func (d *dispatcher) nudge() {
	select {
	case d.nudged <- struct{}{}:
	default:
	}
}

// catchUp follows the log to the present confirm offset.
func (d *dispatcher) catchUp() error {
	for {
		progress, err := d.step()
		if err != nil || !progress {
			return err
		}
	}
}

// step shows the next stretch of the log to the followers.
func (d *dispatcher) step() (progress bool, err error) {
	progress, err = d.show(math.MaxInt64)
	if d.board.changed() {
		d.nudge()
	}
	return progress, err
}

// show is showLocked for those who don't have mu.
func (d *dispatcher) show(upTo int64) (progress bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.pos.Load()
	_, err = d.showLocked(upTo, nil)
	return d.pos.Load() > before, err
}

// showLocked shows the followers what is on the board, and reads back what lies before that, what was announced without being there, and
// everything below upTo. The rest is left to those who have appended it and are about to announce it. own, if it isn't nil, belongs to the board
// as well. It stops after about dispatchBytes; then there may be more.
func (d *dispatcher) showLocked(upTo int64, own *announced) (more bool, err error) {
	start := d.pos.Load()
	for {
		pos := d.pos.Load()
		a := d.board.next(pos)
		limit := d.limit() // after next: whatever is on the board was confirmed before it came there
		if own != nil && own.from >= pos && own.to > pos && (a == nil || own.from < a.from) {
			a = own
		}
		switch {
		case pos >= limit:
			return false, nil
		case pos-start >= dispatchBytes:
			return true, nil
		case a != nil && a.from == pos && a.to <= limit:
			to, all := a.to, false
			if all, err = d.showAnnounced(a); a == own {
				own = nil
			} else if !all {
				d.board.giveUp(pos)
			}
			if !all && err == nil {
				err = d.readBack(to)
			}
		case a != nil && a.from < limit:
			if a.from > pos {
				limit = a.from
			}
			err = d.readBack(limit)
		case pos < upTo:
			err = d.readBack(min(limit, upTo))
		case d.board.takeUnknown():
			limit = d.limit() // that of what is unknown
			if err = d.readBack(limit); err == nil && d.pos.Load() < limit {
				d.board.noteUnknown()
			}
		default:
			return false, nil
		}
		if err != nil {
			d.board.noteUnknown()
			return false, err
		}
		if d.pos.Load() == pos {
			return false, nil // a replica's log may end in the middle of a record
		}
	}
}

// limit is how far records may be shown.
func (d *dispatcher) limit() int64 {
	if seeded.Is(seeded.VisibleBeforeConfirmed) {
		return d.s.Log.Max()
	}
	return d.s.Log.Confirmed()
}

// showAnnounced shows the followers what stands at pos, and tells whether that was all of it.
func (d *dispatcher) showAnnounced(a *announced) (all bool, err error) {
	began := d.s.opts.Now()
	n := 0
	for ; n < len(a.entries); n++ {
		e := &a.entries[n]
		if e.Queue.gone.Load() {
			break
		}
		if e.Dead = e.LogOffset < e.Queue.birth; e.Dead || !e.queued() {
			e.Queue = nil
		}
	}
	if n == 0 {
		return false, nil
	}
	if err := d.follow(a.entries[:n]); err != nil {
		return false, err
	}
	d.pos.Store(a.entries[n-1].End())
	d.fromMemory.add(n, d.s.opts.Now().Sub(began))
	return n == len(a.entries), nil
}

// readBack shows the followers the next stretch of the log, which ends at limit or before.
func (d *dispatcher) readBack(limit int64) error {
	began, from := d.s.opts.Now(), d.pos.Load()
	to, need, err := d.showPart(from, limit, dispatchBytes)
	if err == nil && need > 0 {
		to, _, err = d.showPart(from, limit, need) // one record is larger than a batch
	}
	if err != nil {
		return err
	}
	d.pos.Store(to)
	d.fromLog.add(len(d.entries), d.s.opts.Now().Sub(began))
	return nil
}

// follow shows the followers entries.
func (d *dispatcher) follow(entries []Entry) error {
	for _, f := range d.followers {
		if err := f.Follow(entries); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return nil
}

// showPart parses at most n bytes of the log and shows what is in them to the followers. If they don't hold the first
// record, need is its size.
func (d *dispatcher) showPart(from, limit int64, n int) (to int64, need int, err error) {
	b, err := d.read(from, limit, n)
	if err != nil {
		return from, 0, err
	}
	if to, err = d.parse(b, from, limit); err != nil {
		return from, 0, err
	}
	if to == from && len(b) >= record.BlankSize && int64(len(b)) < limit-from {
		if size := int(record.Size(b)); size > n {
			return from, size, nil
		}
	}
	if err := d.follow(d.entries); err != nil {
		return from, 0, err
	}
	return to, 0, nil
}

// read copies what the log holds from off on: at most n bytes, not beyond limit or a segment's end. A copy costs less than what
// it spares: page faults in the mapping, which stop a whole P of the scheduler where the page is not in memory, and waits for
// memory, record by record, where it is.
func (d *dispatcher) read(off, limit int64, n int) ([]byte, error) {
	size := d.s.Log.SegmentSize()
	n = int(min(int64(n), limit-off, size-off%size))
	d.buf = slices.Grow(d.buf[:0], n)[:n]
	return d.buf, d.s.Log.Load(d.buf, off)
}

// parse turns whole records at the start of b, which stands at log offset off, into entries. It returns the log offset behind the last one.
func (d *dispatcher) parse(b []byte, off, limit int64) (int64, error) {
	d.entries = d.entries[:0]
	size := d.s.Log.SegmentSize()
	for len(b) >= record.BlankSize {
		n, rest := int64(record.Size(b)), size-off%size
		if record.Magic(b) == record.MagicBlank && n >= record.BlankSize && n <= rest {
			if off+n > limit {
				break
			}
			off, b = off+n, b[min(n, int64(len(b))):]
			continue
		}
		if n > int64(len(b)) && n <= rest {
			break
		}
		if err := record.Decode(b, &d.rec); err != nil {
			return off, fmt.Errorf("segment %s at log offset %d: %w", d.s.Log.SegmentPath(off), off, err)
		}
		d.entries = slices.Grow(d.entries, 1)[:len(d.entries)+1]
		e := &d.entries[len(d.entries)-1]
		e.set(&d.rec)
		e.LogOffset = off
		d.s.place(e)
		b, off = b[n:], off+n
	}
	return off, nil
}

// pause calls f between two batches.
func (d *dispatcher) pause(f func() error) error {
	d.maintenance.Lock()
	defer d.maintenance.Unlock()
	d.mu.Lock()
	defer d.nudge()
	defer d.mu.Unlock()
	return f()
}

// flush makes the followers durable that due picks.
func (d *dispatcher) flush(due func(Follower) bool) error {
	d.maintenance.Lock()
	defer d.maintenance.Unlock()
	return d.each(func(f Follower) error {
		if !due(f) {
			return nil
		}
		return f.Flush()
	})
}

// each calls f for all followers and joins the errors.
func (d *dispatcher) each(f func(Follower) error) error {
	var errs []error
	for _, x := range d.followers {
		if err := f(x); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", x.Name(), err))
		}
	}
	return errors.Join(errs...)
}

// needs is the lowest log offset that a follower can't do without, and the follower's name.
func (d *dispatcher) needs() (int64, string) {
	lowest, name := d.pos.Load(), "dispatch"
	for _, f := range d.followers {
		if n := f.Needs(); n < lowest {
			lowest, name = n, f.Name()
		}
	}
	return lowest, name
}

// truncate takes the log and its followers back to log offset to. changed tells whether the log was cut.
func (d *dispatcher) truncate(to int64) (changed bool, err error) {
	err = d.pause(func() error {
		if err := d.s.Log.Truncate(to); err != nil {
			changed = !errors.Is(err, commitlog.ErrNotBorder) && !errors.Is(err, commitlog.ErrOutOfRange)
			return err
		}
		changed = true
		d.pos.Store(min(d.pos.Load(), to))
		d.board.wipe()
		d.s.reg.each(func(q *Queue) { q.birth = min(q.birth, to) }) // what will stand there is new
		return d.each(func(f Follower) error { return f.Truncate(to) })
	})
	return changed, err
}

// retired tells the followers where the log will begin.
func (d *dispatcher) retired(minLog int64) error {
	d.maintenance.Lock()
	defer d.maintenance.Unlock()
	return d.each(func(f Follower) error { return f.Retired(minLog) })
}
