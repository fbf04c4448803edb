// Package index finds records of the log by key: a hash index in files, one after the other in time.
//
// The files are those of RocketMQ, which reads what this package writes and the other way round. All integers are
// big-endian. H (slots) and N (entries) come from the configuration; a file is 40 + 4·H + 20·N bytes long from the start.
// Its name is the local time of its creation, yyyyMMddHHmmssSSS.
//
//	0    8    16   24   32 36 40            40+4·H                          40+4·H+20·N
//	┌────┬────┬────┬────┬──┬──┬───┬───┬─ ─┬─────┬───────┬───────┬───────┬─ ─┬─────────┐
//	│ bt │ et │ bo │ eo │su│nx│ 0 │ 1 │   │ H-1 │entry 0│entry 1│entry 2│   │entry N-1│
//	└────┴────┴────┴────┴──┴──┴───┴───┴─ ─┴─────┴───────┴───────┴───────┴─ ─┴─────────┘
//	header                    slots, i32 each   entries, 20 bytes each; 0 is not used
//
//	bt, et  i64  store time in ms of the first and the last record with an entry
//	bo, eo  i64  their log offsets
//	su      i32  slots in use
//	nx      i32  number of the next entry, 1 in an empty file; at N the file is full
//	slot    i32  number of the newest entry whose hash % H is this slot, 0 = none
//
//	0     4            12    16    20
//	┌─────┬────────────┬─────┬─────┐  hash  i32  of the key, see KeyHash
//	│hash │ log offset │diff │prev │  diff  i32  seconds from bt to the record's store time, at least 0
//	└─────┴────────────┴─────┴─────┘  prev  i32  next older entry of the slot, 0 = none; smaller than this one's number
//
// A new file starts with bt = et and bo = eo = the former file's ends; the first entry then sets bt and bo. RocketMQ computes
// that entry's diff before it does so, against the former file's end. Here it is 0, and on reading the first
// entry's time is bt, whatever its diff says.
//
// A header, and the first entry behind it, as RocketMQ 5.5 wrote them with H = 5000 and N = 20000:
//
//	000001a2093c179c 000001a2093cc40e 0000000000000000 00000000000aaf76 00000485 000008eb
//	73fa7e51 0000000000000000 00000000 00000000
//
// 2282 entries in 1157 slots, for records at log offsets 0 … 700278. The first entry is in slot 0x73fa7e51 % 5000.
//
// # What is on disk when
//
// A put goes to memory: the encoded entry, and in a small hash table the slot that it changes. The slots on disk are
// looked up through a read-only mapping; all writing is done by pwrite. A write-out (Flush, or a put that finds memory or
// the file full) has four steps:
//
//  1. write the entries, all behind those that any slot on disk leads to
//  2. fdatasync
//  3. write the changed slots and the header
//  4. fdatasync; now the State may count them
//
// From this follows what a crash at any moment leaves:
//
//   - A slot on disk leads to an entry that is whole: it was synced in step 2, before the slot was written. The link in
//     that entry leads to one with a smaller number, from the same write-out or an earlier one, so it is whole, too.
//   - A slot is either old or new, never half of each: slots are aligned to 4 bytes, so none lies across two sectors. The
//     header lies within one sector.
//   - Hence every entry with a number above the saved Count that a slot leads to can be undone: from the highest down, a slot
//     that leads to entry n is set to the prev of entry n. When the last one above Count is undone, the slots are exactly those that
//     belonged to Count. What lies in entries that no slot leads to is never looked at.
//   - This cut is synced, even if it changed nothing, before the numbers above Count are used again; else a slot on disk
//     could lead to an entry that has been overwritten. A crash during the cut leaves some slots undone and others not: it is
//     simply done again.
//   - Truncate cuts below what the saved State counts. It syncs the lower header before it touches a slot, so that a file with
//     fewer entries than the State says is known to have been cut, and the index is followed again from its last record.
//
// So the saved State says all that is needed: the index is cut back to it and completed from the log, from State.LogOffset on, and
// no file is scanned or thrown away. Records can fill several files; the State counts whole ones only.
//
// RocketMQ has no such State. After a crash it deletes the files that end after its checkpoint, and so the last.
//
// # Failures
//
// The blocks of a file are reserved when it is created. A full disk is an error of that creation, or of a write on file systems
// that can't reserve; the entries stay in memory and the next write-out tries again. A failed sync is final: the
// kernel may have dropped what it could not write, so the index takes no more puts until it is opened again and cut
// back to the last State.
//
// # Limits
//
// All keys with the same hash % H share a chain, and a query walks all newer entries of the chain: a tag that millions of
// records have makes the few other keys of its slot slow, by one small read for each of its entries. That is the
// format's nature. Queries read by pread, so a slow one holds up nobody else.
package index
