// Package delay delivers the messages that wait at a delay level when they are due.
//
// # The way of a delayed message
//
//	send with DELAY=3 ──► SCHEDULE_TOPIC_XXXX, queue 2 ──► level 3 ──► REAL_TOPIC, queue REAL_QID
//	                      (package produce)                (here)
//
// A level is a queue of the schedule topic. Its messages all wait for the same time, so the first one is due first, and a level
// needs one goroutine that sleeps until that moment; with nothing in the queue it sleeps until something comes. The queue's
// units say when their messages are due: their tag codes are times in ms since 1970. When messages are due, copies of them are
// appended to the log for the topics and queues that their properties name, many in one append, in the order of the queue. A copy
// keeps everything, DELAY, REAL_TOPIC and REAL_QID included, as with RocketMQ 5.5.
//
// # Once, whatever happens
//
// A copy carries the log offset of the message it was made from, in a field of the record that is meant for just such a link
// between half messages and committed ones and otherwise 0: PreparedTransactionOffset. So the log itself tells what was delivered. The
// offsets in config/delayOffset.json only spare reading all of it. They are saved with a log offset, such that
//
//   - what copies below that log offset deliver is part of them, and
//   - they are part of nothing that the disk could lose: the log is flushed first.
//
// Open reads the log from there to its end and moves the offsets behind the messages of which it finds copies. What the log lost
// with the power it has lost with its copies: those are delivered again, and nothing else is. A file that RocketMQ wrote says nothing of the
// log, and RocketMQ's copies don't say where they are from: after a crash of that broker its deliveries since it last saved come
// twice, as they do when it starts again itself. It reads our file and goes on from it.
//
// # What is passed over, with a line in the log
//
// Records that are damaged or not to be found, messages that name no topic or one that is the broker's own, those that the log doesn't
// take any more (maxMessageSize was lowered), and those to a topic that was deleted since: they belong to its former life
// even if it has been created again. What can't be stored or read now, because the disk is full say, is tried again until it can be, and
// what comes behind it waits.
//
// # Clocks
//
// A wall clock can be set while a level sleeps. It looks at it at least every second as long as a message waits. Messages that
// wait when it is set back wait for no longer than the level's delay from then on.
package delay
