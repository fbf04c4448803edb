package consume

import (
	"errors"
	"sync"

	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/consumequeue"
)

// Status is what a read of a queue came to.
type Status uint8

const (
	Found       Status = iota
	Empty              // the queue has never had a message, and the read was from its start
	AtEnd              // the next message will have the offset that was asked for
	NoneMatched        // there were messages, and the filter let none pass
	Removed            // retention took the messages away during the read
	TooSmall           // the offset lies before what the queue has
	TooLarge           // the offset lies behind the next message's
)

// Limits bound one read.
type Limits struct {
	Messages, Bytes         int
	ColdMessages, ColdBytes int   // of messages that are not likely to be in memory
	HotBytes                int64 // how far behind the log's end that begins
}

// maxScanned is how many queue units one read looks at when its filter lets few pass.
const maxScanned = 800

// Result is what a read found. Its parts are pinned: whoever has it calls Release once.
type Result struct {
	Status   Status
	Next     int64 // queue offset to go on from, whatever the status
	Min, Max int64 // bounds of the queue
	Messages int
	Bytes    int
	Parts    [][]byte // whole records in the order of the queue, as they lie in the log

	pinned  []commitlog.View
	units   [32]consumequeue.Unit
	batches [8]consumequeue.BatchUnit
}

var results = sync.Pool{New: func() any { return new(Result) }}

// Release lets go of the messages and of the Result.
func (r *Result) Release() {
	for i := range r.pinned {
		r.pinned[i].Release()
	}
	clear(r.pinned)
	clear(r.Parts)
	r.pinned, r.Parts, r.Messages, r.Bytes = r.pinned[:0], r.Parts[:0], 0, 0
	results.Put(r)
}

// Read takes up to most messages from a queue, from queue offset from on, that the filter lets pass. The first of them is taken
// however large it is.
func Read(s *store.Store, q *store.Queue, from int64, most int, f *TagFilter, l Limits) (*Result, error) {
	r := results.Get().(*Result)
	var err error
	if r.Min, r.Max, err = Bounds(q); err != nil {
		r.Release()
		return nil, err
	}
	r.Next = from
	switch {
	case from < r.Min:
		r.Status, r.Next = TooSmall, r.Min
		return r, nil
	case from > r.Max:
		r.Status, r.Next = TooLarge, r.Max
		return r, nil
	case r.Max == 0:
		r.Status = Empty
		return r, nil
	case from == r.Max:
		r.Status = AtEnd
		return r, nil
	}
	rd := reading{s: s, q: q, r: r, f: f, limits: l, max: min(most, l.Messages)}
	err = rd.fill()
	switch {
	case r.Messages > 0:
		// What came before an error is good, and whoever comes back meets the error again.
		r.Status, err = Found, nil
	case errors.Is(err, commitlog.ErrOutOfRange):
		// Retention was faster: the queue's bounds follow it.
		r.Min, r.Max = q.Bounds()
		r.Status, r.Next, err = Removed, max(r.Min, r.Next+1), nil
	case err != nil:
		r.Release()
		return nil, err
	default:
		r.Status = NoneMatched
	}
	return r, err
}

// Bounds are the bounds of a queue, or the reason why they aren't known. A queue whose files can't be read looks empty otherwise, and
// who believes that passes over its messages.
func Bounds(q *store.Queue) (lowest, next int64, err error) {
	if lowest, next = q.Bounds(); lowest < next {
		return lowest, next, nil
	}
	if q.Batch() {
		var us [1]consumequeue.BatchUnit
		_, err = q.ReadBatch(us[:], next)
	} else {
		var us [1]consumequeue.Unit
		_, err = q.Read(us[:], next)
	}
	return lowest, next, err
}

// reading is one Read under way.
type reading struct {
	s      *store.Store
	q      *store.Queue
	r      *Result
	f      *TagFilter
	limits Limits
	max    int
}

func (rd *reading) fill() error {
	for scanned := 0; scanned < maxScanned; {
		n, more, err := rd.step()
		if err != nil || n == 0 || !more {
			return err
		}
		scanned += n
	}
	return nil
}

// step looks at the next units; more is false when the result is full.
func (rd *reading) step() (n int, more bool, err error) {
	q, r := rd.q, rd.r
	if q.Batch() {
		n, err = q.ReadBatch(r.batches[:], r.Next)
		for _, u := range r.batches[:n] {
			if more, err = rd.take(u.LogOffset, u.Size, u.TagCode, int(u.Count)); err != nil || !more {
				return n, false, err
			}
			r.Next = u.BaseOffset + int64(u.Count)
		}
		return n, true, err
	}
	n, err = q.Read(r.units[:], r.Next)
	for _, u := range r.units[:n] {
		if !u.Filler() {
			if more, err = rd.take(u.LogOffset, u.Size, u.TagCode, 1); err != nil || !more {
				return n, false, err
			}
		}
		r.Next++
	}
	return n, true, err
}

// take adds a record if it passes; false when there is no room for it.
func (rd *reading) take(off int64, size int32, tag int64, count int) (bool, error) {
	if pass, err := rd.passes(tag); err != nil || !pass {
		return true, err
	}
	r := rd.r
	messages, bytes := rd.max, rd.limits.Bytes
	if rd.s.Log.Max()-off > rd.limits.HotBytes {
		messages, bytes = min(messages, rd.limits.ColdMessages), rd.limits.ColdBytes
	}
	if r.Messages > 0 && (r.Messages+count > messages || r.Bytes+int(size) > bytes) {
		return false, nil
	}
	v, err := rd.s.View(off, size)
	if err != nil {
		return false, err
	}
	r.pinned = append(r.pinned, v)
	r.Parts = append(r.Parts, v.Bytes())
	r.Messages += count
	r.Bytes += int(size)
	return true, nil
}

// passes asks the filter about the tag code in a queue unit. A message whose tag code is lost passes: its consumer looks at the tags
// themselves.
func (rd *reading) passes(code int64) (bool, error) {
	if rd.f.All() {
		return true, nil
	}
	code, err := rd.s.TagCode(rd.q, code)
	if errors.Is(err, store.ErrNoTagCode) {
		return true, nil
	}
	return err == nil && rd.f.Matches(code), err
}
