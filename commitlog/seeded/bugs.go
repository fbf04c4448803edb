// Package seeded plants known bugs when built with the tag `seededbugs`, so that tests can be tested.
//
// Where a bug could sit, the code asks Is. Without the tag that is a constant false, and the compiler removes the question
// with what depends on it. With the tag, the environment variable GANTRY_SEEDED_BUG chooses one bug by its name; without it the
// program behaves as it should.
package seeded

// Env is the environment variable that names the bug.
const Env = "GANTRY_SEEDED_BUG"

// Tag is the build tag that makes the bugs possible.
const Tag = "seededbugs"

// Bug is a bug by its name.
type Bug string

// Bugs of the log.
const (
	// SegmentNameNotSynced leaves the directory of a new segment unsynced: its messages are flushed to a file without a name.
	SegmentNameNotSynced Bug = "segment-name-not-synced"
	// AckBeforeFlush tells those who wait for a flush that it has come as soon as their message is written.
	AckBeforeFlush Bug = "ack-before-flush"
	// TailNotCleared leaves the bytes behind a cut where they are.
	TailNotCleared Bug = "tail-not-cleared"
	// NumbersNotGivenBack keeps the queue offsets of messages whose write failed: the queue has a gap.
	NumbersNotGivenBack Bug = "numbers-not-given-back"
	// FailedWriteNotWiped leaves in the log what a write that failed has left there.
	FailedWriteNotWiped Bug = "failed-write-not-wiped"
	// BatchSplit stores the messages of a client's batch one by one, some in the next segment.
	BatchSplit Bug = "batch-split"
	// FailedSyncRetried takes an fdatasync that succeeds after one that failed for proof that all is durable.
	FailedSyncRetried Bug = "failed-sync-retried"
	// RecoveryNotSynced takes what the dead process wrote for durable because it can be read.
	RecoveryNotSynced Bug = "recovery-not-synced"
	// BodyNotChecked lets recovery accept records without comparing the body with its sum.
	BodyNotChecked Bug = "body-not-checked"
	// RetirementNotSynced deletes the next segment before the deletion of the one before it is durable.
	RetirementNotSynced Bug = "retirement-not-synced"
	// SegmentRetiredFirst deletes the newest of the expired segments first.
	SegmentRetiredFirst Bug = "newest-segment-retired-first"
)

// Bugs of what is derived from the log.
const (
	// StateBeforeData writes down that the queues are durable before they are.
	StateBeforeData Bug = "state-before-data"
	// StateNotRenewed leaves the state on disk as it was before recovery has cut the log.
	StateNotRenewed Bug = "state-not-renewed"
	// TruncationNotNoted cuts the log while the state on disk vouches for what is behind the cut.
	TruncationNotNoted Bug = "truncation-not-noted"
	// VisibleBeforeConfirmed shows messages to the followers when they are written, flushed or not.
	VisibleBeforeConfirmed Bug = "visible-before-confirmed"
	// ReplayTooLate shows the followers nothing of what they lack after a restart.
	ReplayTooLate Bug = "replay-too-late"
	// QueuesNotTruncated leaves the units of records in the queues that were cut off the log.
	QueuesNotTruncated Bug = "queues-not-truncated"
	// QueueDataNotSynced flushes queues without syncing their files.
	QueueDataNotSynced Bug = "queue-data-not-synced"
	// QueueNameNotSynced flushes queues without syncing the directories of their files.
	QueueNameNotSynced Bug = "queue-name-not-synced"
	// TornUnitAccepted lets recovery take units for good that the last checkpoint doesn't vouch for.
	TornUnitAccepted Bug = "torn-unit-accepted"
	// BoundsNotSaved lets retention delete segments before the next offsets of emptied queues are written down.
	BoundsNotSaved Bug = "bounds-not-saved"
	// IndexEntriesNotSynced writes slots of the index while the entries that they lead to are not durable.
	IndexEntriesNotSynced Bug = "index-entries-not-synced"
	// IndexNotCut leaves entries in the index that its last state doesn't count.
	IndexNotCut Bug = "index-not-cut"
)

// Bugs of the tables.
const (
	// RenameBeforeSync renames a new file over the old one before its content is durable.
	RenameBeforeSync Bug = "rename-before-sync"
	// BirthAfterTopic writes a topic down before its birth.
	BirthAfterTopic Bug = "birth-after-topic"
	// BirthsNotFitted leaves births beyond the end of a log that was cut: the topic's new messages count as old.
	BirthsNotFitted Bug = "births-not-fitted"
	// OffsetsNotClamped leaves committed offsets beyond the end of their queue.
	OffsetsNotClamped Bug = "offsets-not-clamped"
)

// All lists the bugs.
func All() []Bug {
	return []Bug{
		SegmentNameNotSynced, AckBeforeFlush, TailNotCleared, NumbersNotGivenBack, FailedWriteNotWiped, BatchSplit,
		FailedSyncRetried, RecoveryNotSynced, BodyNotChecked, RetirementNotSynced, SegmentRetiredFirst,
		StateBeforeData, StateNotRenewed, TruncationNotNoted, VisibleBeforeConfirmed, ReplayTooLate, QueuesNotTruncated, QueueDataNotSynced,
		QueueNameNotSynced, TornUnitAccepted, BoundsNotSaved, IndexEntriesNotSynced, IndexNotCut,
		RenameBeforeSync, BirthAfterTopic, BirthsNotFitted, OffsetsNotClamped,
	}
}
