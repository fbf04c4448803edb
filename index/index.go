package index

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Sentinel errors, to be tested with errors.Is.
var (
	// ErrFileSize is a file whose length does not fit the configured slots and entries.
	ErrFileSize = errors.New("file size differs from the configured one")
	// ErrBroken is an index that takes no more puts because a sync or a truncation failed: what the disk holds is
	// known again only after it was opened anew, with clean false. Queries still work.
	ErrBroken = errors.New("index is broken until reopened")
	// ErrClosed is an index after Close.
	ErrClosed = errors.New("index is closed")

	errDamaged = errors.New("damaged")
)

// State is what the owner keeps, outside the index, from one run to the next. Everything that it counts is durable.
type State struct {
	File  string // name of the last file, "" if there is none
	Count int32  // entries in it
	// LogOffset is where the log has to be followed from: every record below it is in the index.
	LogOffset int64
}

// Index finds log offsets by key. PutRecord, SetEnd and Truncate are for one goroutine at a time, the one that
// follows the log; all other methods are safe beside it and beside each other.
type Index struct {
	opt    Options
	layout layout

	// gate is held for reading by whoever reads files and for writing by whoever closes or cuts them, so that a slow query
	// delays retention and never a put. Order of the locks: gate, flushMu, mu.
	gate sync.RWMutex

	// flushMu serialises writing to files. It guards writer.
	flushMu sync.Mutex
	writer  slotWriter

	// mu guards everything below, and the header, count and mapping of the files. Only Truncate
	// holds it across writes.
	mu       sync.RWMutex
	files    []*file // oldest first; replaced, never changed in place
	lastName string  // the highest file name ever used
	// Entries of the last file that are not yet on disk: those of active are newer than those of frozen, which a write-out
	// is working on or has failed on. spare is the third of the two.
	active, frozen, spare *pending
	indexed               int64 // log offset from which on records are new
	end                   int64 // the LogOffset of the next State
	complete              mark  // behind the last record all of whose entries are in
	partial               partialRecord
	durable               State
	broken                error
	closed                bool

	warmed  atomic.Uint64 // by Warm; nobody asks
	scratch sync.Pool     // *[entrySize]byte, for queries
}

// mark is a position in the sequence of all entries.
type mark struct {
	file  string
	count int32
}

// partialRecord is a record of whose entries only the first done could be put. The same record put again goes on
// from there.
type partialRecord struct {
	logOffset int64
	done      int
}

// last returns the file that takes puts, nil if there is none.
func (x *Index) last() *file {
	if len(x.files) == 0 {
		return nil
	}
	return x.files[len(x.files)-1]
}

// position is behind the newest entry.
func (x *Index) position() mark {
	if f := x.last(); f != nil {
		return mark{f.name, f.header.count}
	}
	return mark{}
}

// usable tells why the index can't take puts.
func (x *Index) usable() error {
	if x.closed {
		return fmt.Errorf("index: %s: %w", x.opt.Dir, ErrClosed)
	}
	return x.broken
}

// fail makes the index refuse puts for good.
func (x *Index) fail(err error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.broken = fmt.Errorf("%w: %w", ErrBroken, err)
	return x.broken
}

// SetEnd tells that every record below logOffset was processed, those without keys included.
func (x *Index) SetEnd(logOffset int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.end = max(x.end, logOffset)
	x.indexed = max(x.indexed, logOffset)
}

// State returns what is durable now.
func (x *Index) State() State {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.durable
}

// Stats describes an index at one moment.
type Stats struct {
	Files      int
	SizeBytes  int64
	Entries    int64 // in all files, the pending ones included
	Pending    int   // entries that are only in memory
	BeginTime  int64 // store time in ms of the oldest entry, 0 if there is none
	EndTime    int64 // store time in ms of the newest entry
	LastOffset int64 // log offset of the newest entry
}

// Stats returns the present numbers.
func (x *Index) Stats() Stats {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := Stats{Files: len(x.files), SizeBytes: int64(len(x.files)) * x.layout.size(), Pending: x.active.len()}
	if x.frozen != nil {
		s.Pending += x.frozen.len()
	}
	for _, f := range x.files {
		s.Entries += int64(f.header.count)
	}
	if f := x.last(); f != nil {
		s.BeginTime = x.files[0].header.beginTime
		s.EndTime, s.LastOffset = f.header.endTime, f.header.endOffset
	}
	return s
}

// Close writes out what is pending and closes the files. State still answers afterwards.
func (x *Index) Close() error {
	x.gate.Lock()
	defer x.gate.Unlock()
	x.flushMu.Lock()
	defer x.flushMu.Unlock()
	x.mu.RLock()
	closed := x.closed
	x.mu.RUnlock()
	if closed {
		return nil
	}
	errs := []error{x.writeOut()}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	for _, f := range x.files {
		errs = append(errs, f.close())
	}
	x.files = nil
	return errors.Join(errs...)
}

// appendFile makes f the last file.
func (x *Index) appendFile(f *file) {
	x.files = append(slices.Clip(x.files), f)
	x.lastName = max(x.lastName, f.name)
}
