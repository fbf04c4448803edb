package store

import (
	"fmt"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/consumequeue"
)

// View pins the record at log offset off, of which a queue unit told the size.
func (s *Store) View(off int64, size int32) (commitlog.View, error) {
	return s.Log.View(off, int(size))
}

// Record reads and checks the record at log offset off into dst, which grows if need be. Beside the errors of
// commitlog.Log.Record there is ErrNoTopic, for a record of a topic that was deleted.
func (s *Store) Record(off int64, dst []byte) ([]byte, error) {
	if off >= s.Log.Confirmed() {
		return nil, fmt.Errorf("store: record at %d: %w: it may not be seen yet", off, commitlog.ErrOutOfRange)
	}
	b, err := s.Log.Record(off, dst)
	if err != nil {
		return nil, err
	}
	var r record.Record
	if err := record.Decode(b, &r); err != nil {
		return nil, fmt.Errorf("store: record at %d: %w", off, err)
	}
	if birth := s.opts.Topics.Birth(string(r.Topic)); off < birth {
		return nil, fmt.Errorf("%w: the record at %d is of a topic %s that was deleted", ErrNoTopic, off, r.Topic)
	}
	return b, nil
}

// storeTime reads the store timestamp of the record that a queue unit points at.
func (s *Store) storeTime(off int64, size int32) (int64, error) {
	var head [record.HeaderSize]byte
	if err := s.Log.Load(head[:min(len(head), int(size))], off); err != nil {
		return 0, err
	}
	return record.StoreTimestamp(head[:]), nil
}

// StoreTime is the store timestamp, in ms, of the message at a queue offset.
func (s *Store) StoreTime(q *Queue, queueOffset int64) (int64, error) {
	if q.batch != nil {
		var us [1]consumequeue.BatchUnit
		if n, err := q.batch.Read(us[:], queueOffset); err != nil || n == 0 {
			return 0, notThere(q, queueOffset, err)
		}
		return us[0].StoreTime, nil
	}
	var us [1]consumequeue.Unit
	if n, err := q.simple.Read(us[:], queueOffset); err != nil || n == 0 {
		return 0, notThere(q, queueOffset, err)
	}
	return s.storeTime(us[0].LogOffset, us[0].Size)
}

func notThere(q *Queue, off int64, err error) error {
	if err != nil {
		return err
	}
	lowest, next := q.Bounds()
	return fmt.Errorf("%w: queue offset %d of %s/%d, which holds [%d,%d)", commitlog.ErrOutOfRange, off, q.Topic, q.ID, lowest, next)
}

// SeekTime finds a queue offset by store time (ms): see consumequeue.Queue.SeekTime.
func (s *Store) SeekTime(q *Queue, ms int64, b consumequeue.Boundary) (int64, error) {
	if q.batch != nil {
		return q.batch.SeekTime(ms, b)
	}
	return q.simple.SeekTime(ms, b, s.storeTime)
}

// DispatchBehind is how many bytes of the log that may be seen have not been shown to all followers yet.
func (s *Store) DispatchBehind() int64 { return max(0, s.Log.Confirmed()-s.dispatcher.pos.Load()) }

// Unqueued is how many messages, since the store was opened, found no place in their queue: there was a gap before them. They are
// logged, and found by key and id.
func (s *Store) Unqueued() int64 { return s.unqueued.Load() }
