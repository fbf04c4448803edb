// Package store is a broker's message store: the commit log, the queues and the index that are derived from it, and the
// dispatch that keeps them up with it.
//
//	Append ──► commitlog ──► confirmed ──► dispatcher ─┬─► consume queues ──► Queue.Read, Await
//	           (numbers the    offset     (one goroutine, ├─► index ───────────► Query
//	            messages of                 in batches)   └─► further followers
//	            each Queue)
//
// # The directory
//
// It is that of RocketMQ 5.5, which opens what this package writes and the other way round.
//
//	commitlog/              the log: every message                                       truth
//	consumequeue/           queues: 20 bytes per message                                 from the log
//	consumequeue_ext/       their extensions, with QueueExt                              from the log
//	batchconsumequeue/      queues of batch topics: 46 bytes per inner batch             from the log
//	index/                  key → log offset                                             from the log
//	checkpoint              how far RocketMQ may trust log, queues and index             from the log
//	abort                   there as long as the store is in use: process id, decimal
//	lock                    held as long as the store is open; both brokers respect it
//	gantry.checkpoint       how far Gantry may trust them
//	gantry.queues           next offset of every queue, gantry.batchqueues for batch queues
//	config/                 the tables of package meta; the store doesn't touch them     truth
//
// gantry.checkpoint is a line of JSON and a line with its CRC-32 in hex, replaced atomically:
//
//	{"format":1,
//	 "peer":"AAABoglqzBcAAAGiCWrMFwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB7za",
//	 "peerBefore":"AAABoglp2XAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
//	 "clean":true,"flushed":507448,"queues":507448,
//	 "index":{"file":"20261123171741361","count":378,"logOffset":507448},"crcFrom":0}
//	ba9b4a5f
//
//	peer, peerBefore  the 48 bytes of checkpoint as written with this state, and before
//	clean             the store was closed, and everything below is final
//	flushed           log offset, a record border: the log below is whole and durable
//	queues            log offset: the units of all records below are durable
//	index             what of the index is durable
//	crcFrom           log offset from which on records carry the CRC property; -1 if they don't
//
// A broker of another make doesn't know this file, but changes checkpoint. If that is neither of the two, somebody else ran in
// between: the positions count for nothing, and RocketMQ's own rule applies, that what lies before the segment where its
// recovery would begin is in queues and index. gantry.queues is described in package consumequeue.
//
// # What losing a file costs
//
//	consumequeue/, batchconsumequeue/  the log is read again from its beginning
//	index/                             likewise
//	gantry.queues, gantry.batchqueues  nothing as long as the queues are there. A queue that is lost as well, and of which the
//	                                   log has no message any more, starts at 0 again
//	gantry.checkpoint                  time: RocketMQ's rule applies. That single queue directories are missing isn't noticed
//	                                   then, nor that batchconsumequeue/ is, unless gantry.queues and gantry.batchqueues tell
//	checkpoint                         time, for either broker
//	consumequeue_ext/                  tag codes: filters let the messages pass whose units point there (consumers compare
//	                                   tags themselves). New units of such queues do without, since an address must not be
//	                                   given twice. Deleting consumequeue/ as well rebuilds both
//
// # Start
//
//  1. lock. Nothing is read before it is held: two brokers that recover one directory would both cut it.
//  2. abort, checkpoint, gantry.checkpoint: who wrote last, was it stopped in order, what is durable?
//  3. commitlog.Open: finds the end E of the log and clears what lies behind.
//  4. Queues, then batch queues: units that point at or beyond E go, and after a crash all that were not durable.
//  5. Index and further followers: the same.
//  6. abort and gantry.checkpoint are written: from here on the log may grow beyond what an older state said.
//  7. The log is read from where the first follower lacks something, up to its end.
//  8. Every queue goes on behind its last unit. Messages are taken.
//
// A crash anywhere in between leaves something from which the same steps start again.
//
// # Stop
//
// Flush the log, show the followers the rest, make them durable, write gantry.checkpoint with clean set, close the files; abort goes last, and
// only if all of it succeeded.
//
// # Followers
//
// A follower is shown every record below the confirm offset once, in order, and some of them again after a restart; see
// Follower. What holds for all of them:
//
//   - Its Durable offset never claims what the disk doesn't have. A checkpoint flushes the followers, then the log, and only then
//     writes down how far they are.
//   - It has no effect that outlives a record: after recovery and Truncate it is taken back to the end of the log, and the state
//     on disk is replaced before the log grows again.
//   - When it fails, dispatch stops at that batch, Append refuses messages with its error, and after half a second it is tried
//     again. A full disk heals like that. What is wrong with a record itself must not be an error: it would stop all queues.
//     A message that finds no place in its queue (a gap before it, in a log that another broker wrote) is counted and logged.
//   - Retention and forced cleaning stop at the lowest offset that a follower Needs. If that keeps the disk too full,
//     messages are refused, and the error names it.
//
// # Topics that are deleted
//
// A topic has a birth: the log offset at its creation, which the owner keeps. Records of that name below it are not queued, not
// indexed and not found, whatever is rebuilt.
package store
