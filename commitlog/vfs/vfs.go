package vfs

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// FS is one file system. Names are slash-separated paths. All methods are safe for concurrent use.
// Errors wrap the matching sentinel of package io/fs or of this package, and name the operation and the path.
type FS interface {
	// Create makes a file, or empties the one that is there, and opens it for reading and writing.
	Create(name string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(name string) (File, error)
	// OpenReadOnly opens an existing file for reading.
	OpenReadOnly(name string) (File, error)
	// Remove deletes a file or an empty directory.
	Remove(name string) error
	// RemoveAll deletes a tree; it is no error when there is none.
	RemoveAll(name string) error
	// Rename moves a file over newName atomically. It is durable after SyncDir of the directories.
	Rename(oldName, newName string) error
	// MkdirAll makes a directory and its parents, and syncs the parents of those it made.
	MkdirAll(dir string) error
	// Mkdir makes a directory; it is no error when it is there. It is durable after SyncDir of the parent.
	Mkdir(dir string) error
	// ReadDir lists a directory, sorted by name.
	ReadDir(dir string) ([]fs.DirEntry, error)
	// Stat describes a file or directory.
	Stat(name string) (Info, error)
	// SetModTime sets a file's modification time (retention goes by it).
	SetModTime(name string, t time.Time) error
	// SyncDir makes the entries of a directory (created, renamed, removed names) durable.
	SyncDir(dir string) error
	// Lock takes an exclusive lock on byte 0 of a file, which it creates if need be, and writes content
	// into it. The lock excludes other processes (a Java broker included) and other Locks of this one;
	// closing it lets go. It fails with ErrLocked when somebody else has it.
	Lock(name string, content []byte) (io.Closer, error)
	// OpenVolume opens the file system that dir lies on, to sync it as a whole. Where it can't do that, or can't be
	// relied upon to tell of failures, the error is errors.ErrUnsupported.
	OpenVolume(dir string) (Volume, error)
	// Usage tells how full the disk below dir is.
	Usage(dir string) (Usage, error)
}

// File is an open file. ReadAt, WriteAt and the sync calls are safe for concurrent use.
type File interface {
	io.ReaderAt // as pread: io.EOF at the end of the file
	io.WriterAt // as pwrite: extends the file
	io.Closer

	Name() string
	// Size is the file's length in bytes.
	Size() (int64, error)
	// Truncate sets the length. Growing makes a hole that reads as zeros.
	Truncate(size int64) error
	// Preallocate makes the file size bytes long (if it is shorter) with its blocks reserved, so that later writes
	// below size cannot meet a full disk. The new bytes read as zeros. Where the file system cannot reserve, it only grows the file.
	Preallocate(size int64) error
	// ZeroRange makes n bytes at off read as zeros and keeps their blocks reserved.
	ZeroRange(off, n int64) error
	// Sync makes content and all metadata durable (fsync).
	Sync() error
	// Datasync makes content, and the metadata needed to read it, durable (fdatasync).
	Datasync() error
	// StartWriteback asks that dirty pages in the range be written soon. A hint: it waits for nothing and syncs nothing.
	StartWriteback(off, n int64) error
	// ReadResident is ReadAt if the whole range lies in memory; otherwise it fails at once with ErrNotResident.
	ReadResident(p []byte, off int64) (int, error)
	// Map maps the first size bytes for reading. Later WriteAts show in the mapping. size must not exceed the file's.
	Map(size int64) ([]byte, error)
	// Unmap releases a slice that Map returned.
	Unmap(b []byte) error
}

// Volume is a file system to be synced as a whole: for thousands of new files that takes a fraction of what syncing each of
// them and their directories does. What is mounted below its directory doesn't belong to it.
type Volume interface {
	// Sync makes everything durable that was done on the file system before the call, by whoever: contents, sizes, names.
	// It also fails for what could not be written since the volume was opened; as with File.Sync, the kernel may have dropped that.
	Sync() error
	io.Closer
}

// Info describes a file or directory.
type Info struct {
	Size    int64 // bytes
	ModTime time.Time
	Dir     bool
}

// Usage is the space of a disk in bytes, as df counts it: blocks that are reserved for root are neither used nor available.
type Usage struct {
	Used, Available int64
}

// Ratio is the used share, 0 … 1: used/(used+available).
func (u Usage) Ratio() float64 {
	if u.Used+u.Available <= 0 {
		return 0
	}
	return float64(u.Used) / float64(u.Used+u.Available)
}

// Sentinel errors, to be tested with errors.Is.
var (
	ErrNotResident = errors.New("not in memory")
	ErrLocked      = errors.New("locked by another process")
	// ErrFull is a full disk or an exhausted quota (ENOSPC, EDQUOT).
	ErrFull = errors.New("no space left on device")
	// ErrIO is a failing device (EIO).
	ErrIO = errors.New("input/output error")
	// ErrDamaged is content that its reader does not accept.
	ErrDamaged = errors.New("damaged")
)
