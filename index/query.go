package index

import (
	"fmt"
	"slices"
)

// Query appends to dst the log offsets of the newest records under hash h that were stored between begin and end (ms, both
// included), newest first, each once, at most limit of them.
//
// Different keys can share a hash, and times are known to the second: the caller reads the records and compares. A record
// that may lie in the range is returned. After an error dst has what was found before it.
func (x *Index) Query(h int32, begin, end int64, limit int, dst []int64) ([]int64, error) {
	x.gate.RLock()
	defer x.gate.RUnlock()
	x.mu.RLock()
	files, closed := x.files, x.closed
	x.mu.RUnlock()
	if closed {
		return dst, fmt.Errorf("index: %s: %w", x.opt.Dir, ErrClosed)
	}
	q := lookup{x: x, hash: max(h, 0), begin: begin, end: end, limit: limit, dst: dst, found: len(dst)}
	q.buf = x.scratch.Get().(*[entrySize]byte)
	defer x.scratch.Put(q.buf)
	for i := len(files) - 1; i >= 0; i-- {
		more, err := q.search(files[i])
		if err != nil || !more {
			return q.dst, err
		}
	}
	return q.dst, nil
}

type lookup struct {
	x          *Index
	hash       int32
	begin, end int64
	limit      int
	dst        []int64
	found      int   // results are dst[found:]
	lowest     int64 // of the results
	buf        *[entrySize]byte
}

// search looks into one file and reports whether older ones are to be looked into.
func (q *lookup) search(f *file) (more bool, err error) {
	if len(q.dst)-q.found >= q.limit {
		return false, nil
	}
	slot := f.slotOf(q.hash)
	q.x.mu.RLock()
	h := f.header
	n := q.x.pendingHead(f, slot)
	q.x.mu.RUnlock()
	if h.count > 0 && q.begin <= h.endTime && q.end >= h.beginTime {
		if n == 0 {
			if n, err = f.readSlot(slot, q.buf); err != nil {
				return false, err
			}
		}
		if err := q.follow(f, n, h.beginTime); err != nil {
			return false, err
		}
	}
	return h.beginTime >= q.begin, nil
}

// follow walks the chain of one slot from entry n to older ones.
func (q *lookup) follow(f *file, n int32, beginTime int64) error {
	for n > 0 && n <= f.capacity() && len(q.dst)-q.found < q.limit {
		e, ok, err := q.entry(f, n)
		if err != nil || !ok || e.diff < 0 {
			return err
		}
		second := e.timeOf(n, beginTime)
		if second+999 < q.begin {
			return nil
		}
		if e.hash == q.hash && second <= q.end {
			q.take(e.logOffset)
		}
		n = e.older(n)
	}
	return nil
}

// entry returns entry n, wherever it is now. A number stays the same when its entry moves from memory to disk. Without
// ok it is one that the file doesn't have, which only a damaged slot leads to.
func (q *lookup) entry(f *file, n int32) (e entry, ok bool, err error) {
	x := q.x
	x.mu.RLock()
	onDisk := n <= f.flushed
	if !onDisk {
		e, ok = x.pendingEntry(f, n)
	}
	x.mu.RUnlock()
	if onDisk {
		e, err = f.readEntry(n, q.buf)
		ok = err == nil
	}
	return e, ok, err
}

// take notes a result. Log offsets come in descending order, apart from what RocketMQ indexed twice after a crash
// and keys of one record with the same hash; only then is there something to compare.
func (q *lookup) take(logOffset int64) {
	found := q.dst[q.found:]
	if len(found) > 0 && logOffset >= q.lowest && slices.Contains(found, logOffset) {
		return
	}
	if len(found) == 0 || logOffset < q.lowest {
		q.lowest = logOffset
	}
	q.dst = append(q.dst, logOffset)
}

// pendingHead is the newest pending entry of a slot of f, 0 if there is none. mu is held.
func (x *Index) pendingHead(f *file, slot uint32) int32 {
	if f != x.last() {
		return 0
	}
	if n := x.active.newest(slot); n > 0 || x.frozen == nil {
		return n
	}
	return x.frozen.newest(slot)
}

// pendingEntry is entry n of f if it is pending. mu is held.
func (x *Index) pendingEntry(f *file, n int32) (entry, bool) {
	if f != x.last() {
		return entry{}, false
	}
	if e, ok := x.active.entry(n); ok || x.frozen == nil {
		return e, ok
	}
	return x.frozen.entry(n)
}
