package store

import (
	"errors"
	"io"
	"log/slog"
	"path"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Errors that callers branch on.
var (
	// ErrNoTopic: the topic, or its queue, is not there (any more).
	ErrNoTopic = errors.New("store: no such topic")
	// ErrQueueType: an inner batch for a queue that holds single messages, or a read of one kind of units from a queue of the other.
	ErrQueueType = errors.New("store: wrong type of queue")
	// ErrNoTagCode: the extension file has lost the tag code of a message. Whoever filters lets the message pass.
	ErrNoTagCode = errors.New("store: tag code lost")
	// ErrReadOnly: the store was opened to be read.
	ErrReadOnly = errors.New("store: opened read-only")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store: closed")
)

// Topics is what the store asks about topics. Its methods are called for every record: they must be fast, and safe for concurrent use.
type Topics interface {
	// BatchQueue tells whether the topic's queues hold inner batches (attribute queue.type=BatchCQ).
	BatchQueue(topic string) bool
	// Birth is the log offset below which records of the topic belong to an earlier one of the same name; 0 for most.
	Birth(topic string) int64
}

// Options configure a Store. Zero values mean the defaults of RocketMQ 5.5.
type Options struct {
	FS   vfs.FS
	Root string // the store directory
	// Lock is that of the store, where its owner has taken it already (see Lock); the store closes it.
	Lock io.Closer

	Log          commitlog.Options // Dirs, FS and CRCPropertyFrom are set by the store; Dirs default to Root/commitlog
	QueueFile    int64             // bytes of a consume queue file
	BatchFile    int64             // bytes of a batch consume queue file
	ExtFile      int64             // bytes of an extension file
	OpenFiles    int               // descriptors that the queues may hold
	IndexSlots   int
	IndexEntries int
	NoIndex      bool // keep no index (messageIndexEnable=false)
	// QueueExt makes the units of simple queues point to an extension file, which has their tag codes
	// (enableConsumeQueueExt). What older units point to is read in any case.
	QueueExt bool
	// DelayLevels are the delays of the levels 1, 2, …: queue units of the schedule topic say when they are due.
	DelayLevels []time.Duration
	// MultiDispatch makes messages stand in the light queues that they name (enableLmq and enableMultiDispatch).
	MultiDispatch bool
	Topics        Topics
	// Followers are told of the records after queues and index. They are the owner's to close, after the store.
	Followers []Follower

	Retention          commitlog.Retention
	CheckpointInterval time.Duration // how often followers and checkpoint are made durable
	IndexInterval      time.Duration // the same for the index, whose flush writes more
	CleanInterval      time.Duration // how often retention looks
	ReadOnly           bool          // takes no messages: no background work, nothing is checkpointed

	Now    func() time.Time
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if len(o.Log.Dirs) == 0 {
		o.Log.Dirs = []string{path.Join(o.Root, "commitlog")}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CheckpointInterval == 0 {
		o.CheckpointInterval = time.Second
	}
	if o.IndexInterval == 0 {
		o.IndexInterval = 5 * time.Second
	}
	if o.CleanInterval == 0 {
		o.CleanInterval = 10 * time.Second
	}
	if o.Retention.Age == 0 {
		o.Retention = commitlog.DefaultRetention()
	}
	if o.Topics == nil {
		o.Topics = noTopics{}
	}
	o.Log.FS, o.Log.Now, o.Log.Logger = o.FS, o.Now, o.Logger
	return o
}

type noTopics struct{}

func (noTopics) BatchQueue(string) bool { return false }
func (noTopics) Birth(string) int64     { return 0 }
