package commitlog

import (
	"sync"
	"sync/atomic"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// zeroPiece is how many zeros are written and synced at once.
const zeroPiece int64 = 256 << 10

// zeroer keeps the next stretch of the tail segment written with zeros. A write into an unwritten extent makes
// fdatasync convert it, which costs a journal commit; into a block that was written before it doesn't.
//
// Invariant: a piece of zeros is only ever written at or behind upTo, and what is appended only before it:
// an append that reaches beyond upTo moves upTo first.
type zeroer struct {
	log   *Log
	on    bool
	kick  chan struct{}
	piece []byte
	safe  atomic.Int64 // copy of upTo: what lies below can be written without taking mu

	mu   sync.Mutex // guards the rest; held while a piece is written
	seg  *mapped.Segment
	upTo int64

	// The zeros go through a descriptor of their own, which run alone uses. The kernel reports a failed write of dirty
	// pages to each descriptor once: on a shared one, this fdatasync could take the report that the flusher's must see.
	file vfs.File
	of   *mapped.Segment // the segment that file belongs to
}

func (z *zeroer) init(l *Log) {
	z.log = l
	z.on = l.opts.SyncFlush && l.opts.ZeroAhead > 0 && !l.opts.Manual
	z.kick = make(chan struct{}, 1)
	if z.on {
		z.piece = make([]byte, zeroPiece)
	}
}

// enter says that the log goes on at log offset from in seg.
func (z *zeroer) enter(seg *mapped.Segment, from int64) {
	if !z.on {
		return
	}
	z.mu.Lock()
	z.seg = seg
	z.set(from)
	z.mu.Unlock()
	z.wake()
}

// reserve keeps the zeros out of [at, at+n), which is about to be written. The caller holds the append lock.
func (z *zeroer) reserve(at, n int64) {
	if !z.on {
		return
	}
	safe := z.safe.Load()
	if at+n+z.log.opts.ZeroAhead/2 > safe {
		z.wake()
	}
	if at+n <= safe {
		return
	}
	z.mu.Lock()
	if z.upTo < at+n {
		z.set(at + n)
	}
	z.mu.Unlock()
}

func (z *zeroer) set(upTo int64) {
	z.upTo = upTo
	z.safe.Store(upTo)
}

func (z *zeroer) wake() {
	select {
	case z.kick <- struct{}{}:
	default:
	}
}

func (z *zeroer) run() {
	defer z.close()
	for {
		select {
		case <-z.log.quit:
			return
		case <-z.kick:
			for z.step() {
			}
		}
	}
}

// step writes and syncs one piece; false when enough is written, or nothing can be.
// The zeros are synced at once: left dirty, they would be written by the next flush, with somebody waiting.
func (z *zeroer) step() bool {
	more, err := z.writePiece()
	if err != nil {
		// Appends meet the same fault and report it; zeros are only there for speed.
		z.log.opts.Logger.Warn("commit log: zeros ahead of the end", "error", err)
		return false
	}
	if !more {
		return false
	}
	if err := z.file.Datasync(); err != nil {
		_ = z.log.fail(err) // whoever appends or waits gets it
		return false
	}
	return true
}

func (z *zeroer) writePiece() (more bool, err error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.seg == nil || z.log.failed.Load() != nil {
		return false, nil
	}
	n := min(zeroPiece, z.seg.End()-z.upTo)
	if n <= 0 || z.upTo >= z.log.written.Load()+z.log.opts.ZeroAhead {
		return false, nil
	}
	if z.of != z.seg {
		z.close()
		if z.file, err = z.log.opts.FS.Open(z.seg.Path()); err != nil {
			z.file = nil
			return false, err
		}
		z.of = z.seg
	}
	if _, err := z.file.WriteAt(z.piece[:n], z.upTo-z.seg.Base()); err != nil {
		return false, err
	}
	z.set(z.upTo + n)
	return true, nil
}

func (z *zeroer) close() {
	if z.file != nil {
		_ = z.file.Close() // all that counted was synced
	}
	z.file, z.of = nil, nil
}
