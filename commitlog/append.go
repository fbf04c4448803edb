package commitlog

import (
	"errors"
	"fmt"
	"sync"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// Assigner numbers messages. It is called under the append lock, so it needs none of its own.
type Assigner interface {
	// Assign sets d.QueueOffset and takes the number. It may also extend d.MoreProperties if LateBound(d).
	// An error refuses the message.
	Assign(d *record.Draft) error
	// Unassign takes the last number back that Assign gave to d's queue, because d was not stored.
	// Calls come in the reverse order of those to Assign.
	Unassign(d *record.Draft)
	// LateBound tells that the properties of d are complete only after Assign, so that it must be encoded under the lock.
	LateBound(d *record.Draft) bool
}

// Admitter is an Assigner that is asked once per append, under the lock and before any number is given out, whether to go on. An
// error refuses all messages of the append.
type Admitter interface {
	Assigner
	Admit() error
}

// errJoined is the fate of messages that belong to a batch of which another one failed.
var errJoined = errors.New("commitlog: another message of the same batch failed")

// scratch is the memory of one Append; pooled.
type scratch struct {
	buf  []byte // the encoded records, back to back
	ends []int  // ends[i] is the end of draft i in buf; a draft that failed has no bytes
	late []byte // records that had to be encoded under the lock
}

// Very large buffers are not worth keeping for the next append, which is small most likely.
const maxPooledScratch = 8 << 20

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) free() {
	if cap(s.buf) <= maxPooledScratch && cap(s.late) <= maxPooledScratch {
		scratches.Put(s)
	}
}

func (s *scratch) start(i int) int {
	if i == 0 {
		return 0
	}
	return s.ends[i-1]
}

// Append stores messages in order and publishes them. What became of each stands in it: offsets, or Err.
// A message that is bad (too large, say) fails alone, and a client's batch (Joined) fails whole; then Append
// returns nil. An error of Append is one of the log: it stands in all messages that were not stored because of it.
//
// When it returns, the stored messages are written, which an asynchronous log acknowledges; see OnAcked for more.
func (l *Log) Append(ds []record.Draft, a Assigner) error {
	err := l.AppendQuiet(ds, a)
	l.Announce()
	return err
}

// AppendQuiet is Append without the signal to those who Watch: to wake somebody costs more than to append, and it can wait until
// the answer is on its way. Announce has to follow. With synchronous flush it is the flush that signals, and Announce, or OnAcked, that
// gets it going.
func (l *Log) AppendQuiet(ds []record.Draft, a Assigner) error {
	s := scratches.Get().(*scratch)
	defer s.free()
	l.encode(s, ds, a)

	l.mu.Lock()
	err := l.appendLocked(s, ds, a)
	l.mu.Unlock()

	l.appended()
	return err
}

// Announce signals those who Watch what was appended quietly.
func (l *Log) Announce() {
	l.FlushSoon()
	if !l.opts.SyncFlush {
		l.signals.raise()
	}
}

// appended does what follows an append. With synchronous flush nobody gains from it before the flusher ran.
func (l *Log) appended() {
	l.release()
	if l.opts.SyncFlush {
		l.gatherer.came(l.stats.messages.Load())
		return
	}
	if l.written.Load()-l.writebackFrom.Load() >= l.opts.WritebackStep {
		l.kickFlusher()
	}
	l.settle()
}

// encode turns drafts into records, all but what the lock decides.
func (l *Log) encode(s *scratch, ds []record.Draft, a Assigner) {
	s.buf, s.ends = s.buf[:0], s.ends[:0]
	for i := range ds {
		d := &ds[i]
		d.Err = l.checkSize(d)
		if d.Err == nil && !a.LateBound(d) {
			s.buf, d.Err = d.AppendTo(s.buf, l.opts.CRCProperty)
		}
		s.ends = append(s.ends, len(s.buf))
	}
}

func (l *Log) checkSize(d *record.Draft) error {
	if n := len(d.Body); n > l.opts.MaxMessageSize {
		return fmt.Errorf("%w: body of %d bytes, at most %d are allowed", ErrTooLarge, n, l.opts.MaxMessageSize)
	}
	return nil
}

// run is a stretch of records that will be written by one pwrite: drafts [first,next) in bytes b, which go to l.end.
type run struct {
	first, next int
	b           []byte
}

func (l *Log) appendLocked(s *scratch, ds []record.Draft, a Assigner) error {
	if err := l.Err(); err != nil {
		failAll(ds, err)
		return err
	}
	if ad, ok := a.(Admitter); ok {
		if err := ad.Admit(); err != nil {
			failAll(ds, err)
			return err
		}
	}
	if err := l.wipe(); err != nil {
		failAll(ds, err)
		return err
	}
	now := l.opts.Now()
	ms := now.UnixMilli()
	var r run
	for i := 0; i < len(ds); {
		j := i + 1
		for j < len(ds) && ds[j].Joined && !seeded.Is(seeded.BatchSplit) {
			j++
		}
		group := ds[i:j]
		var err error
		switch bytes, late := s.buf[s.start(i):s.ends[j-1]], lateBound(group, a); {
		case refused(group):
			failAll(group, errJoined)
		case late:
			if err = l.writeRun(&r, ds, a); err == nil {
				err = l.appendLate(s, group, a, ms)
			}
		default:
			err = l.appendGroup(&r, ds, i, j, bytes, a, ms)
		}
		if err != nil {
			failAll(ds[i:], err)
			return err
		}
		i = j
	}
	err := l.writeRun(&r, ds, a)
	l.stats.appended(l.opts.Now().Sub(now))
	return err
}

// appendGroup numbers the drafts [i,j) and adds their bytes to the run.
func (l *Log) appendGroup(r *run, ds []record.Draft, i, j int, bytes []byte, a Assigner, ms int64) error {
	// A run is numbered without a gap, since its failure takes the numbers of all its drafts back. So it ends
	// where a draft was refused, and where the segment does.
	if len(r.b) > 0 && (r.next != i || !l.fits(int64(len(r.b)+len(bytes)))) {
		if err := l.writeRun(r, ds, a); err != nil {
			return err
		}
	}
	group := ds[i:j]
	if !l.fits(int64(len(r.b) + len(bytes))) {
		if err := l.roll(int64(len(bytes))); errors.Is(err, ErrTooLarge) {
			failAll(group, err)
			return nil
		} else if err != nil {
			return err
		}
	}
	if !assign(group, a) {
		return nil
	}
	if len(r.b) == 0 {
		r.first, r.b = i, bytes[:0]
	}
	l.finish(group, bytes, l.end+int64(len(r.b)), ms)
	r.b = r.b[:len(r.b)+len(bytes)] // bytes lies right behind the run
	r.next = j
	return nil
}

// finish sets what the lock decided in the records of a group, which will stand at log offset at.
func (l *Log) finish(group []record.Draft, bytes []byte, at, ms int64) {
	for k := range group {
		d := &group[k]
		d.LogOffset, d.StoreTimestamp = at, ms
		d.Finish(bytes[:d.Size])
		bytes = bytes[d.Size:]
		at += int64(d.Size)
	}
}

// appendLate numbers, encodes and writes a group whose size depends on its numbers.
func (l *Log) appendLate(s *scratch, group []record.Draft, a Assigner, ms int64) error {
	if !assign(group, a) {
		return nil
	}
	s.late = s.late[:0]
	var err error
	for k := range group {
		if s.late, err = group[k].AppendTo(s.late, l.opts.CRCProperty); err != nil {
			unassign(group, a)
			failAll(group, err)
			return nil
		}
	}
	if !l.fits(int64(len(s.late))) {
		if err := l.roll(int64(len(s.late))); err != nil {
			unassign(group, a)
			if errors.Is(err, ErrTooLarge) {
				failAll(group, err)
				return nil
			}
			return err
		}
	}
	l.finish(group, s.late, l.end, ms)
	r := run{first: 0, next: len(group), b: s.late}
	return l.writeRun(&r, group, a)
}

// writeRun writes the run at the end of the log and publishes it. If that fails, its drafts give their numbers back and carry the error.
func (l *Log) writeRun(r *run, ds []record.Draft, a Assigner) error {
	if len(r.b) == 0 {
		return nil
	}
	b, members := r.b, ds[r.first:r.next]
	*r = run{}
	if err := l.write(b); err != nil {
		if !seeded.Is(seeded.NumbersNotGivenBack) {
			unassign(members, a)
		}
		failAll(members, err)
		return err
	}
	l.storedAt.Store(members[0].StoreTimestamp)
	l.stats.messages.Add(int64(len(members)))
	l.stats.bytes.Add(int64(len(b)))
	return nil
}

// write writes bytes that fit the tail segment at the end of the log and publishes them.
func (l *Log) write(b []byte) error {
	n := int64(len(b))
	l.zero.reserve(l.end, n)
	if err := l.tail.WriteAt(b, l.end-l.tail.Base()); err != nil {
		l.torn = l.end + n
		if e := l.wipe(); e != nil {
			l.opts.Logger.Warn("commit log: clear the remains of a failed write", "error", e)
		}
		return fmt.Errorf("commitlog: %w", err)
	}
	l.end += n
	l.written.Store(l.end)
	if l.end-l.tail.Base() > l.tail.Size()/2 {
		l.ahead.want(l.tail.End())
	}
	return nil
}

// wipe clears what a failed write may have left behind the end of the log, durably. Were it to stay, a later record of
// the right length would make the rest look like its successors, with numbers that were given to others meanwhile.
// So nothing is written before it is gone.
func (l *Log) wipe() error {
	if l.torn <= l.end || seeded.Is(seeded.FailedWriteNotWiped) {
		return nil
	}
	if err := l.tail.Zero(l.end-l.tail.Base(), l.torn-l.end); err != nil {
		return fmt.Errorf("commitlog: clear behind the end %d: %w", l.end, err)
	}
	if err := l.tail.Datasync(); err != nil {
		return l.setFailed(err)
	}
	l.torn = l.end
	return nil
}

// fits tells whether n bytes of records, and a blank behind them, have room in the tail segment.
func (l *Log) fits(n int64) bool {
	return l.tail != nil && l.end-l.tail.Base()+n+record.BlankSize <= l.tail.Size()
}

// roll closes the tail segment with a blank record and goes on in the next one, which must hold n bytes.
// The next file is there before the blank is written: a full disk leaves the log as it was.
func (l *Log) roll(n int64) error {
	if n+record.BlankSize > l.opts.SegmentSize {
		return fmt.Errorf("%w: %d bytes, a segment has %d", ErrTooLarge, n, l.opts.SegmentSize)
	}
	base := l.end
	if l.tail != nil {
		base = l.tail.End()
	}
	next, err := l.ahead.take(base)
	if err != nil {
		return err
	}
	if l.tail != nil {
		if err := l.writeBlank(); err != nil {
			l.ahead.giveBack(next)
			return err
		}
	}
	l.enter(next)
	return nil
}

// enter makes next the tail segment and its start the end of the log.
func (l *Log) enter(next *mapped.Segment) {
	l.setMu.Lock()
	l.set.Push(next)
	l.setMu.Unlock()
	l.tail, l.end = next, next.Base()
	l.written.Store(l.end)
	l.stats.rolls.Add(1)
	l.zero.enter(next, next.Base())
}

func (l *Log) writeBlank() error {
	rest := l.tail.End() - l.end
	switch {
	case rest == 0:
		return nil
	case rest < record.BlankSize: // a replica's end, in the middle of a record
		return fmt.Errorf("%w: the log ends at %d, %d bytes before the end of its segment", ErrNotBorder, l.end, rest)
	}
	var b [record.BlankSize]byte
	record.AppendBlank(b[:0], int32(rest))
	l.zero.reserve(l.end, record.BlankSize)
	if err := l.tail.WriteAt(b[:], l.end-l.tail.Base()); err != nil {
		l.torn = l.end + record.BlankSize
		return fmt.Errorf("commitlog: %w", err)
	}
	return nil
}

// assign numbers a group; if one of it is refused, none keeps its number.
func assign(group []record.Draft, a Assigner) bool {
	for k := range group {
		if err := a.Assign(&group[k]); err != nil {
			unassign(group[:k], a)
			group[k].Err = err
			failAll(group, errJoined)
			return false
		}
	}
	return true
}

func unassign(ds []record.Draft, a Assigner) {
	for k := len(ds) - 1; k >= 0; k-- {
		a.Unassign(&ds[k])
	}
}

func refused(group []record.Draft) bool {
	for k := range group {
		if group[k].Err != nil {
			return true
		}
	}
	return false
}

func lateBound(group []record.Draft, a Assigner) bool {
	for k := range group {
		if a.LateBound(&group[k]) {
			return true
		}
	}
	return false
}

// failAll gives an error to those drafts that have none yet.
func failAll(ds []record.Draft, err error) {
	for k := range ds {
		if ds[k].Err == nil {
			ds[k].Err = err
		}
	}
}
