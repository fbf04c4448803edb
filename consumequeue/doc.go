// Package consumequeue keeps, for each queue of each topic, where in the log its messages are.
//
// A queue is a list of units of one size, in the files and formats of RocketMQ 5.x: unit n of a [Queue] is the place of the
// message with queue offset n. Beside it there are the [BatchQueue], one unit of which is the place of a record with several
// messages, and the [Ext], where a queue's units point to what doesn't fit into them. Everything here can be made anew from
// the log; a file that is lost costs time, and not data. What only this package knows is in the table of bounds.
//
// # Files
//
//	<Dir>/<topic>/<queue id>/00000000000000000000    a queue's first 300,000 units (6,000,000 bytes)
//	<Dir>/<topic>/<queue id>/00000000000006000000    the next ones
//	<Dir>.bounds, <Dir>.bounds.bak                   the table of bounds, and the one before it
//
// A file's name is the position of its first byte in the queue, as 20 digits. It has its full size from the start, as a
// hole: most queues are nearly empty. What isn't written is zeros. All numbers are big-endian and signed.
//
// # Unit
//
//	0             8       12            20
//	┌─────────────┬───────┬─────────────┐
//	│ log offset  │ size  │ tag code    │
//	│ i64         │ i32   │ i64         │
//	└─────────────┴───────┴─────────────┘
//	00 00 00 00 00 00 0b ca  00 00 02 0d  00 00 00 00 00 36 33 d9    525 bytes at 3018, tag "tag3"
//	00 00 00 00 00 00 00 00  7f ff ff ff  00 00 00 00 00 00 00 00    filler
//
// A unit is valid if its log offset is ≥ 0 and its size > 0. The log offsets of a queue's units increase strictly. If a queue
// begins at an offset that isn't the first of a file, because the log has nothing older, fillers take the places before it.
// Fillers are valid, point to nothing, and lie outside of Bounds.
//
// # Batch unit
//
//	0             8       12            20            28            36      38               42         46
//	┌─────────────┬───────┬─────────────┬─────────────┬─────────────┬───────┬────────────────┬──────────┐
//	│ log offset  │ size  │ tag code    │ store time  │ base offset │ count │ compact offset │ reserved │
//	│ i64         │ i32   │ i64         │ i64, ms     │ i64         │ i16   │ i32, or −1     │ i32 0    │
//	└─────────────┴───────┴─────────────┴─────────────┴─────────────┴───────┴────────────────┴──────────┘
//	00 00 00 00 00 09 c5 d2  00 00 06 ab  00 00 00 00 00 00 00 00  00 00 01 a2 09 3c 20 36
//	00 00 00 00 00 00 00 00  00 08  ff ff ff ff  00 00 00 00                   8 messages from queue offset 0 on
//
// It is valid if, beyond what holds for a unit, its base offset is ≥ 0 and its count > 0. The base offsets follow each other
// without gaps, except where the log had nothing of the queue any more. Positions don't tell queue offsets: they are searched.
//
// # Ext unit
//
//	0       2             10            18      20
//	┌───────┬─────────────┬─────────────┬───────┬────────┐
//	│ size  │ tag code    │ store time  │ n     │ bitmap │
//	│ i16   │ i64         │ i64, ms     │ i16   │ n B    │
//	└───────┴─────────────┴─────────────┴───────┴────────┘
//	00 14  00 00 00 00 00 36 33 d6  00 00 01 a2 09 69 ce 81  00 00    tag "tag0", no bitmap
//
// size = 20 + n. Units are packed. Where the next one would leave less than 4 bytes of the file (48 MiB), a size of −1 ends
// the file and the unit begins the next one. The address of a unit, which the queue's unit has as its tag code, is its
// position − 2^63: 80 00 00 00 00 00 00 14 is the unit at 20. No hash of 32 bits is as small.
//
// # Table of bounds
//
//	0          4         6       8         16        24                            −4
//	┌──────────┬─────────┬───────┬─────────┬─────────┬──────┬──────┬─────┬──────┬─────────┐
//	│ "GtQB"   │ version │ flags │ min log │ lines   │ line │ line │  …  │ line │ CRC-32C │
//	│          │ u16 1   │ u16   │ i64     │ u64     │      │      │     │      │ u32     │
//	└──────────┴─────────┴───────┴─────────┴─────────┴──────┴──────┴─────┴──────┴─────────┘
//	┌──────────┬───────┬──────────┬───────┬─────┬──────┬─────────────────┬──────────────┐
//	│ length t │ topic │ queue id │ flags │ min │ next │ last log offset │ end position │
//	│ u16      │ t B   │ i32      │ u8    │ i64 │ i64  │ i64, or −1      │ i64          │
//	└──────────┴───────┴──────────┴───────┴─────┴──────┴─────────────────┴──────────────┘
//	47 74 51 42  00 01  00 00  00 00 00 00 00 00 26 48  00 00 00 00 00 00 00 01       the log begins at 9800; one queue:
//	00 01 54  00 00 00 02  00  00 00 00 00 00 00 00 5f  00 00 00 00 00 00 00 5f       T/2, from 95 to 95, so empty;
//	00 00 00 00 00 00 24 b8  00 00 00 00 00 00 07 6c                                  its last unit pointed to 9400
//
// The table's flag 1: a recovery or a truncation was under way. A line's flag 1: the queue is empty and may begin anywhere;
// 2: its units were lost, and the log hasn't been asked for them yet. The table is replaced atomically, before retention
// removes anything and when the store is closed. It says where a queue goes on of which neither the log nor a file has
// anything, so that queue offsets are never given twice, and which queues should be there.
//
// # Writing
//
// A queue's newest units are kept in memory, up to 4 KiB, and written by one pwrite; nothing is mapped. Readers take the
// newest units from there and older ones by pread. Files are open while there is room for their descriptors (at most
// Options.MaxOpenFiles), and are opened again when needed. An idle queue costs about 200 bytes and no descriptor.
//
// Flush writes what is in memory, syncs the files that got something and then the directories that got names. If that
// are many, it syncs the file system as a whole instead, where it can rely on that (see vfs.Volume). It promises
// that all units of messages below some log offset are durable; the owner notes that offset and gives it back as
// Options.DurableTo. A full disk leaves the units in memory. A failed sync is final: ErrBroken.
//
// # Recovery
//
// A power loss may leave of what wasn't flushed any file, any page, and of a page any sectors. So Open, unless the stop was
// orderly, keeps exactly the units that point below DurableTo and removes what follows them; the owner replays the log from
// ReplayFrom on, and appends that the queues have already are ignored. These hold at every moment:
//
//  1. What is below DurableTo is in the files and in order; what is beyond never survives, be it whole, torn or stale.
//  2. Behind the last unit there are zeros, or the next write clears the rest of the file before it adds a unit.
//  3. What was cut is durably gone before the owner can write other records in its place: a recovery and a truncation sync
//     what they touch before they return, and if they are killed the next recovery does (flag 1 of the table).
//  4. A unit half of which was written is recognised: all but one kind of them can't be valid, see lastIsTorn.
//
// Files are cleared by cutting and growing them, not by writing zeros, which would fill their holes with blocks. A file
// whose size is one more than a multiple of its units' was being cleared.
//
// Files that can't be right (a wrong size, a gap, units missing that were durable) are damage: ErrDamaged after an orderly
// stop; otherwise the queue is emptied, appears in Lost, and ReplayFrom is 0. If no file has the configured size, Open
// fails with ErrFileSize and touches nothing.
package consumequeue
