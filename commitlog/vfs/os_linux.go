package vfs

import (
	"golang.org/x/sys/unix"
)

// The facilities that only Linux has. Each answers ENOSYS or EOPNOTSUPP where kernel or file system doesn't know it,
// and its caller in osFile then takes the portable way.

func reserve(fd int, size int64) error { return unix.Fallocate(fd, 0, 0, size) }

func zeroRange(fd int, off, n int64) error {
	return unix.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE, off, n)
}

func datasync(fd int) error { return unix.Fdatasync(fd) }

func startWriteback(fd int, off, n int64) error {
	return unix.SyncFileRange(fd, off, n, unix.SYNC_FILE_RANGE_WRITE)
}

func readResident(fd int, p []byte, off int64) (int, error) {
	return unix.Preadv2(fd, [][]byte{p}, off, unix.RWF_NOWAIT)
}

// setLock locks byte 0 for an open file description: unlike a POSIX lock it also excludes other descriptors of this
// process and survives their closing, and it conflicts with the POSIX locks that a JVM takes.
func setLock(fd int) error {
	return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Len: 1})
}
