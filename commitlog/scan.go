package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/seeded"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// scan checks record after record from a border on, through the segments, until one is not whole.
// It notes whether mark is one of the borders that it passes.
func (l *Log) scan(from, mark int64) (scanner, error) {
	sc := scanner{log: l, mark: mark, Recovery: Recovery{From: from, End: from}}
	for _, seg := range l.set.All() {
		if seg.End() <= from {
			continue
		}
		if more, err := sc.segment(seg); err != nil || !more {
			return sc, err
		}
	}
	sc.passed = sc.passed || sc.End == mark
	return sc, nil
}

// scanner is a walk from record to record.
type scanner struct {
	Recovery
	log      *Log
	limit    int64 // records after which to stop; 0 is no limit
	mark     int64
	passed   bool  // mark is a border
	storedAt int64 // store timestamp of the last record
}

// segment walks from End to the end of seg; more says that the log goes on behind it.
func (sc *scanner) segment(seg *mapped.Segment) (more bool, err error) {
	defer catchFault(seg, &err)()
	for sc.End < seg.End() {
		if sc.End == sc.mark {
			sc.passed = true
		}
		b := seg.Bytes(sc.End-seg.Base(), seg.End()-sc.End)
		n, kind, err := sc.verify(b, seg)
		if err != nil {
			sc.Cut = fmt.Sprintf("segment %s: %v", seg.Path(), err)
			return false, nil
		}
		if n == 0 {
			return false, nil
		}
		sc.End += int64(n)
		if kind == record.Message {
			sc.Records++
			sc.storedAt = record.StoreTimestamp(b)
			if sc.Records == sc.limit {
				return false, nil
			}
		}
	}
	return true, nil
}

// verify is record.Verify with the log's view of the CRC property. One that is wrong is no sign of the log's end by itself:
// a peer that rewrites a message can leave a sum behind that was true before. But behind the end there are zeros, so a torn
// write leaves zeros, and topic and properties have none: where the body is whole, that tells the two apart.
func (sc *scanner) verify(b []byte, seg *mapped.Segment) (n int, kind record.Kind, err error) {
	o := &sc.log.opts
	expected := sc.End >= o.CRCPropertyFrom
	n, kind, err = record.Verify(b, sc.End, record.Check{BodyCRC: !seeded.Is(seeded.BodyNotChecked), RecordCRC: expected})
	var wrong *record.CRCPropertyError
	switch {
	case errors.As(err, &wrong):
		if !hasZeros(b[:n]) {
			sc.StaleCRC++
			o.Logger.Warn("commit log: stale CRC property", "segment", seg.Path(), "found", err)
			return n, kind, nil
		}
	case err != nil || kind != record.Message || !expected || !o.CRCProperty || endsWithCRC(b[:n]):
		return n, kind, err
	case hasZeros(b[:n]):
		err = fmt.Errorf("record at %d: no CRC property (record of %d bytes)", sc.End, n)
	default:
		return n, kind, nil
	}
	return 0, record.End, fmt.Errorf("%w, and zeros in topic or properties", err)
}

// endsWithCRC tells whether a record ends with a CRC property, be it right or wrong.
func endsWithCRC(rec []byte) bool {
	prop := rec[len(rec)-record.CRCPropertySize:]
	return prop[len(prop)-1] == 2 && bytes.HasPrefix(prop, []byte(record.PropCRC32+"\x01"))
}

func hasZeros(rec []byte) bool {
	var r record.Record
	return record.Decode(rec, &r) == nil && (bytes.IndexByte(r.Topic, 0) >= 0 || bytes.IndexByte(r.Properties, 0) >= 0)
}

// catchFault makes a page of seg that can't be read an error in place of a crash. It is used as defer catchFault(seg, &err)().
// That is not damage which a cut would heal: what the device can't read now may be read later.
func catchFault(seg *mapped.Segment, err *error) (undo func()) {
	old := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(old)
		switch e := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }:
			*err = fmt.Errorf("commitlog: segment %s: %w: page fault at offset %d", seg.Path(), vfs.ErrIO, seg.PosOf(e.Addr()))
		default:
			panic(e)
		}
	}
}
