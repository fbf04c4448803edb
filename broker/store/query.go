package store

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/index"
)

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
// The index knows hashes and seconds; every message that it names is read, and passed over if it is another one. With an error
// come those that could be read.
func (s *Store) Query(topic, key string, kind KeyKind, begin, end int64, limit int) ([]Found, error) {
	if s.index == nil || limit <= 0 || key == "" {
		return nil, nil
	}
	h := index.KeyHash(topic, key)
	if kind == TagKey {
		h = index.TagHash(topic, key)
	}
	var found []Found
	var errs []error
	looked := 0
	for most := limit; ; most *= 2 {
		offsets, err := s.index.Query(h, begin, end, most, nil)
		if err != nil {
			return nil, fmt.Errorf("store: query %s#%s: %w", topic, key, err)
		}
		for _, off := range offsets[min(looked, len(offsets)):] {
			b, err := s.carrier(off, topic, key, kind, begin, end)
			if err != nil {
				errs = append(errs, fmt.Errorf("store: query %s#%s: %w", topic, key, err))
			}
			if b != nil {
				found = append(found, Found{off, b})
			}
			if len(found) == limit {
				return found, errors.Join(errs...)
			}
		}
		if len(offsets) < most { // else more of them may lie behind some that only share the hash
			return found, errors.Join(errs...)
		}
		looked = len(offsets)
	}
}

// carrier is the record at a log offset if it is what a query asks for, else nil.
func (s *Store) carrier(off int64, topic, key string, kind KeyKind, begin, end int64) ([]byte, error) {
	b, err := s.Record(off, nil)
	switch {
	case errors.Is(err, ErrNoTopic), errors.Is(err, commitlog.ErrOutOfRange):
		return nil, nil
	case err != nil:
		return nil, err
	}
	var r record.Record
	if err := record.Decode(b, &r); err != nil {
		return nil, err
	}
	if string(r.Topic) != topic || r.StoreTimestamp < begin || r.StoreTimestamp > end || !carries(r.Properties, key, kind) {
		return nil, nil
	}
	return b, nil
}

// carries tells whether a message has the key.
func carries(props []byte, key string, kind KeyKind) bool {
	is := func(name string) bool {
		v, ok := record.Property(props, name)
		return ok && string(v) == key
	}
	switch kind {
	case UniqueKey:
		return is(record.PropUniqKey)
	case TagKey:
		return is(record.PropTags)
	case AnyKey:
		if is(record.PropUniqKey) {
			return true
		}
	}
	keys, _ := record.Property(props, record.PropKeys)
	for len(keys) > 0 {
		var item []byte
		if item, keys, _ = bytes.Cut(keys, space); string(item) == key {
			return true
		}
	}
	return false
}

// IndexedUpTo is how far the index reaches: the store timestamp (ms) of its newest message since the store was opened, and the log
// offset up to which it is complete and durable.
func (s *Store) IndexedUpTo() (ms, logOffset int64) {
	if s.indexFollow == nil {
		return 0, 0
	}
	return s.indexFollow.last.Load(), s.index.State().LogOffset
}
