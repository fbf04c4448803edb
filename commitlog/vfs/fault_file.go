package vfs

import "errors"

// faultFile is an open file of a faultFS. What it doesn't override (Name, Unmap) can't be made to fail.
type faultFile struct {
	File
	fsys *faultFS
}

func (f *faultFile) fail(kind OpKind, off, n int64) error {
	return f.fsys.fail(Op{Kind: kind, Name: f.Name(), Off: off, N: n})
}

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fail(OpRead, off, int64(len(p))); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *faultFile) ReadResident(p []byte, off int64) (int, error) {
	if err := f.fail(OpReadResident, off, int64(len(p))); err != nil {
		return 0, err
	}
	return f.File.ReadResident(p, off)
}

func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	err := f.fail(OpWrite, off, int64(len(p)))
	if err == nil {
		return f.File.WriteAt(p, off)
	}
	var partial *Partial
	if !errors.As(err, &partial) {
		return 0, err
	}
	n, writeErr := f.File.WriteAt(p[:min(partial.N, len(p))], off)
	return n, errors.Join(partial.Err, writeErr)
}

func (f *faultFile) Close() error {
	return errors.Join(f.fail(OpClose, 0, 0), f.File.Close())
}

func (f *faultFile) Size() (int64, error) {
	if err := f.fail(OpSize, 0, 0); err != nil {
		return 0, err
	}
	return f.File.Size()
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.fail(OpTruncate, 0, size); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultFile) Preallocate(size int64) error {
	if err := f.fail(OpPreallocate, 0, size); err != nil {
		return err
	}
	return f.File.Preallocate(size)
}

func (f *faultFile) ZeroRange(off, n int64) error {
	if err := f.fail(OpZeroRange, off, n); err != nil {
		return err
	}
	return f.File.ZeroRange(off, n)
}

func (f *faultFile) Sync() error {
	if err := f.fail(OpSync, 0, 0); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultFile) Datasync() error {
	if err := f.fail(OpDatasync, 0, 0); err != nil {
		return err
	}
	return f.File.Datasync()
}

func (f *faultFile) StartWriteback(off, n int64) error {
	if err := f.fail(OpStartWriteback, off, n); err != nil {
		return err
	}
	return f.File.StartWriteback(off, n)
}

func (f *faultFile) Map(size int64) ([]byte, error) {
	if err := f.fail(OpMap, 0, size); err != nil {
		return nil, err
	}
	return f.File.Map(size)
}
