package commitlog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// View is a pinned slice of the log's mapping, made without touching a byte of it. It is fit for writev: the kernel
// answers a page that can't be read with an error. Code that computes over the bytes uses Load instead, unless it
// knows them to be in memory: a page fault stops a whole P of the scheduler.
type View struct {
	b   []byte
	seg *mapped.Segment
}

// Bytes are valid until Release and must not be changed.
func (v View) Bytes() []byte { return v.b }

// Release lets the segment go. It is called once, by whoever holds the view last.
func (v View) Release() {
	if v.seg != nil {
		v.seg.Release()
	}
}

// View pins n bytes at log offset off, which must lie in one segment (as every record does) and be written.
func (l *Log) View(off int64, n int) (View, error) {
	seg, err := l.pin(off, off+int64(n))
	if err != nil {
		return View{}, err
	}
	if off+int64(n) > seg.End() {
		seg.Release()
		return View{}, fmt.Errorf("%w: %d bytes at %d cross the end of segment %s", ErrOutOfRange, n, off, seg.Path())
	}
	return View{b: seg.Bytes(off-seg.Base(), int64(n)), seg: seg}, nil
}

// ViewUpTo pins what is written from off on, at most n bytes and not beyond limit or the end of off's segment.
// The view is empty when off is the limit.
func (l *Log) ViewUpTo(off, limit int64, n int) (View, error) {
	limit = min(limit, l.written.Load())
	if off >= limit || n <= 0 {
		return View{}, nil
	}
	seg, err := l.pin(off, off)
	if err != nil {
		return View{}, err
	}
	hi := min(off+int64(n), limit, seg.End())
	return View{b: seg.Bytes(off-seg.Base(), hi-off), seg: seg}, nil
}

// Load copies len(p) bytes at log offset off, which must lie in one segment and be written. What is in memory comes at once;
// for the rest one of a bounded number of readers waits for the device, in a system call that the scheduler can see.
func (l *Log) Load(p []byte, off int64) error {
	seg, err := l.pin(off, off+int64(len(p)))
	if err != nil {
		return err
	}
	defer seg.Release()
	pos := off - seg.Base()
	if off+int64(len(p)) > seg.End() {
		return fmt.Errorf("%w: %d bytes at %d cross the end of segment %s", ErrOutOfRange, len(p), off, seg.Path())
	}
	if err = seg.ReadResident(p, pos); errors.Is(err, vfs.ErrNotResident) {
		l.coldReads <- struct{}{}
		err = seg.ReadAt(p, pos)
		<-l.coldReads
	}
	if err != nil {
		return fmt.Errorf("commitlog: load at %d: %w", off, err)
	}
	return nil
}

// Record reads and checks the record at log offset off into dst, which grows if need be, and returns it. Errors wrap
// ErrNotBorder where no record begins, and record.ErrDamaged where one does and is not whole; both name segment, offset and reason.
// A wrong CRC property alone is no error.
func (l *Log) Record(off int64, dst []byte) ([]byte, error) {
	dst = slices.Grow(dst[:0], record.MinSize)[:8]
	if err := l.Load(dst, off); err != nil {
		return nil, err
	}
	n, magic := int64(record.Size(dst)), record.Magic(dst)
	rest := min(l.Max(), off-off%l.opts.SegmentSize+l.opts.SegmentSize) - off
	if magic != record.MagicV1 && magic != record.MagicV2 || n < record.MinSize || n > rest {
		return nil, fmt.Errorf("commitlog: segment %s offset %d: %w: size %d and magic %08x are no record's (%d bytes are there)",
			l.SegmentPath(off), off, ErrNotBorder, n, magic, rest)
	}
	dst = slices.Grow(dst[:0], int(n))[:n]
	if err := l.Load(dst, off); err != nil {
		return nil, err
	}
	_, _, err := record.Verify(dst, off, record.Check{BodyCRC: true, RecordCRC: off >= l.opts.CRCPropertyFrom})
	var stale *record.CRCPropertyError
	if err != nil && !errors.As(err, &stale) {
		return nil, fmt.Errorf("commitlog: segment %s: %w", l.SegmentPath(off), err)
	}
	return dst, nil
}

// pin references the segment of off, provided that everything up to end is written.
func (l *Log) pin(off, end int64) (*mapped.Segment, error) {
	if end <= l.written.Load() && end >= off {
		if seg := l.set.Acquire(off); seg != nil {
			return seg, nil
		}
	}
	return nil, fmt.Errorf("%w: [%d,%d), the log holds [%d,%d)", ErrOutOfRange, off, end, l.Min(), l.Max())
}

// VerifyCRCPropertyFrom sets the log offset from which on records are expected to end with a right CRC property.
// It is called before the log is shared.
func (l *Log) VerifyCRCPropertyFrom(off int64) { l.opts.CRCPropertyFrom = off }
