package store

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// announced are messages that stand back to back in the log, at from … to, and need not be read back from there: what followers want to
// know of them was taken from the drafts while those who appended them still had them.
type announced struct {
	from, to int64
	entries  []Entry // their Queue is the one they were appended to, whatever became of it since
	bytes    []byte  // what the entries alias
}

// set fills a from the drafts, whose memory it then aliases. It tells whether it took all of them: they stand back to back, that is.
func (a *announced) set(own []record.Draft) (all bool) {
	a.entries, a.from, a.to = slices.Grow(a.entries[:0], len(own)), 0, 0
	for i := range own {
		m := &own[i]
		if m.Err != nil {
			continue // it isn't in the log
		}
		q, ok := m.Queue.(*Queue)
		if !ok || m.Topic != q.Topic || m.QueueID != q.ID || len(a.entries) > 0 && m.LogOffset != a.to {
			return false
		}
		if len(a.entries) == 0 {
			a.from = m.LogOffset
		}
		a.entries = append(a.entries, Entry{
			LogOffset: m.LogOffset, Size: m.Size, QueueID: m.QueueID, QueueOffset: m.QueueOffset, SysFlag: m.SysFlag,
			StoreTimestamp: m.StoreTimestamp, Topic: q.name, Queue: q,
		})
		e := &a.entries[len(a.entries)-1]
		e.look(m.Properties)
		e.look(m.MoreProperties)
		a.to = e.End()
	}
	return true
}

// keep copies what a aliases.
func (a *announced) keep() {
	size := 0
	for i := range a.entries {
		for _, b := range a.entries[i].aliases() {
			size += len(*b)
		}
	}
	a.bytes = slices.Grow(a.bytes[:0], size)
	for i := range a.entries {
		for _, b := range a.entries[i].aliases() {
			if *b != nil {
				a.bytes = append(a.bytes, *b...)
				*b = a.bytes[len(a.bytes)-len(*b) : len(a.bytes) : len(a.bytes)]
			}
		}
	}
}

// aliases are the slices that e has of its properties.
func (e *Entry) aliases() [7]*[]byte {
	return [...]*[]byte{&e.Tags, &e.Keys, &e.UniqueKey, &e.delay, &e.innerNum, &e.multiQueues, &e.multiOffsets}
}

// maxAnnounced is how many announcements wait at most. What is more is read back from the log.
const maxAnnounced = 256

// maxSpare is how many announcements are kept for later ones, and maxSpareBytes how much memory of keys and tags each may have for that.
const (
	maxSpare      = 16
	maxSpareBytes = 64 << 10
)

// board is where those who have appended leave what they know of it, for the one who dispatches.
type board struct {
	mu      sync.Mutex   // taken with or without the dispatcher's mu, never before it
	waiting []*announced // by log offset
	unknown bool         // somebody has announced what isn't here, or isn't any more
	spare   []*announced

	some atomic.Bool // either of the two
	news atomic.Bool // something was put here since next was called
}

// put leaves own. None, or what can't be taken, is something that has to be read back.
func (b *board) put(own []record.Draft) {
	a := b.take()
	all := a.set(own) && len(own) > 0
	a.keep()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(a.entries) == 0 || len(b.waiting) == maxAnnounced {
		all = all && len(a.entries) == 0 // all of them were refused
		b.free(a)
	} else {
		i := len(b.waiting)
		for i > 0 && b.waiting[i-1].from > a.from {
			i--
		}
		b.waiting = slices.Insert(b.waiting, i, a)
	}
	b.unknown = b.unknown || !all
	b.some.Store(true)
	b.news.Store(true)
}

// take returns one that is empty.
func (b *board) take() *announced {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.spare); n > 0 {
		a := b.spare[n-1]
		b.spare = b.spare[:n-1]
		return a
	}
	return new(announced)
}

// free keeps a for later. The caller has mu.
func (b *board) free(a *announced) {
	if len(b.spare) < maxSpare && cap(a.bytes) <= maxSpareBytes {
		clear(a.entries) // queues may be gone by then
		b.spare = append(b.spare, a)
	}
}

// next removes what lies below pos, and returns what waits with the lowest log offset, or nil. That stays where it is.
func (b *board) next(pos int64) *announced {
	b.news.Store(false)
	if !b.some.Load() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.waiting) > 0 {
		a := b.waiting[0]
		if a.from >= pos {
			return a
		}
		b.unknown = b.unknown || a.to > pos // somebody has read a part of it back
		b.dropFirst()
	}
	b.some.Store(b.unknown)
	return nil
}

// giveUp removes what begins at pos or below.
func (b *board) giveUp(pos int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.waiting) > 0 && b.waiting[0].from <= pos {
		b.dropFirst()
	}
}

// dropFirst removes the first one. The caller has mu.
func (b *board) dropFirst() {
	b.free(b.waiting[0])
	b.waiting = slices.Delete(b.waiting, 0, 1)
}

// takeUnknown tells whether something has to be read back, once.
func (b *board) takeUnknown() bool {
	if !b.some.Load() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.unknown
	b.unknown = false
	return was
}

// noteUnknown has something read back.
func (b *board) noteUnknown() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unknown = true
	b.some.Store(true)
}

// changed tells whether something was put here since next was called.
func (b *board) changed() bool { return b.news.Load() }

// wipe forgets everything: the log was cut.
func (b *board) wipe() {
	b.giveUp(math.MaxInt64)
	b.noteUnknown()
}
