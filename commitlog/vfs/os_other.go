//go:build unix && !linux

package vfs

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Everything here answers that the platform doesn't know it; the callers then take the portable way.

func reserve(int, int64) error { return unix.ENOSYS }

func zeroRange(int, int64, int64) error { return unix.ENOSYS }

func datasync(int) error { return unix.ENOSYS }

func startWriteback(int, int64, int64) error { return unix.ENOSYS }

func readResident(int, []byte, int64) (int, error) { return 0, unix.ENOSYS }

func syncVolume(int) error { return unix.ENOSYS }

func volumeReliable(int) error { return errors.ErrUnsupported }

func setLock(int) error { return unix.ENOSYS }
