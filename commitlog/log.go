package commitlog

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Defaults of Options, those of RocketMQ 5.5 where it has them.
const (
	DefaultSegmentSize    = 1 << 30
	DefaultFlushInterval  = 500 * time.Millisecond
	DefaultMaxMessageSize = 4 << 20
	DefaultWritebackStep  = 8 << 20
	DefaultGather         = 10 * time.Millisecond
)

// maxSegmentSize is set by the size of a blank record, which has 31 bits.
const maxSegmentSize = math.MaxInt32

// maxColdReads is how many loads may wait for the device at once.
const maxColdReads = 16

// Errors that callers branch on.
var (
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("commitlog: closed")
	// ErrFailed: an fdatasync failed. The kernel may have dropped the pages, so nothing is written until the log is opened and recovered anew.
	ErrFailed = errors.New("commitlog: a flush failed, the log takes no more messages until it is reopened")
	// ErrRefused: the owner has told the log to take no messages (SetRefuse), a disk that is too full for example.
	ErrRefused = errors.New("commitlog: writes are refused")
	// ErrTooLarge: a message over MaxMessageSize, or one that no segment can hold.
	ErrTooLarge = errors.New("commitlog: message too large")
	// ErrOutOfRange: an offset that the log does not hold (any more, or yet).
	ErrOutOfRange = errors.New("commitlog: offset out of range")
	// ErrNotBorder: an offset that is not the start of a record.
	ErrNotBorder = errors.New("commitlog: not a record border")
	// ErrFlushTimeout: flush or replication did not come in time; the message is in the log all the same.
	ErrFlushTimeout = errors.New("commitlog: flush timed out")
	// ErrTruncated: the log was cut back before the message that somebody waited for.
	ErrTruncated = errors.New("commitlog: message cut off")
	// ErrOptions: the log can't be opened with these options.
	ErrOptions = errors.New("commitlog: bad options")
)

// Options configure a Log. The zero value of a field means its default.
type Options struct {
	FS vfs.FS
	// Dirs are the directories of the segments. A new segment goes to Dirs[(base/SegmentSize) mod len(Dirs)].
	Dirs []string
	// ReadOnlyDirs hold older segments and get no new ones.
	ReadOnlyDirs []string
	// SegmentSize is the length of each file in bytes. ReadSegmentSize takes it from the files that are there.
	SegmentSize int64
	// SyncFlush makes a message visible, and acknowledged, when it has reached the disk.
	SyncFlush bool
	// FlushInterval is how often an asynchronous log is synced, WritebackStep after how many bytes the kernel
	// is asked to start writing in between.
	FlushInterval time.Duration
	WritebackStep int64
	// Gather is the longest time for which a synchronous flush waits for the writers that it expects; it doesn't wait for longer
	// than half of what a flush takes in any case.
	Gather time.Duration
	// ZeroAhead is how many bytes ahead of the end a synchronous log keeps written with zeros, so that fdatasync
	// need not convert unwritten extents. 0 switches it off. An asynchronous log doesn't.
	ZeroAhead int64
	// MaxMessageSize limits a body, and with 64 KiB more a record.
	MaxMessageSize int
	// CRCProperty makes every record end with the checksum of the whole record.
	CRCProperty bool
	// CRCPropertyFrom is the log offset from which on all records end with it; below, it is not verified.
	CRCPropertyFrom int64
	// Manual starts no goroutines: what is appended is flushed when the owner calls Flush, segments are made ahead when it calls
	// AllocateAhead, deadlines don't pass and ZeroAhead has no effect. It is for simulations, which must be repeatable.
	Manual bool
	Now    func() time.Time
	Logger *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	o.SegmentSize = cmp.Or(o.SegmentSize, DefaultSegmentSize)
	o.FlushInterval = cmp.Or(o.FlushInterval, DefaultFlushInterval)
	o.WritebackStep = cmp.Or(o.WritebackStep, DefaultWritebackStep)
	o.Gather = cmp.Or(o.Gather, DefaultGather)
	o.MaxMessageSize = cmp.Or(o.MaxMessageSize, DefaultMaxMessageSize)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case o.FS == nil:
		return o, fmt.Errorf("%w: no file system", ErrOptions)
	case len(o.Dirs) == 0:
		return o, fmt.Errorf("%w: no directory for segments", ErrOptions)
	case o.SegmentSize != ReadSegmentSize && (o.SegmentSize < record.BlankSize || o.SegmentSize > maxSegmentSize):
		return o, fmt.Errorf("%w: segments of %d bytes, %d to %d are possible", ErrOptions, o.SegmentSize, record.BlankSize, maxSegmentSize)
	case o.FlushInterval < 0 || o.WritebackStep < 0 || o.Gather < 0 || o.ZeroAhead < 0 || o.MaxMessageSize < 0:
		return o, fmt.Errorf("%w: a negative interval or size", ErrOptions)
	}
	return o, nil
}

// Log is an append-only log of message records in segment files. All methods are safe for concurrent use
// unless they say otherwise. See the package comment for the format, the order of events and the invariants.
type Log struct {
	opts Options
	set  mapped.Set

	// mu is the append lock. It guards the fields below it, the numbering that an Assigner does, and every change of set but
	// retention's. Locks are taken in the order mu, flushing, retiring, setMu.
	mu   sync.Mutex
	end  int64           // log offset of the next record; what lies below is written or was before the last roll
	tail *mapped.Segment // the segment that holds end; nil before the first append to an empty log
	torn int64           // what a write that failed may have left lies in [end, torn); nothing does if torn ≤ end

	flushing sync.Mutex // one flush at a time
	retiring sync.Mutex // one change at a time that takes segments away
	setMu    sync.Mutex // serialises the changes of set

	written    atomic.Int64 // published end: everything below may be read
	flushed    atomic.Int64 // everything below survives a power loss
	replicated atomic.Int64 // everything below is held by as many replicas as is asked for; MaxInt64 without replication
	storedAt   atomic.Int64 // store timestamp (ms) of the newest message; moves after written
	flushedAt  atomic.Int64 // store timestamp (ms) of the newest message that is flushed

	roomy   atomic.Pointer[[]string] // the directories for new segments; nil: all
	refuse  atomic.Pointer[error]    // why the owner wants no messages
	failed  atomic.Pointer[error]    // why the log takes none until it is reopened
	closed  atomic.Bool              // takes no messages any more
	drained atomic.Bool              // and flushed the last of them

	coldReads chan struct{} // slots for reads that wait for the device

	ahead          allocator
	zero           zeroer
	flushWaiters   waitList // those that need Flushed
	confirmWaiters waitList // those that need Confirmed
	gatherer       gatherer
	signals        signals
	stats          counters
	writebackFrom  atomic.Int64 // log offset up to which writeback was started

	kick  chan struct{} // something to flush, or to start writing back
	moved chan struct{} // a synchronous flush has ended, and the next one has begun
	quit  chan struct{}
	wg    sync.WaitGroup // flusher, teller, allocator, zeroer, watchdog
}

func newLog(o Options) *Log {
	l := &Log{opts: o, kick: make(chan struct{}, 1), moved: make(chan struct{}, 1), quit: make(chan struct{}),
		coldReads: make(chan struct{}, maxColdReads)}
	l.replicated.Store(math.MaxInt64)
	l.flushWaiters.init()
	l.confirmWaiters.init()
	l.ahead.init(l)
	l.zero.init(l)
	l.gatherer.init()
	return l
}

// start runs the log's goroutines. They end with Close, which waits for them; what goes wrong in them
// reaches the callers through fail.
func (l *Log) start() {
	l.wg.Go(l.ahead.run)
	l.wg.Go(l.watchdog)
	if l.opts.SyncFlush {
		l.wg.Go(l.syncFlusher)
		l.wg.Go(l.teller)
		if l.opts.ZeroAhead > 0 {
			l.wg.Go(l.zero.run)
		}
	} else {
		l.wg.Go(l.asyncFlusher)
	}
}

// Min is the log offset of the oldest record kept; in an empty log it is Max.
func (l *Log) Min() int64 {
	if s := l.set.First(); s != nil {
		return s.Base()
	}
	return l.Max()
}

// Max is the log offset behind the newest record that may be read.
func (l *Log) Max() int64 { return l.written.Load() }

// Flushed is the log offset below which everything survives a power loss.
func (l *Log) Flushed() int64 { return l.flushed.Load() }

// FlushedAt is the store timestamp, in ms, of the newest message below Flushed as far as Append stored it; 0 when no
// such message was flushed since the log was opened.
func (l *Log) FlushedAt() int64 { return l.flushedAt.Load() }

// Confirmed is the log offset below which messages may be seen: the flushed end of a synchronous log, the
// written end of another, and no more than what is replicated.
func (l *Log) Confirmed() int64 {
	c := l.written.Load()
	if l.opts.SyncFlush {
		c = l.flushed.Load()
	}
	return min(c, l.replicated.Load())
}

// SetReplicated says that everything below upTo is held by as many replicas as is asked for.
// A log whose owner never calls it has no replication.
func (l *Log) SetReplicated(upTo int64) {
	l.replicated.Store(upTo)
	l.advanced()
}

// SetRefuse makes Append fail with an error that wraps ErrRefused and why, until it is called with nil.
func (l *Log) SetRefuse(why error) {
	if why == nil {
		l.refuse.Store(nil)
		return
	}
	err := fmt.Errorf("%w: %w", ErrRefused, why)
	l.refuse.Store(&err)
}

// Err tells why the log takes no messages at present; nil when it does.
func (l *Log) Err() error {
	if l.closed.Load() {
		return ErrClosed
	}
	if p := l.failed.Load(); p != nil {
		return *p
	}
	if p := l.refuse.Load(); p != nil {
		return *p
	}
	return nil
}

// SegmentSize is the length of each segment file in bytes.
func (l *Log) SegmentSize() int64 { return l.opts.SegmentSize }

// fail makes the failure of a flush final, and returns the error that everybody gets from now on.
func (l *Log) fail(cause error) error {
	err := l.setFailed(cause)
	l.completeAll(err)
	return err
}

// setFailed is fail under a lock, where waiters can't be called: release follows.
func (l *Log) setFailed(cause error) error {
	err := fmt.Errorf("%w: %w", ErrFailed, cause)
	if l.failed.CompareAndSwap(nil, &err) {
		l.opts.Logger.Error("commit log failed", "error", cause, "flushed", l.Flushed(), "written", l.Max())
	}
	return *l.failed.Load()
}

// release ends all waits if the log has failed.
func (l *Log) release() {
	if p := l.failed.Load(); p != nil {
		l.completeAll(*p)
	}
}

// Close flushes what was appended, completes all waiters and lets go of the files; views stay valid until they are
// released. A segment that was allocated ahead and never used is deleted, as the peer does. Appends that come later fail
// with ErrClosed. An error means that the log was not left in the state that Start.Clean speaks of.
func (l *Log) Close() error {
	if !l.closed.CompareAndSwap(false, true) {
		return ErrClosed
	}
	l.mu.Lock() // waits for the append under way; later ones see closed
	err := l.wipe()
	l.mu.Unlock()
	close(l.quit)
	l.wg.Wait()
	err = errors.Join(err, l.flush())
	l.settle() // what the teller was to do
	l.drained.Store(true)
	l.completeAll(ErrClosed)
	err = errors.Join(err, l.ahead.discard())
	l.retiring.Lock()
	defer l.retiring.Unlock()
	l.letGo()
	return err
}

// dirFor is the directory of the segment that starts at base.
func (l *Log) dirFor(base int64) string {
	dirs := l.opts.Dirs
	if p := l.roomy.Load(); p != nil {
		dirs = *p
	}
	return dirs[int(base/l.opts.SegmentSize)%len(dirs)]
}

// SegmentPath is the file that holds, or will hold, log offset off.
func (l *Log) SegmentPath(off int64) string {
	for _, s := range l.set.All() {
		if off >= s.Base() && off < s.End() {
			return s.Path()
		}
	}
	base := off - off%l.opts.SegmentSize
	return path.Join(l.dirFor(base), mapped.Name(base))
}
