package config

import "time"

func storeSections() []section {
	return []section{
		{"Files of the store", []Key{
			{"storePathRootDir", "", restart, "Directory of the store; DATA/store by default.", text(func(c *Config) *string { return &c.StoreDir })},
			{"storePathCommitLog", "", restart, "Directories of the log, separated by commas; commitlog in the store by default.", list(",", func(c *Config) *[]string { return &c.LogDirs })},
			{"readOnlyCommitLogStorePaths", "", restart, "Directories of the log that get no new segments, separated by commas.", list(",", func(c *Config) *[]string { return &c.ReadOnlyLogDirs })},
			{"mappedFileSizeCommitLog", "1073741824", restart, "Size of a segment of the log.", number(4096, 1<<31-4096, "bytes", func(c *Config) *int64 { return &c.SegmentBytes })},
			{"mappedFileSizeConsumeQueue", "6000000", restart, "Size of a file of a queue; rounded up to whole units of 20 bytes.", number(20, 1<<30, "bytes", func(c *Config) *int64 { return &c.QueueFileBytes })},
			{"enableConsumeQueueExt", "false", restart, "Keep filter data of messages beside the queues.", flag(func(c *Config) *bool { return &c.EnableQueueExt })},
			{"mappedFileSizeConsumeQueueExt", "50331648", restart, "Size of a file of such data.", number(4096, 1<<30, "bytes", func(c *Config) *int64 { return &c.QueueExtFileBytes })},
			{"mapperFileSizeBatchConsumeQueue", "13800000", restart, "Size of a file of a queue of batches; rounded up to whole units of 46 bytes.", number(46, 1<<30, "bytes", func(c *Config) *int64 { return &c.BatchQueueFileBytes })},
			{"messageIndexEnable", "true", restart, "Keep an index from message keys to messages.", flag(func(c *Config) *bool { return &c.EnableIndex })},
			{"maxHashSlotNum", "5000000", restart, "Hash slots of an index file.", number(1, 500_000_000, "slots", func(c *Config) *int64 { return &c.IndexSlots })},
			{"maxIndexNum", "20000000", restart, "Entries of an index file.", number(2, 100_000_000, "entries", func(c *Config) *int64 { return &c.IndexEntries })},
			{"enabledAppendPropCRC", "true", restart, "Guard whole records, not just bodies, by a checksum (RocketMQ's default is false).", flag(func(c *Config) *bool { return &c.RecordCRC })},
		}},
		{"Durability", []Key{
			{"flushDiskType", AsyncFlush, restart, "Whether a message is acknowledged when it is written (ASYNC_FLUSH survives a killed process) or when it is on the disk (SYNC_FLUSH survives a power cut).", choice(func(c *Config) *string { return &c.FlushDisk }, AsyncFlush, SyncFlush)},
			{"syncFlushTimeout", "5000", reload, "How long a send waits for the disk with SYNC_FLUSH.", millis(1, dayMillis, func(c *Config) *time.Duration { return &c.SyncFlushTimeout })},
			{"flushIntervalCommitLog", "500", restart, "Between two flushes of the log with ASYNC_FLUSH.", millis(1, dayMillis, func(c *Config) *time.Duration { return &c.FlushLogEvery })},
			{"flushIntervalConsumeQueue", "1000", restart, "Between two flushes of queues and index.", millis(1, dayMillis, func(c *Config) *time.Duration { return &c.FlushQueuesEvery })},
		}},
		{"Retention", []Key{
			{"fileReservedTime", "72", reload, "How long messages are kept.", hours(0, 24*3650, func(c *Config) *time.Duration { return &c.ReservedTime })},
			{"deleteWhen", "04", reload, "Hours of the day in which what is older is deleted.", func(c *Config) value { return hoursOfDay{&c.DeleteHours} }},
			{"diskMaxUsedSpaceRatio", "75", reload, "With the disk fuller than this, it is deleted at any hour.", number(1, 100, "percent", func(c *Config) *int64 { return &c.DiskCleanRatio })},
			{"diskSpaceCleanForciblyRatio", "85", reload, "With the disk fuller than this, the oldest messages are deleted whatever their age.", number(1, 100, "percent", func(c *Config) *int64 { return &c.DiskForcedRatio })},
			{"diskSpaceWarningLevelRatio", "90", reload, "With the disk fuller than this, messages are refused.", number(1, 100, "percent", func(c *Config) *int64 { return &c.DiskWarningRatio })},
			{"cleanFileForciblyEnable", "true", reload, "Delete messages before their time when the disk is full.", flag(func(c *Config) *bool { return &c.CleanForcibly })},
			{"cleanResourceInterval", "10000", restart, "Between two looks for what is to be deleted.", millis(10, dayMillis, func(c *Config) *time.Duration { return &c.CleanEvery })},
		}},
	}
}
