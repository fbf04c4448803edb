package store

// Follower is state that is derived from the log: it is shown every record below the confirm offset, in order.
// Follow and Truncate are called by one goroutine at a time, and so are Flush, Retired and Truncate; but Flush and Retired
// may run beside Follow, so that a slow disk doesn't keep messages from those who wait for them.
type Follower interface {
	// Name is for log lines and errors.
	Name() string
	// Durable is the log offset up to which its state would survive a power loss; following goes on there after a restart.
	Durable() int64
	// Follow takes a batch. It may be given records again that it has seen. An error pauses dispatch and makes the store refuse
	// messages; the same batch comes again later, and when it succeeds all goes on. What will never succeed must not be an error.
	Follow(batch []Entry) error
	// Quick tells that the next batch will not wait for a disk.
	Quick() bool
	// Flush makes what was followed durable.
	Flush() error
	// Truncate forgets what was derived from records at or behind log offset to.
	Truncate(to int64) error
	// Needs is the lowest log offset that must stay in the log.
	Needs() int64
	// Retired says that the log will begin at minLog; what refers to older records can go.
	Retired(minLog int64) error
}
