//go:build unix

package vfs

import (
	"errors"
	"os"
)

// Degraded tells, in words for an operator, what the real file system below dir lacks and what that costs. It finds out
// by trying on a file of its own, which it removes.
func Degraded(dir string) (lacks []string, err error) {
	f, err := os.CreateTemp(dir, "probe-*"+TempSuffix)
	if err != nil {
		return nil, opError("probe", dir, err)
	}
	defer func() {
		err = errors.Join(err, opError("probe", f.Name(), f.Close()), opError("probe", f.Name(), os.Remove(f.Name())))
	}()
	fd := int(f.Fd())
	if err := f.Truncate(pageSize); err != nil {
		return nil, opError("probe", f.Name(), err)
	}
	for _, facility := range []struct {
		try  func() error
		lack string
	}{
		{func() error { return reserve(fd, pageSize) },
			"no fallocate: files are not preallocated, a full disk shows only when it is written to"},
		{func() error { return zeroRange(fd, 0, pageSize) },
			"no zeroing of ranges: zeros are written instead"},
		{func() error { return datasync(fd) },
			"no fdatasync: flushes write the file's metadata too"},
		{func() error { return startWriteback(fd, 0, pageSize) },
			"no sync_file_range: writeback is not smoothed, flushes may take longer"},
		{func() error { _, err := readResident(fd, make([]byte, 1), 0); return err },
			"no preadv2 with RWF_NOWAIT: every read that computes over bytes goes through the read pool"},
		{func() error { return volumeReliable(fd) },
			"no syncfs that tells of failures: flushes after thousands of new queues sync each of their files"},
		{func() error { return setLock(fd) },
			"no OFD locks: the store is locked by a POSIX lock, which this process alone keeps from a second locker in it"},
	} {
		// Any other error is not about the facility; whoever uses it will meet it.
		if err := retry(facility.try); unknown(err) || errors.Is(err, errors.ErrUnsupported) {
			lacks = append(lacks, facility.lack)
		}
	}
	return lacks, nil
}
