package vfs

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// OpKind says what an operation does.
type OpKind string

// The kinds of operation that Fault can make fail.
const (
	OpCreate         OpKind = "create"
	OpOpen           OpKind = "open" // for reading and writing, or for reading alone
	OpRemove         OpKind = "remove"
	OpRemoveAll      OpKind = "removeall"
	OpRename         OpKind = "rename"
	OpMkdir          OpKind = "mkdir"
	OpReadDir        OpKind = "readdir"
	OpStat           OpKind = "stat"
	OpSetModTime     OpKind = "setmodtime"
	OpSyncDir        OpKind = "syncdir"
	OpOpenVolume     OpKind = "openvolume"
	OpSyncVolume     OpKind = "syncvolume"
	OpLock           OpKind = "lock"
	OpUsage          OpKind = "usage"
	OpRead           OpKind = "read"
	OpReadResident   OpKind = "readresident"
	OpWrite          OpKind = "write"
	OpClose          OpKind = "close"
	OpSize           OpKind = "size"
	OpTruncate       OpKind = "truncate"
	OpPreallocate    OpKind = "preallocate"
	OpZeroRange      OpKind = "zerorange"
	OpSync           OpKind = "sync"
	OpDatasync       OpKind = "datasync"
	OpStartWriteback OpKind = "startwriteback"
	OpMap            OpKind = "map"
)

// Changes tells whether the operation may change what the disk holds.
func (k OpKind) Changes() bool {
	switch k {
	case OpOpen, OpOpenVolume, OpReadDir, OpStat, OpUsage, OpRead, OpReadResident, OpClose, OpSize, OpStartWriteback, OpMap:
		return false
	}
	return true
}

// Op is an operation that is about to be done.
type Op struct {
	Kind    OpKind
	Name    string // of the file or directory
	NewName string // OpRename only
	Off     int64  // in the file
	N       int64  // bytes; for OpTruncate, OpPreallocate and OpMap the size asked for
}

// Partial is an error that lets OpWrite write the first N bytes before it fails with Err. To other operations it is just Err.
type Partial struct {
	N   int
	Err error
}

func (p *Partial) Error() string { return p.Err.Error() }
func (p *Partial) Unwrap() error { return p.Err }

// Fault makes operations of fsys fail. Before each one it calls before; if that returns an error, the operation is not
// done and fails with it, wrapped so that it names operation and path. before is called by whoever calls the file
// system, so perhaps concurrently, and without a lock held: it may use fsys itself.
// A close that is made to fail closes all the same. Unmap never fails.
func Fault(fsys FS, before func(Op) error) FS { return &faultFS{fsys, before} }

type faultFS struct {
	fsys   FS
	before func(Op) error
}

func (f *faultFS) fail(op Op) error {
	err := f.before(op)
	var partial *Partial
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotResident):
		return ErrNotResident // as from a real file: it is an answer more than a fault
	case errors.As(err, &partial):
		return &Partial{partial.N, opError(string(op.Kind), op.Name, partial.Err)}
	case op.Kind == OpRename:
		return renameError(op.Name, op.NewName, err)
	}
	return opError(string(op.Kind), op.Name, err)
}

func (f *faultFS) open(kind OpKind, name string, open func(string) (File, error)) (File, error) {
	if err := f.fail(Op{Kind: kind, Name: name}); err != nil {
		return nil, err
	}
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	return &faultFile{file, f}, nil
}

func (f *faultFS) Create(name string) (File, error) { return f.open(OpCreate, name, f.fsys.Create) }

func (f *faultFS) Open(name string) (File, error) { return f.open(OpOpen, name, f.fsys.Open) }

func (f *faultFS) OpenReadOnly(name string) (File, error) {
	return f.open(OpOpen, name, f.fsys.OpenReadOnly)
}

func (f *faultFS) Remove(name string) error {
	if err := f.fail(Op{Kind: OpRemove, Name: name}); err != nil {
		return err
	}
	return f.fsys.Remove(name)
}

func (f *faultFS) RemoveAll(name string) error {
	if err := f.fail(Op{Kind: OpRemoveAll, Name: name}); err != nil {
		return err
	}
	return f.fsys.RemoveAll(name)
}

func (f *faultFS) Rename(oldName, newName string) error {
	if err := f.fail(Op{Kind: OpRename, Name: oldName, NewName: newName}); err != nil {
		return err
	}
	return f.fsys.Rename(oldName, newName)
}

func (f *faultFS) MkdirAll(dir string) error {
	if err := f.fail(Op{Kind: OpMkdir, Name: dir}); err != nil {
		return err
	}
	return f.fsys.MkdirAll(dir)
}

func (f *faultFS) Mkdir(dir string) error {
	if err := f.fail(Op{Kind: OpMkdir, Name: dir}); err != nil {
		return err
	}
	return f.fsys.Mkdir(dir)
}

func (f *faultFS) ReadDir(dir string) ([]fs.DirEntry, error) {
	if err := f.fail(Op{Kind: OpReadDir, Name: dir}); err != nil {
		return nil, err
	}
	return f.fsys.ReadDir(dir)
}

func (f *faultFS) Stat(name string) (Info, error) {
	if err := f.fail(Op{Kind: OpStat, Name: name}); err != nil {
		return Info{}, err
	}
	return f.fsys.Stat(name)
}

func (f *faultFS) SetModTime(name string, t time.Time) error {
	if err := f.fail(Op{Kind: OpSetModTime, Name: name}); err != nil {
		return err
	}
	return f.fsys.SetModTime(name, t)
}

func (f *faultFS) SyncDir(dir string) error {
	if err := f.fail(Op{Kind: OpSyncDir, Name: dir}); err != nil {
		return err
	}
	return f.fsys.SyncDir(dir)
}

func (f *faultFS) Lock(name string, content []byte) (io.Closer, error) {
	if err := f.fail(Op{Kind: OpLock, Name: name, N: int64(len(content))}); err != nil {
		return nil, err
	}
	return f.fsys.Lock(name, content)
}

func (f *faultFS) OpenVolume(dir string) (Volume, error) {
	if err := f.fail(Op{Kind: OpOpenVolume, Name: dir}); err != nil {
		return nil, err
	}
	v, err := f.fsys.OpenVolume(dir)
	if err != nil {
		return nil, err
	}
	return faultVolume{v, f, dir}, nil
}

type faultVolume struct {
	Volume
	fsys *faultFS
	dir  string
}

func (v faultVolume) Sync() error {
	if err := v.fsys.fail(Op{Kind: OpSyncVolume, Name: v.dir}); err != nil {
		return err
	}
	return v.Volume.Sync()
}

func (f *faultFS) Usage(dir string) (Usage, error) {
	if err := f.fail(Op{Kind: OpUsage, Name: dir}); err != nil {
		return Usage{}, err
	}
	return f.fsys.Usage(dir)
}
