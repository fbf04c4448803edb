package broker

import (
	"path"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
)

// zeroAhead is how far ahead of its end a synchronous log is kept written with zeros: enough for the longest flush, and little to write at a start.
const zeroAhead = 8 << 20

// storeOptions are the store's part of the configuration.
func (b *Broker) storeOptions() store.Options {
	c := b.opts.Config
	return store.Options{
		FS: b.opts.FS, Root: path.Clean(c.StoreDir),
		Log: commitlog.Options{
			Dirs: c.LogDirs, ReadOnlyDirs: c.ReadOnlyLogDirs, SegmentSize: c.SegmentBytes,
			SyncFlush: c.FlushDisk == config.SyncFlush, ZeroAhead: zeroAhead, FlushInterval: c.FlushLogEvery,
			MaxMessageSize: int(c.MaxMessageBytes), CRCProperty: c.RecordCRC,
		},
		QueueFile: c.QueueFileBytes, BatchFile: c.BatchQueueFileBytes, ExtFile: c.QueueExtFileBytes, QueueExt: c.EnableQueueExt,
		IndexSlots: int(c.IndexSlots), IndexEntries: int(c.IndexEntries), NoIndex: !c.EnableIndex,
		DelayLevels: c.DelayLevels, MultiDispatch: c.EnableLMQ && c.EnableMultiDispatch,
		Topics:             topicFacts{b.Topics},
		Retention:          retention(c),
		CheckpointInterval: c.FlushQueuesEvery, CleanInterval: c.CleanEvery,
		Now: b.opts.Now, Logger: b.opts.Logger,
	}
}

// retention is the part of the configuration that says what is deleted, and when.
func retention(c *config.Config) commitlog.Retention {
	return commitlog.Retention{
		Age: c.ReservedTime, Hours: c.DeleteHours, Forced: c.CleanForcibly, PerPass: 10,
		Clean: ratio(c.DiskCleanRatio), Force: ratio(c.DiskForcedRatio), Refuse: ratio(c.DiskWarningRatio),
	}
}

func ratio(percent int64) float64 { return float64(percent) / 100 }

// topicFacts is what the store asks of the table of topics.
type topicFacts struct{ *meta.Topics }

// BatchQueue implements store.Topics.
func (t topicFacts) BatchQueue(topic string) bool {
	c := t.Get(topic)
	return c != nil && c.Attributes[meta.AttrQueueType] == "BatchCQ"
}
