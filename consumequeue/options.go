package consumequeue

import (
	"fmt"
	"log/slog"
	"math"
	"strings"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Options say how to open a Store or a BatchStore.
type Options struct {
	FS  vfs.FS
	Dir string // the directory of the topics' directories; made with the first Flush
	// FileSize is the size of a queue file in bytes, rounded up to whole units. 0 means 300,000 units.
	FileSize int64
	// MaxOpenFiles bounds the descriptors that the store holds at any moment. 0 means 1024.
	MaxOpenFiles int
	// SyncTogetherFrom is the number of changed queues from which on a flush syncs the file system that they are on as a
	// whole, if that can do so reliably, instead of file after file. 0 means 256.
	SyncTogetherFrom int
	// Clean says that the last stop was orderly: files are trusted, and read when their queue is first used.
	// Otherwise Open reads the end of every queue and cuts what may not have survived.
	Clean bool
	// DurableTo is the log offset up to which units were durable, as the owner noted after the last Flush (0 if it never
	// did). Unless Clean, units that point at or beyond it are dropped: the owner appends them again.
	DurableTo int64
	// LogEnd is where the log ends. Units that point at or beyond it are dropped. 0 means not known.
	LogEnd int64
	// MinLog is where the log begins. Units below it can't be had from the log again and are kept.
	MinLog int64
	// Holds tells whether the log has the message of that queue offset in a record at logOffset, MinLog ≤ logOffset <
	// LogEnd. It is asked in the rare case that a unit can't be told from a torn one by itself. Without it, such a queue
	// is rebuilt from the log.
	Holds func(topic string, id int32, queueOffset, logOffset int64) bool
	// Bounds is the file of the durable table of next offsets. "" means Dir + ".bounds".
	Bounds string
	Logger *slog.Logger // nil means none
}

// Lost names a queue of which units are missing that the log before DurableTo may still have.
type Lost struct {
	Topic   string
	QueueID int32
	Err     error // what was found
}

// Stats is the size of a store at one moment.
type Stats struct {
	Queues      int   // known, on disk or not
	DirtyQueues int   // with something that isn't durable yet
	DirtyBytes  int64 // appended and not durable yet
	OpenFiles   int
}

func newCore(o Options, l layout) (*core, error) {
	unit := l.unitSize()
	switch {
	case o.FS == nil || o.Dir == "":
		return nil, fmt.Errorf("%v: open: no file system or no directory given", l)
	case o.FileSize < 0 || o.FileSize > math.MaxInt32:
		return nil, fmt.Errorf("%v: open %s: file size %d, expected 1 … %d", l, o.Dir, o.FileSize, math.MaxInt32)
	case o.FileSize == 0:
		o.FileSize = l.defaultFileSize()
	}
	if o.MaxOpenFiles <= 0 {
		o.MaxOpenFiles = 1024
	}
	if o.SyncTogetherFrom <= 0 {
		o.SyncTogetherFrom = 256
	}
	if o.LogEnd <= 0 {
		o.LogEnd = math.MaxInt64
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Bounds == "" {
		o.Bounds = o.Dir + ".bounds"
	}
	c := &core{
		fs:           o.FS,
		togetherFrom: o.SyncTogetherFrom,
		dir:          strings.TrimSuffix(o.Dir, "/"),
		layout:       l,
		fileSize:     (o.FileSize + unit - 1) / unit * unit,
		boundsFile:   o.Bounds,
		holds:        o.Holds,
		trusted:      o.Clean,
		durableTo:    o.DurableTo,
		logEnd:       o.LogEnd,
		log:          o.Logger,
		streams:      make(map[queueName]*stream),
	}
	c.fds = newDescriptors(o.FS, o.MaxOpenFiles, func(err error) { c.fail(err) })
	c.minLog.Store(o.MinLog)
	return c, nil
}
