// Package commitlog is the append-only log of all messages: it appends, reads, flushes, recovers and retires, in the files
// of RocketMQ 5.x.
//
// It knows records, not queues: who numbers messages is asked under the append lock (Assigner), and everything that is
// derived from the log follows it by offset (Watch, Confirmed, View).
//
// # Files
//
// The log is one run of bytes; a log offset is a position in it. It lies in segments, files of one size (1 GiB unless
// configured) that are named after the log offset of their first byte, 20 decimal digits, and follow each other without a
// gap. They may lie in several directories. The first one need not be 0: older ones are retired, and a replica may begin late.
//
//	00000000000000000000      00000000001073741824      00000000002147483648
//	┌────┬──────┬────┬─────┐  ┌───────┬────┬───┬─────┐  ┌────┬─────┬───────────────┐
//	│ m  │  m   │ m  │blank│  │   m   │ m  │ m │blank│  │ m  │  m  │ 0  0  0  0 …  │
//	└────┴──────┴────┴─────┘  └───────┴────┴───┴─────┘  └────┴─────┴───────────────┘
//	▲ Min                                                          ▲ end = Max
//
// A segment is a run of records (m) from its first byte on; package record draws them. No record crosses the end of a
// segment. Where the next message, or all of a client's batch, and eight bytes more don't fit, a blank record says how many
// bytes are left, itself included, and the log goes on in the next segment. So a message may leave eight bytes or more,
// never fewer. Behind the blank, and behind the end of the log, there are zeros.
//
// The segment after the last one may be there already: it is made when the last one is half full, all zeros. An orderly stop deletes it.
//
// # Checkpoint
//
// The checkpoint file of a store has 4,096 bytes: six big-endian 64-bit numbers, then zeros.
//
//	┌────┬───────────────────┬──────────────────────────────────────────────────────────────────┐
//	│ at │ field             │                                                                  │
//	├────┼───────────────────┼──────────────────────────────────────────────────────────────────┤
//	│  0 │ LogTimestamp      │ ms: store time of the newest flushed message                     │
//	│  8 │ QueueTimestamp    │ ms: store time of the newest message whose queue unit is flushed │
//	│ 16 │ IndexTimestamp    │ ms: store time of the newest message in a flushed index file     │
//	│ 24 │ MasterFlushed     │ log offset                                                       │
//	│ 32 │ Confirmed         │ log offset                                                       │
//	│ 40 │ QueueLogOffset    │ log offset of the newest message whose queue unit is flushed     │
//	└────┴───────────────────┴──────────────────────────────────────────────────────────────────┘
//
// Example, as RocketMQ 5.5 wrote it:
//
//	0000  00 00 01 a2 09 6a cc 17 00 00 01 a2 09 6a cc 17
//	0010  00 00 01 a2 09 69 d8 70 00 00 00 00 00 00 00 00
//	0020  00 00 00 00 00 07 ae d6 00 00 00 00 00 07 bc da
//
// that is: log and queues flushed up to 1795454323735, the index up to 1795454261360, no master, confirmed up to log offset
// 503510, and the queue unit of the message at 507098 flushed.
//
// # How a message gets in
//
//  1. Encode, outside the lock: all of the record but what only the lock knows, body CRC and the sum over the large
//     rest of the record included. A message whose properties depend on its number (LateBound) waits for step 3.
//  2. Lock. The log is asked whether it takes messages; remains of a failed write are cleared first.
//  3. Number and finish: the Assigner gives queue offsets, then queue offset, log offset, time and the CRC property are
//     set. What doesn't fit the segment makes the log roll: the next segment is there before the blank is written,
//     so that a full disk leaves the log as it was.
//  4. Write: records that lie back to back in memory go to the file by one pwrite, a run. A run ends where the segment
//     does, and where a message was refused.
//  5. Publish: Max moves behind the run. Nothing behind Max is ever read.
//  6. Unlock. With Announce, or OnAcked where a flush is to come first, wake the flusher, or those who may go on at once.
//
// If a write fails, the run's messages get the error and give their numbers back, in reverse order, and so does nobody
// else: what was published before stays, what comes later was not numbered yet. So numbers have no gaps. What the failed write may
// have left in the file is cleared before anything else is written.
//
// # Flushed, confirmed, seen
//
//	Min ≤ Confirmed ≤ Max           Flushed ≤ Max
//
// Confirmed is what consumers and derived stores may see: Flushed in a synchronous log and Max in an asynchronous one, and
// no more than SetReplicated says.
//
// A synchronous log flushes as soon as somebody has written. Those who come while an fdatasync runs share the next one (group
// commit). Whether that begins at once, beside the work of those whom the last one let go, or waits for them, half a flush at most,
// follows from how long they usually take to be back. Who is alone flushes himself (FlushHere). An asynchronous log flushes by time, and
// in between hands the kernel what was written in steps. Waiting is a completion (Waiter): no goroutine blocks for it.
//
// A failed fdatasync is final (ErrFailed): the kernel has dropped the pages, and a second one would succeed without them. A full
// disk is not: appends fail with vfs.ErrFull until there is room.
//
// With Options.ZeroAhead a synchronous log writes zeros ahead of its end and syncs them, since fdatasync is faster where it
// need not convert unwritten extents.
//
// # Recovery
//
// Open scans from a border on, record by record, as Start lets it: from where the owner knows everything to be durable, else from the
// start of a segment that the peer's checkpoint covers, else from the first one. The log ends where nothing was written
// any more (zeros), or at the first record that is not whole: wrong magic, lengths that don't add up, another log offset than its own
// place, a wrong body CRC. A wrong CRC property in a record that is right otherwise doesn't end the log, since a peer that rewrites
// messages can leave a stale one; but if there are zeros in the properties, too, that is a torn write.
//
// What follows the end is deleted, newest segment first, and the rest of the last segment is cleared, durably. Otherwise a
// later message of just the right length would, after one more crash, make old bytes behind it look like its successors.
// What the device cannot read is an error and cuts nothing.
//
// A bit that flips in a message below Start.From is no end either: it is reported to whoever reads that message.
//
// # Invariants
//
//   - What was acknowledged as Flushed is found after a power loss, what was Written after the death of the process.
//   - Segments are durable under their name, with their full length, before the first message in them is acknowledged.
//   - Segments appear at the back and vanish at the front, or from the back in a cut, one after the other, each durably
//     before the next: no power loss leaves a gap.
//   - Bytes between the end of the log and the end of its segment are zeros, but for a write that is under way.
//   - A slice of the mapping is handed out pinned: the segment stays mapped until Release, also after its file was deleted.
package commitlog
