// Package vfs is the file system as the storage core sees it: a narrow interface with a real
// implementation, an in-memory one that models power loss, and one that injects faults.
//
// The core never calls package os. Every fault that a disk can produce (full, EIO on any call,
// a torn page, a directory entry that was not synced) is therefore an input that a test can give.
//
//   - OS is the real thing. Linux facilities (fallocate, sync_file_range, syncfs, preadv2, OFD locks) are tried call by call
//     and fall back where kernel or file system doesn't know them; Degraded says which ones do.
//   - NewMem makes a file system in memory whose Crash and Kill return what the next boot, or the next process, finds.
//   - A Volume is a file system that is synced as a whole, where that can be relied upon.
//   - Fault wraps either and lets a function refuse single operations, or cut a write short.
//   - WriteFileAtomic, WriteFileWithBackup and their readers are how small files are replaced.
//
// # What Mem promises after a power loss
//
// A Mem keeps the current state of each file and directory and, apart from it, the durable one:
//
//	        WriteAt Truncate Preallocate ZeroRange            Create Rename Remove
//	                       │                                           │
//	                       ▼                                           ▼
//	now      ┌─────┬─────┬─────┬─────┐ size               ┌──────────────────────┐
//	         │  A  │  B' │  C' │  0  │                    │ names of a directory │
//	         └─────┴─────┴─────┴─────┘                    └──────────────────────┘
//	                dirty dirty                             pending changes, in order
//	                  │ Sync, Datasync,                                │ SyncDir,
//	                  ▼ write-back                                     ▼ write-back
//	durable  ┌─────┬─────┬─────┐ size                     ┌──────────────────────┐
//	         │  A  │  B  │  C  │                          │ names of a directory │
//	         └─────┴─────┴─────┘                          └──────────────────────┘
//
// Crash starts from the durable state and adds, by the random numbers that it is given:
//
//   - of each dirty page of 4 KiB the old content, the new one, or a mixture of its eight sectors of 512 bytes;
//   - of a file's changes of length the first few, or none, or all. The last one of them may be half done if it came
//     from writing. What a Truncate cut off is back if it is undone, and reads as zeros if it is not;
//   - of the pending changes of directories any subset, in their order. A change whose file isn't where the change
//     takes it from has no effect, so a file whose creation is lost is gone. A rename is atomic, between directories too.
//
// So what was synced, under a name whose directory was synced, is there unless it was changed since; and of anything
// else nothing is certain: syncing a new file does not make its name durable, nor does a length vouch for content.
// WriteBack, which SetWriteBack makes happen by itself, makes any of it durable early.
//
// Where real file systems promise more (ext4 commits directory changes in order, and the name with the file), the
// model doesn't: what survives here survives there.
package vfs
