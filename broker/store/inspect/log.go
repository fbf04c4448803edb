package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Log is the commit log of a store, open for reading.
type Log struct {
	segs    []segment
	crcFrom int64 // log offset from which on CRC properties are checked
}

type segment struct {
	path string
	base int64
	file vfs.File
	data []byte
}

func (s *segment) end() int64 { return s.base + int64(len(s.data)) }

// OpenLog opens the segments in the directories. CRC properties are checked in records from crcFrom on.
func OpenLog(fsys vfs.FS, dirs []string, crcFrom int64) (*Log, error) {
	l := &Log{crcFrom: crcFrom}
	for _, dir := range dirs {
		if err := l.openDir(fsys, dir); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	slices.SortFunc(l.segs, func(a, b segment) int {
		switch {
		case a.base < b.base:
			return -1
		case a.base > b.base:
			return 1
		}
		return 0
	})
	return l, nil
}

func (l *Log) openDir(fsys vfs.FS, dir string) error {
	entries, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("inspect: %w", err)
	}
	for _, e := range entries {
		base, ok := mapped.ParseName(e.Name())
		if !ok || e.IsDir() {
			continue
		}
		name := path.Join(dir, e.Name())
		f, err := fsys.OpenReadOnly(name)
		if err != nil {
			return fmt.Errorf("inspect: %w", err)
		}
		s := segment{path: name, base: base, file: f}
		size, err := f.Size()
		if err == nil && size > 0 {
			s.data, err = f.Map(size)
		}
		if err != nil {
			f.Close()
			return fmt.Errorf("inspect: %s: %w", name, err)
		}
		l.segs = append(l.segs, s)
	}
	return nil
}

// Close lets go of the files.
func (l *Log) Close() error {
	var errs []error
	for _, s := range l.segs {
		if s.data != nil {
			errs = append(errs, s.file.Unmap(s.data))
		}
		errs = append(errs, s.file.Close())
	}
	return errors.Join(errs...)
}

// Min is the log offset of the first segment.
func (l *Log) Min() int64 {
	if len(l.segs) == 0 {
		return 0
	}
	return l.segs[0].base
}

// Size is the length of all segment files in bytes.
func (l *Log) Size() (n int64) {
	for i := range l.segs {
		n += int64(len(l.segs[i].data))
	}
	return n
}

// Found is a record of the log. Its slices alias the log and are valid until the next one.
type Found struct {
	Offset int64
	Segment,
	Warning string // a CRC property that is wrong in a record that is right otherwise
	record.Record
}

// End is where a log ends, and why.
type End struct {
	Offset int64  `json:"offset"`
	Reason string `json:"reason"` // "" where simply nothing was written any more
}

// Scan visits every whole record from log offset from (a record border) on, checks its sums, and tells where the log
// ends. progress, if not nil, hears of the bytes read so far.
func (l *Log) Scan(from int64, visit func(*Found) error, progress func(done int64)) (End, error) {
	at := max(from, l.Min())
	var f Found
	for i := range l.segs {
		s := &l.segs[i]
		if i > 0 && s.base != l.segs[i-1].end() {
			return End{at, fmt.Sprintf("segment %s is missing before %s", mapped.Name(l.segs[i-1].end()), s.path)}, nil
		}
		for at < s.end() {
			b := s.data[at-s.base:]
			n, kind, err := record.Verify(b, at, record.Check{BodyCRC: true, RecordCRC: at >= l.crcFrom})
			var stale *record.CRCPropertyError
			f.Warning = ""
			if errors.As(err, &stale) {
				f.Warning, err = stale.Error(), nil
			}
			if err != nil {
				return End{at, fmt.Sprintf("segment %s: %v", s.path, err)}, nil
			}
			if n == 0 {
				end := End{Offset: at}
				if behind := l.writtenBehind(at); behind != "" {
					end.Reason = fmt.Sprintf("segment %s: nothing is written at %d, and something is in %s", s.path, at-s.base, behind)
				}
				return end, nil
			}
			if kind == record.Message {
				f.Offset, f.Segment = at, s.path
				if err := record.Decode(b, &f.Record); err != nil {
					return End{at, err.Error()}, nil
				}
				if err := visit(&f); err != nil {
					return End{Offset: at}, err
				}
			}
			at += int64(n)
			if progress != nil {
				progress(at - l.Min())
			}
		}
	}
	return End{Offset: at}, nil
}

// writtenBehind is the first segment behind the one with log offset at that has something in it, "" if there is none.
func (l *Log) writtenBehind(at int64) string {
	for i := range l.segs {
		s := &l.segs[i]
		if head := s.data[:min(len(s.data), record.BlankSize)]; s.base > at && len(bytes.Trim(head, "\x00")) > 0 {
			return s.path
		}
	}
	return ""
}

// at decodes the record at a log offset, with no sums checked.
func (l *Log) at(off int64, r *record.Record) error {
	for i := range l.segs {
		if s := &l.segs[i]; off >= s.base && off < s.end() {
			return record.Decode(s.data[off-s.base:], r)
		}
	}
	return fmt.Errorf("log offset %d is outside of the log", off)
}
