package delay

import (
	"fmt"
	"slices"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// window is how much of the log is read at a time.
const window = 1 << 20

// resume moves the offsets behind what the log says was delivered, by records from log offset from on.
func (s *Service) resume(from int64) error {
	log := s.opts.Store.Log
	if end := log.Max(); from > end {
		s.opts.Logger.Warn("delay: the log ends before the offsets were saved: messages may not be delivered", "saved", from, "logEnd", end)
		return nil
	}
	err := s.eachRecord(max(from, log.Min()), log.Max(), s.noteCopy)
	if hopeless(err) {
		// Another broker has written here.
		s.opts.Logger.Warn("delay: what was delivered since the offsets were saved may be delivered again", "saved", from, "error", err)
		return nil
	}
	return err
}

// eachRecord calls f for the records in [off, end) of the log, two record borders. What r holds is valid during the call.
func (s *Service) eachRecord(off, end int64, f func(r *record.Record) error) error {
	segment := s.opts.Store.Log.SegmentSize()
	var buf []byte
	for n := int64(window); off < end; {
		n = min(n, end-off, segment-off%segment)
		buf = slices.Grow(buf[:0], int(n))[:n]
		if err := s.opts.Store.Log.Load(buf, off); err != nil {
			return err
		}
		used, err := eachWhole(buf, f)
		if err != nil {
			return fmt.Errorf("record at log offset %d: %w", off+used, err)
		}
		if off += used; used > 0 || len(buf) < record.BlankSize {
			n = window
			continue
		}
		size := int64(record.Size(buf)) // more than the window
		if size > min(end-off, segment-off%segment) {
			return fmt.Errorf("%w: record of %d bytes at log offset %d, the log ends at %d", record.ErrDamaged, size, off, end)
		}
		n = size
	}
	return nil
}

// eachWhole calls f for the whole records at the start of b, which ends no later than their segment. used is how many bytes of the log they
// take, with the blank behind the last record of a segment, of which the end may lie behind b.
func eachWhole(b []byte, f func(r *record.Record) error) (used int64, err error) {
	var r record.Record
	for int64(len(b))-used >= record.BlankSize {
		rest := b[used:]
		size := int64(record.Size(rest))
		if record.Magic(rest) == record.MagicBlank && size >= record.BlankSize {
			return used + size, nil
		}
		if size > int64(len(rest)) {
			return used, nil
		}
		if err := record.Decode(rest, &r); err != nil {
			return used, err
		}
		if err := f(&r); err != nil {
			return used, err
		}
		used += size
	}
	return used, nil
}

// noteCopy moves a level's offset behind the message of which r is a copy, if it is one.
func (s *Service) noteCopy(r *record.Record) error {
	at := r.PreparedTransactionOffset
	if _, ok := record.Property(r.Properties, record.PropRealTopic); !ok || at < s.opts.Store.Log.Min() || at >= r.LogOffset {
		return nil
	}
	b, err := s.opts.Store.Log.Record(at, nil)
	var waited record.Record
	if err == nil {
		err = record.Decode(b, &waited)
	}
	if hopeless(err) {
		return nil
	}
	if err != nil {
		return err
	}
	// 0 is a place in the log, too, and what records have there that are no copies. So more is asked for than a message in the
	// schedule topic.
	if string(waited.Topic) == record.TopicSchedule && string(r.Topic) != record.TopicSchedule &&
		waited.BodyCRC == r.BodyCRC && waited.BornTimestamp == r.BornTimestamp && waited.ReconsumeTimes == r.ReconsumeTimes {
		if l := s.level(waited.QueueID); l != nil {
			l.advance(waited.QueueOffset + 1)
		}
	}
	return nil
}
