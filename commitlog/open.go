package commitlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// ReadSegmentSize, as Options.SegmentSize, takes the size of the segments from the files.
const ReadSegmentSize = -1

// Errors that Open wraps.
var (
	// ErrSegmentSize: a segment file has another length than configured.
	ErrSegmentSize = errors.New("segment file of unexpected length")
	// ErrSegmentMissing: there is a gap between two segment files.
	ErrSegmentMissing = errors.New("segment file missing")
	// ErrSegmentTwice: two directories have a file of the same name.
	ErrSegmentTwice = errors.New("segment file in two directories")
)

// Open opens the log in o.Dirs, finds its end and cuts off what follows the last whole record.
func Open(o Options, s Start) (*Log, Recovery, error) {
	l, rec, err := open(o, s)
	if err == nil && !o.Manual {
		l.start()
	}
	return l, rec, err
}

// open is Open without the goroutines.
func open(o Options, s Start) (*Log, Recovery, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, Recovery{}, err
	}
	l, err := load(o)
	if err != nil {
		return nil, Recovery{}, err
	}
	rec, err := l.recover(s)
	if err != nil {
		l.letGo()
		return nil, Recovery{}, err
	}
	return l, rec, nil
}

// letGo gives the references to all segments back.
func (l *Log) letGo() {
	l.setMu.Lock()
	defer l.setMu.Unlock()
	for _, s := range l.set.DropBack(0) {
		_ = s.Retire(false) // fails only where there is something to remove
	}
}

// found is a segment file in a directory.
type found struct {
	dir      string
	base     int64
	size     int64
	readOnly bool
}

func (f found) path() string { return path.Join(f.dir, mapped.Name(f.base)) }

// load opens all segment files and checks that they are one gapless run of equal files.
func load(o Options) (*Log, error) {
	files, err := list(&o)
	if err != nil {
		return nil, err
	}
	if o.SegmentSize == ReadSegmentSize {
		o.SegmentSize = sizeOf(files)
	}
	if files, err = dropUnfinished(&o, files); err != nil {
		return nil, err
	}
	if err := checkFiles(files, o.SegmentSize); err != nil {
		return nil, fmt.Errorf("commitlog: open: %w", err)
	}
	l := newLog(o)
	for _, f := range files {
		seg, err := mapped.Open(o.FS, f.dir, f.base, f.size, f.readOnly)
		if err != nil {
			l.letGo()
			return nil, fmt.Errorf("commitlog: open: %w", err)
		}
		l.set.Push(seg)
	}
	return l, nil
}

func list(o *Options) ([]found, error) {
	var files []found
	for _, dir := range o.Dirs {
		err := o.FS.MkdirAll(dir)
		if err == nil {
			files, err = appendFiles(files, o.FS, dir, false)
		}
		if err != nil {
			return nil, fmt.Errorf("commitlog: open: %w", err)
		}
	}
	for _, dir := range o.ReadOnlyDirs {
		var err error
		if files, err = appendFiles(files, o.FS, dir, true); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("commitlog: open: %w", err)
		}
	}
	slices.SortFunc(files, func(a, b found) int { return cmp.Compare(a.base, b.base) })
	return files, nil
}

func appendFiles(files []found, fsys vfs.FS, dir string, readOnly bool) ([]found, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return files, err
	}
	for _, e := range entries {
		base, ok := mapped.ParseName(e.Name())
		if !ok || e.IsDir() {
			continue
		}
		info, err := fsys.Stat(path.Join(dir, e.Name()))
		if err != nil {
			return files, err
		}
		files = append(files, found{dir, base, info.Size, readOnly})
	}
	return files, nil
}

// sizeOf is the length of the first file that has one.
func sizeOf(files []found) int64 {
	for _, f := range files {
		if f.size > 0 {
			return f.size
		}
	}
	return DefaultSegmentSize
}

func checkFiles(files []found, size int64) error {
	for i, f := range files {
		switch {
		case f.size != size:
			return fmt.Errorf("%w: %s has %d bytes, mappedFileSizeCommitLog says %d", ErrSegmentSize, f.path(), f.size, size)
		case f.base%size != 0:
			return fmt.Errorf("%w: %s does not start at a multiple of mappedFileSizeCommitLog=%d", ErrSegmentSize, f.path(), size)
		case i == 0:
		case f.base == files[i-1].base:
			return fmt.Errorf("%w: %s and %s", ErrSegmentTwice, files[i-1].path(), f.path())
		case f.base != files[i-1].base+size:
			return fmt.Errorf("%w: %s is followed by %s, expected %s", ErrSegmentMissing,
				mapped.Name(files[i-1].base), f.path(), mapped.Name(files[i-1].base+size))
		}
	}
	return nil
}

// dropUnfinished deletes a last file whose allocation a crash interrupted: it is shorter than those before it, and there is
// nothing in it but zeros. Messages are written only to files that were allocated, synced and named durably.
func dropUnfinished(o *Options, files []found) ([]found, error) {
	if len(files) == 0 {
		return files, nil
	}
	n := len(files) - 1
	last := files[n]
	if last.size >= o.SegmentSize || last.readOnly || n > 0 && files[n-1].size != o.SegmentSize {
		return files, nil
	}
	empty, err := allZero(o.FS, last.path(), last.size)
	if err == nil && empty {
		o.Logger.Warn("commit log: delete an unfinished segment", "file", last.path(), "bytes", last.size)
		if err = o.FS.Remove(last.path()); err == nil {
			err = o.FS.SyncDir(last.dir)
		}
		files = files[:n]
	}
	if err != nil {
		return nil, fmt.Errorf("commitlog: open: %w", err)
	}
	return files, nil
}

func allZero(fsys vfs.FS, name string, size int64) (bool, error) {
	f, err := fsys.OpenReadOnly(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	buf := make([]byte, min(size, 1<<20))
	for at := int64(0); at < size; {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if n == 0 && err != nil {
			return false, err
		}
		for _, b := range buf[:n] {
			if b != 0 {
				return false, nil
			}
		}
		at += int64(n)
	}
	return true, nil
}
