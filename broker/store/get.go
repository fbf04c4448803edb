package store

import (
	"bytes"
	"fmt"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/consumequeue"
	"github.com/gantry-mq/gantry/index"
)

// View pins the record at log offset off, of which a queue unit told the size.
func (s *Store) View(off int64, size int32) (commitlog.View, error) {
	return s.Log.View(off, int(size))
}

// Record reads and checks the record at log offset off into dst, which grows if need be.
func (s *Store) Record(off int64, dst []byte) ([]byte, error) { return s.Log.Record(off, dst) }

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

// KeyKind says which of a message's keys a query means.
type KeyKind uint8

const (
	AnyKey    KeyKind = iota // one of KEYS, or the unique key: older clients don't say which
	UserKey                  // one of KEYS
	UniqueKey                // the client's unique id
	TagKey                   // the tags
)

// Found is a message that a query found.
type Found struct {
	LogOffset int64
	Record    []byte // the whole record
}

// Query finds the messages of a topic that carry a key and were stored in [begin, end] (ms), newest first, at most limit.
// The index knows hashes; every message that it names is read, and passed over if it carries another key.
func (s *Store) Query(topic, key string, kind KeyKind, begin, end int64, limit int) ([]Found, error) {
	if s.index == nil {
		return nil, nil
	}
	h := index.KeyHash(topic, key)
	if kind == TagKey {
		h = index.TagHash(topic, key)
	}
	offsets, err := s.index.Query(h, begin, end, limit, nil)
	if err != nil {
		return nil, fmt.Errorf("store: query %s#%s: %w", topic, key, err)
	}
	var found []Found
	for _, off := range offsets {
		if off < s.Log.Min() || off >= s.Log.Confirmed() {
			continue
		}
		b, err := s.Log.Record(off, nil)
		if err != nil {
			return found, fmt.Errorf("store: query %s#%s: %w", topic, key, err)
		}
		if carries(b, topic, key, kind) {
			found = append(found, Found{off, b})
		}
	}
	return found, nil
}

// carries tells whether a record is of the topic and has the key.
func carries(b []byte, topic, key string, kind KeyKind) bool {
	var r record.Record
	if record.Decode(b, &r) != nil || string(r.Topic) != topic {
		return false
	}
	has := func(name string, split bool) bool {
		v, ok := record.Property(r.Properties, name)
		if !ok {
			return false
		}
		for split && len(v) > 0 {
			var item []byte
			if item, v, _ = bytes.Cut(v, space); string(item) == key {
				return true
			}
		}
		return string(v) == key
	}
	switch kind {
	case UniqueKey:
		return has(record.PropUniqKey, false)
	case UserKey:
		return has(record.PropKeys, true)
	case TagKey:
		return has(record.PropTags, false)
	default:
		return has(record.PropUniqKey, false) || has(record.PropKeys, true)
	}
}

// IndexedUpTo is how far the index reaches: the store timestamp (ms) of its newest message, and the log offset up to which it is complete.
func (s *Store) IndexedUpTo() (ms, logOffset int64) {
	if s.indexFollow == nil {
		return 0, 0
	}
	return s.indexFollow.last.Load(), s.index.State().LogOffset
}

// DispatchBehind is how many bytes of the log that may be seen have not been shown to all followers yet.
func (s *Store) DispatchBehind() int64 { return max(0, s.Log.Confirmed()-s.dispatcher.pos.Load()) }
