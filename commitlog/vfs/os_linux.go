package vfs

import (
	"errors"
	"fmt"

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

func syncVolume(fd int) error { return unix.Syncfs(fd) }

// volumeReliable tells whether syncVolume returns what goes wrong: pages that couldn't be written are reported since Linux
// 5.8, failures of the file system itself (a journal that was aborted) since 5.17, and either by the file systems
// below. One that lies on top of another, as overlayfs, doesn't know of the pages of that.
func volumeReliable(fd int) error {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(fd, &st) }); err != nil {
		return err
	}
	switch uint32(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC:
	default:
		return fmt.Errorf("file system of type %#x: %w", uint32(st.Type), errors.ErrUnsupported)
	}
	var kernel unix.Utsname
	if err := unix.Uname(&kernel); err != nil {
		return err
	}
	release := unix.ByteSliceToString(kernel.Release[:])
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil || major < 5 || major == 5 && minor < 17 {
		return fmt.Errorf("kernel %s, expected 5.17 or later: %w", release, errors.ErrUnsupported)
	}
	return nil
}

// setLock locks byte 0 for an open file description: unlike a POSIX lock it also excludes other descriptors of this
// process and survives their closing, and it conflicts with the POSIX locks that a JVM takes.
func setLock(fd int) error {
	return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Len: 1})
}
