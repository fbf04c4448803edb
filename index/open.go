package index

import (
	"errors"
	"fmt"
	"path"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// Open opens the index of a directory. saved is the State that the owner kept, zero if there is none; clean tells that
// whoever wrote the directory last stopped in order.
//
// With a State, everything behind it is dropped: it comes again when the log is followed from State().LogOffset on. Without one
// the files are RocketMQ's, which keeps nothing like it: they are trusted after a clean stop, otherwise the last one
// is dropped and the others are verified. A file that is missing or damaged takes those after it along, and State() tells how far
// back the log must be read; LogOffset is 0 if nothing is left.
//
// A file of another length than Options give is an error that wraps ErrFileSize, and nothing is dropped: slots and
// entries can't be told from the length alone.
func Open(o Options, saved State, clean bool) (*Index, error) {
	o = o.withDefaults()
	l, err := newLayout(o.Slots, o.Entries)
	if err != nil {
		return nil, err
	}
	x := &Index{opt: o, layout: l, active: new(pending), spare: new(pending)}
	x.scratch.New = func() any { return new([entrySize]byte) }
	if err := x.recover(saved, clean); err != nil {
		for _, f := range x.files {
			err = errors.Join(err, f.close())
		}
		return nil, err
	}
	return x, nil
}

func (x *Index) recover(saved State, clean bool) error {
	if err := x.opt.FS.MkdirAll(x.opt.Dir); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	names, err := x.list()
	if err != nil {
		return err
	}
	keep, reason := len(names), ""
	switch {
	case saved != State{}:
		for keep > 0 && names[keep-1] > saved.File {
			keep--
		}
		reason = "newer than the saved state"
	case !clean && keep > 0:
		keep--
		reason = "being written when the store stopped, and no state was saved"
	}
	if err := x.load(names[:keep], saved == State{} && !clean); err != nil {
		return err
	}
	if err := x.drop(names[keep:], reason); err != nil {
		return err
	}
	last := x.last()
	switch {
	case last != nil && last.name == saved.File && last.header.count >= saved.Count:
		err = x.resume(saved, clean)
	case last == nil && saved.File == "":
		x.end, x.indexed = saved.LogOffset, saved.LogOffset
	case last != nil && clean && saved == State{}:
		err = x.trust()
	default:
		// The last record may lack entries that were in the part that is gone: it is put again.
		lost, _ := x.lastRecord()
		x.opt.Logger.Warn("index: the saved state is gone, the index is built again from the log",
			"dir", x.opt.Dir, "savedFile", saved.File, "savedCount", saved.Count, "from", lost)
		x.end, x.indexed = lost, lost
		err = x.truncate(lost)
	}
	if err != nil {
		return err
	}
	if f := x.last(); f != nil && f.slotMap == nil {
		if err := f.mapSlots(); err != nil {
			return err
		}
	}
	x.complete = x.position()
	x.durable = State{File: x.complete.file, Count: x.complete.count, LogOffset: x.end}
	return nil
}

// resume goes on from a State that fits the last file.
func (x *Index) resume(saved State, clean bool) error {
	f := x.last()
	if (!clean || f.header.count != saved.Count) && !seeded.Is(seeded.IndexNotCut) {
		if err := x.cutLast(saved.Count, true); err != nil {
			return err
		}
	}
	x.end, x.indexed = saved.LogOffset, saved.LogOffset
	if last, ok := x.lastRecord(); ok {
		x.indexed = max(x.indexed, last+1)
	}
	return nil
}

// trust takes the files as they are. RocketMQ stops cleanly only behind a whole record, whose start is all that its header
// tells: the log is followed from there, and the record itself is known already.
func (x *Index) trust() error {
	for _, f := range x.files {
		if err := f.f.Datasync(); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	}
	if last, ok := x.lastRecord(); ok {
		x.end, x.indexed = last, last+1
	}
	return nil
}

// lastRecord is the log offset of the last record that has entries, if one has.
func (x *Index) lastRecord() (logOffset int64, ok bool) {
	for i := len(x.files) - 1; i >= 0; i-- {
		if h := &x.files[i].header; h.count > 0 {
			return h.endOffset, true
		}
	}
	return 0, false
}

// load opens files. The first that is damaged is dropped, and those behind it too.
func (x *Index) load(names []string, verify bool) error {
	for i, name := range names {
		f, err := openFile(x.opt.FS, x.opt.Dir, name, x.layout)
		if err == nil && verify {
			if err = f.verify(f.header.count); err != nil {
				err = errors.Join(err, f.close())
			}
		}
		if errors.Is(err, errDamaged) {
			return x.drop(names[i:], err.Error())
		}
		if err != nil {
			return err
		}
		x.appendFile(f)
	}
	return nil
}

// list returns the names of the index files in order. A last one of length 0 is left from a creation that did not
// get further, and is removed.
func (x *Index) list() ([]string, error) {
	entries, err := x.opt.FS.ReadDir(x.opt.Dir)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !isFileName(e.Name()) || e.IsDir() {
			x.opt.Logger.Warn("index: not an index file, ignored", "dir", x.opt.Dir, "name", e.Name())
			continue
		}
		names = append(names, e.Name())
	}
	if len(names) == 0 {
		return nil, nil
	}
	last := names[len(names)-1]
	x.lastName = last
	info, err := x.opt.FS.Stat(path.Join(x.opt.Dir, last))
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	if info.Size == 0 {
		if err := x.drop(names[len(names)-1:], "empty"); err != nil {
			return nil, err
		}
		names = names[:len(names)-1]
	}
	return names, nil
}

// drop removes files, newest first, so that a crash meanwhile leaves the first ones of the sequence.
func (x *Index) drop(names []string, reason string) error {
	if len(names) == 0 {
		return nil
	}
	for i := len(names) - 1; i >= 0; i-- {
		x.opt.Logger.Warn("index: file dropped, its entries come again from the log", "dir", x.opt.Dir, "file", names[i], "reason", reason)
		if err := x.opt.FS.Remove(path.Join(x.opt.Dir, names[i])); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	}
	if err := x.opt.FS.SyncDir(x.opt.Dir); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}
