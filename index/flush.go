package index

import (
	"encoding/binary"
	"fmt"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// Flush makes everything durable that was put before and returns the State that says so. After an error, the State
// is the former one; if the error wraps vfs.ErrFull, a later Flush can succeed.
func (x *Index) Flush() (State, error) {
	x.flushMu.Lock()
	defer x.flushMu.Unlock()
	err := x.writeOut()
	return x.State(), err
}

// writeOut writes all pending entries. flushMu is held, mu is not.
func (x *Index) writeOut() error {
	for {
		f, p, err := x.freeze()
		if p == nil {
			return err
		}
		if err := x.writePending(f, p); err != nil {
			return err
		}
		x.mu.Lock()
		f.flushed = p.header.count
		x.durable = p.state
		p.reset()
		x.frozen, x.spare = nil, p
		x.mu.Unlock()
	}
}

// freeze returns the next entries to write: those that a write-out has failed on, else the active ones. If there
// are none, all entries are durable, and so is the end that was set.
func (x *Index) freeze() (*file, *pending, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.usable(); err != nil {
		return nil, nil, err
	}
	state := State{File: x.complete.file, Count: x.complete.count, LogOffset: x.end}
	f := x.last()
	if x.frozen == nil {
		if x.active.len() == 0 {
			x.durable = state
			return nil, nil, nil
		}
		x.frozen, x.active, x.spare = x.active, x.spare, nil
		x.frozen.header, x.frozen.state = f.header, state
	}
	return f, x.frozen, nil
}

// writePending writes entries, and when they are durable the slots that lead to them and the header that counts them.
func (x *Index) writePending(f *file, p *pending) error {
	if _, err := f.f.WriteAt(p.entries, f.entryAt(p.first)); err != nil {
		return fmt.Errorf("index: entries: %w", err)
	}
	if !seeded.Is(seeded.IndexEntriesNotSynced) {
		if err := f.f.Datasync(); err != nil {
			return x.fail(err)
		}
	}
	if err := x.writer.write(f, p); err != nil {
		return err
	}
	if err := f.writeHeader(p.header); err != nil {
		return err
	}
	if err := f.f.Datasync(); err != nil {
		return x.fail(err)
	}
	return nil
}

const (
	pageSize = 4096
	runSize  = 64 * pageSize // at most so much is patched at once
)

// slotWriter writes changed slots in runs of whole pages. Slots are hashed, so that many changes touch nearly every page
// of the area: one read and one write per run cost less than a write per slot.
type slotWriter struct {
	starts []int32  // per page, where its changes begin in sorted
	sorted []uint64 // the changes by page: slot<<32 | entry
	run    []byte
}

func pageOf(l layout, change uint64) int64 { return l.slotAt(uint32(change>>32)) / pageSize }

func (w *slotWriter) write(f *file, p *pending) error {
	w.sort(f.layout, p)
	for rest := w.sorted; len(rest) > 0; {
		first := pageOf(f.layout, rest[0])
		end, n := first+1, 1
		for ; n < len(rest); n++ {
			page := pageOf(f.layout, rest[n])
			if page > end || page-first >= runSize/pageSize {
				break
			}
			end = page + 1
		}
		if err := w.patch(f, first, end, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// sort is a counting sort by page; within a page order doesn't matter.
func (w *slotWriter) sort(l layout, p *pending) {
	if w.starts == nil {
		w.starts = make([]int32, l.slotsEnd()/pageSize+2)
		w.run = make([]byte, min(runSize, l.slotsEnd()))
	}
	if cap(w.sorted) < len(p.used) {
		w.sorted = make([]uint64, cap(p.used))
	}
	w.sorted = w.sorted[:len(p.used)]
	clear(w.starts)
	p.changes(func(c uint64) { w.starts[pageOf(l, c)+1]++ })
	for page := 1; page < len(w.starts); page++ {
		w.starts[page] += w.starts[page-1]
	}
	p.changes(func(c uint64) {
		page := pageOf(l, c)
		w.sorted[w.starts[page]] = c
		w.starts[page]++
	})
}

// patch rewrites pages first … end-1, as far as they are slots, with the changes in them.
func (w *slotWriter) patch(f *file, first, end int64, changes []uint64) error {
	from, to := max(first*pageSize, headerSize), min(end*pageSize, f.slotsEnd())
	b := w.run[:to-from]
	if err := f.read(b, from); err != nil {
		return err
	}
	for _, c := range changes {
		binary.BigEndian.PutUint32(b[f.slotAt(uint32(c>>32))-from:], uint32(c))
	}
	if _, err := f.f.WriteAt(b, from); err != nil {
		return fmt.Errorf("index: slots: %w", err)
	}
	return nil
}
