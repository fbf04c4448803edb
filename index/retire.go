package index

import (
	"errors"
	"fmt"
	"path"
	"slices"
)

// Truncate drops the entries of all records at or above logOffset, as the log did. The State afterwards has to be
// kept before the log grows again, for the former one speaks of records that no longer exist.
func (x *Index) Truncate(logOffset int64) error {
	x.gate.Lock()
	defer x.gate.Unlock()
	x.flushMu.Lock()
	defer x.flushMu.Unlock()
	if err := x.writeOut(); err != nil {
		return err
	}
	if x.partial.done > 0 {
		logOffset = min(logOffset, x.partial.logOffset)
	}
	if err := x.truncate(logOffset); err != nil {
		return x.fail(err)
	}
	return nil
}

// truncate needs all entries on disk and all locks but mu, or an index that nobody else knows yet.
func (x *Index) truncate(logOffset int64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	removed := false
	// Newest first: what a crash leaves must be the first files of the sequence.
	for f := x.last(); f != nil && (f.header.count == 0 || f.header.beginOffset >= logOffset); f = x.last() {
		x.files = slices.Clone(x.files[:len(x.files)-1])
		if err := errors.Join(f.close(), x.remove(f)); err != nil {
			return err
		}
		removed = true
	}
	if removed {
		if err := x.opt.FS.SyncDir(x.opt.Dir); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	}
	if f := x.last(); f != nil {
		count, err := f.countBelow(logOffset)
		if err != nil {
			return err
		}
		if err := x.cutLast(count, false); err != nil {
			return err
		}
		if f.slotMap == nil {
			if err := f.mapSlots(); err != nil {
				return err
			}
		}
	}
	x.partial = partialRecord{}
	x.complete = x.position()
	x.end = min(x.end, logOffset)
	x.indexed = min(x.indexed, logOffset)
	x.durable = State{File: x.complete.file, Count: x.complete.count, LogOffset: x.end}
	return nil
}

// cutLast takes back the last file's entries behind the first count, which may be that of the saved State.
func (x *Index) cutLast(count int32, saved bool) error {
	var before *file
	if n := len(x.files); n > 1 {
		before = x.files[n-2]
	}
	return x.last().cut(count, followOn(before), saved)
}

// SetMinLog removes the files that know only records below logOffset, where the log begins now. The last file
// stays, and so does the one that the State names.
func (x *Index) SetMinLog(logOffset int64) error {
	x.gate.Lock()
	x.mu.Lock()
	n := 0
	for n < len(x.files)-1 && x.files[n].name < x.durable.File && x.files[n].header.endOffset < logOffset {
		n++
	}
	gone := x.files[:n]
	x.files = slices.Clone(x.files[n:])
	x.mu.Unlock()
	var errs []error
	for _, f := range gone {
		errs = append(errs, f.close())
	}
	x.gate.Unlock() // no query can reach them any more, and removing a large file takes its time
	if n == 0 {
		return nil
	}
	for _, f := range gone {
		errs = append(errs, x.remove(f))
	}
	if err := x.opt.FS.SyncDir(x.opt.Dir); err != nil {
		errs = append(errs, fmt.Errorf("index: %w", err))
	}
	return errors.Join(errs...)
}

func (x *Index) remove(f *file) error {
	if err := x.opt.FS.Remove(path.Join(x.opt.Dir, f.name)); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}
