package consumequeue

import "errors"

// Sentinel errors, to be tested with errors.Is. A full disk is vfs.ErrFull: it passes when there is room again.
var (
	// ErrGap: units were offered for a queue offset beyond the next one of a queue that isn't empty. Nothing was appended.
	ErrGap = errors.New("gap in queue offsets")
	// ErrOrder: a unit doesn't point beyond the log offset of the one before it, or isn't valid by itself.
	ErrOrder = errors.New("unit out of order")
	// ErrFileSize: files were written with another file size than the configured one.
	ErrFileSize = errors.New("queue file size differs from the configuration")
	// ErrDamaged: files of a queue are missing or have impossible lengths. The log can rebuild the queue: open the
	// store with Clean unset and follow the log from ReplayFrom.
	ErrDamaged = errors.New("queue files are damaged")
	// ErrBounds: the durable table of next offsets and its backup are both unreadable.
	ErrBounds = errors.New("table of queue bounds is damaged")
	// ErrBroken: a sync failed. What it should have made durable may be lost, so that the store takes nothing more
	// until it is opened anew.
	ErrBroken = errors.New("store is broken by a failed sync")
	// ErrTooLarge: an ext unit is larger than a file or than its size field can tell, or the addresses are used up.
	ErrTooLarge = errors.New("ext unit has no place")
	// ErrName: the topic or queue id can't be the name of a directory.
	ErrName = errors.New("name can't be a directory")
	// ErrDeleted: the topic of this queue was deleted.
	ErrDeleted = errors.New("queue was deleted")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
)
