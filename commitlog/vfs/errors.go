package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// conditionError is a system error that also answers to a sentinel of this package, so that callers branch on the
// sentinel while the errno stays visible.
type conditionError struct {
	sentinel error
	cause    error
}

func (e *conditionError) Error() string   { return e.cause.Error() }
func (e *conditionError) Unwrap() []error { return []error{e.sentinel, e.cause} }

// classify attaches the sentinel that matches err's errno, if there is one.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &conditionError{ErrFull, err}
	case errors.Is(err, syscall.EIO):
		return &conditionError{ErrIO, err}
	}
	return err
}

// opError names operation and path, and classifies the cause. io.EOF must not come here: callers compare it with ==.
func opError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	// Package os has often named them already: keep its cause only, so that they don't appear twice.
	if pe, ok := err.(*fs.PathError); ok {
		err = pe.Err
	}
	if se, ok := err.(*os.SyscallError); ok {
		err = se.Err
	}
	return &fs.PathError{Op: op, Path: name, Err: classify(err)}
}

func renameError(oldName, newName string, err error) error {
	if err == nil {
		return nil
	}
	if le, ok := err.(*os.LinkError); ok {
		err = le.Err
	}
	return &os.LinkError{Op: "rename", Old: oldName, New: newName, Err: classify(err)}
}

// errnoOf digs out the system error of an error that opError made, or is err itself.
func errnoOf(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}
