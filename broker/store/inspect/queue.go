package inspect

import (
	"bytes"
	"fmt"
	"path"
	"strconv"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

// unitKind is one of the two kinds of queue.
type unitKind struct {
	dir    string
	size   int
	decode func(b []byte, index int64) unit
}

// unit is a queue unit of either kind.
type unit struct {
	log    int64 // log offset
	size   int32 // bytes of the record; 0 where nothing was written
	tag    int64
	first  int64 // queue offset of the first message
	count  int64 // of messages
	filler bool  // stands for a message that the queue never had
}

var (
	simpleUnits = unitKind{"consumequeue", consumequeue.UnitSize, func(b []byte, index int64) unit {
		u := consumequeue.DecodeUnit(b)
		return unit{u.LogOffset, u.Size, u.TagCode, index, 1, u.Filler()}
	}}
	batchUnits = unitKind{"batchconsumequeue", consumequeue.BatchUnitSize, func(b []byte, _ int64) unit {
		u := consumequeue.DecodeBatchUnit(b)
		return unit{u.LogOffset, u.Size, u.TagCode, u.BaseOffset, int64(u.Count), false}
	}}
)

// walk is the state of a way through a queue's units.
type walk struct {
	kind  *unitKind
	key   queueKey
	last  int64  // log offset of the last unit
	empty string // a place without a unit, "" if there was none so far
	next  int64  // where the next file begins; 0 before the first
	own   int64  // units of records that the log holds
}

// queue checks the files of one queue.
func (v *verifier) queue(kind *unitKind, key queueKey) error {
	dir := path.Join(v.root, kind.dir, key.topic, strconv.Itoa(int(key.id)))
	entries, err := v.fs.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("inspect: %w", err)
	}
	w := walk{kind: kind, key: key, last: -1}
	for _, e := range entries { // by name, which is by position
		base, ok := mapped.ParseName(e.Name())
		if !ok || e.IsDir() {
			continue
		}
		name := path.Join(dir, e.Name())
		if w.next > 0 && base != w.next {
			v.report.add(name, "follows a file that ends at position %d: files are missing between them", w.next)
		}
		if err := v.file(&w, name, base); err != nil {
			return err
		}
	}
	h := v.held[key]
	if h == nil || !v.report.Clean {
		return nil
	}
	switch {
	case w.last < h.lastAt:
		v.report.add(dir, "has no unit for the record at log offset %d, queue offset %d", h.lastAt, h.last)
	case w.own != h.records:
		v.report.add(dir, "has %d units for the %d records that the log holds of it", w.own, h.records)
	}
	return nil
}

// file checks the units of one file.
func (v *verifier) file(w *walk, name string, base int64) error {
	b, err := vfs.ReadFile(v.fs, name)
	if err != nil {
		return fmt.Errorf("inspect: %w", err)
	}
	w.next = base + int64(len(b))
	size := w.kind.size
	for pos := 0; pos+size <= len(b); pos += size {
		u := w.kind.decode(b[pos:], (base+int64(pos))/int64(size))
		if u.size == 0 {
			if w.empty == "" {
				w.empty = fmt.Sprintf("%s at %d", name, pos)
			}
			pos += emptyUnits(b[pos:], size) - size
			continue
		}
		if w.empty != "" && v.report.Clean { // else they are those that were written before the stop
			v.report.add(w.empty, "has no unit, and there are later ones in %s at %d", name, pos)
		}
		w.empty = ""
		if !u.filler {
			v.unit(w, fmt.Sprintf("%s at %d (queue offset %d)", name, pos, u.first), u)
		}
	}
	return nil
}

var zeros [4096]byte

// emptyUnits is how many bytes of empty units b begins with, of which there is one: most of a file is such, so it is skipped in large steps.
func emptyUnits(b []byte, size int) int {
	n := size
	for step := len(zeros) / size * size; n+len(zeros) <= len(b) && bytes.Equal(b[n:n+len(zeros)], zeros[:]); {
		n += step
	}
	return n
}

func (v *verifier) unit(w *walk, where string, u unit) {
	v.report.Units++
	switch {
	case u.log <= w.last:
		v.report.add(where, "log offset %d after %d", u.log, w.last)
	case u.log >= v.end:
		if v.report.Clean {
			v.report.add(where, "log offset %d is behind the end of the log, %d", u.log, v.end)
		}
	case u.log >= v.log.Min():
		v.compare(w, where, u)
	}
	w.last = u.log
}

// compare compares a unit with the record that it points at.
func (v *verifier) compare(w *walk, where string, u unit) {
	r := &v.rec
	if err := v.log.at(u.log, r); err != nil {
		v.report.add(where, "log offset %d: %v", u.log, err)
		return
	}
	own := string(r.Topic) == w.key.topic && r.QueueID == w.key.id
	if own {
		w.own++
	}
	switch {
	case r.Size != u.size:
		v.report.add(where, "the record at log offset %d has %d bytes, the unit says %d", u.log, r.Size, u.size)
	case !own && !standsIn(r, w.key, u.first):
		v.report.add(where, "the record at log offset %d is of %s/%d", u.log, r.Topic, r.QueueID)
	case own && r.QueueOffset != u.first:
		v.report.add(where, "the record at log offset %d has queue offset %d", u.log, r.QueueOffset)
	case own && u.log < v.births[w.key.topic]:
		v.report.add(where, "the record at log offset %d is of an earlier topic of the name", u.log)
	case w.kind == &batchUnits && u.count != innerCount(r):
		v.report.add(where, "the record at log offset %d has %d messages, the unit says %d", u.log, innerCount(r), u.count)
	case hasTagCode(w, u) && u.tag != tagCode(r):
		v.report.add(where, "the record at log offset %d has tag code %d, the unit says %d", u.log, tagCode(r), u.tag)
	}
}

// standsIn tells whether a record of another queue is dispatched to this one, too, with that queue offset.
func standsIn(r *record.Record, key queueKey, queueOffset int64) bool {
	names, _ := record.Property(r.Properties, record.PropMultiDispatch)
	offsets, _ := record.Property(r.Properties, record.PropMultiQueueOffset)
	for len(names) > 0 {
		var name, offset []byte
		name, names, _ = bytes.Cut(names, []byte{','})
		offset, offsets, _ = bytes.Cut(offsets, []byte{','})
		if string(name) == key.topic && key.id == 0 && string(offset) == strconv.FormatInt(queueOffset, 10) {
			return true
		}
	}
	return false
}

func innerCount(r *record.Record) int64 {
	v, _ := record.Property(r.Properties, record.PropInnerNum)
	n, _ := strconv.ParseInt(string(v), 10, 16)
	return n
}

// hasTagCode tells whether a unit's tag code is the hash of tags: it may be a due time, or an address in an extension file.
func hasTagCode(w *walk, u unit) bool {
	return w.key.topic != record.TopicSchedule && !consumequeue.IsExtAddress(u.tag)
}

func tagCode(r *record.Record) int64 {
	tags, ok := record.Property(r.Properties, record.PropTags)
	if !ok {
		return 0
	}
	return record.TagCode(tags)
}
