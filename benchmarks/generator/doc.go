// Package generator drives a RocketMQ broker over Remoting and measures how it answers.
//
// It is a peer of the broker, so that it can check it: it builds and reads frames by itself and shares no code with the
// server. It is also cheap, so that on one machine the broker gets the CPU: frames are built once per queue, and a send
// patches three numbers of fixed width into a copy. One goroutine runs a connection; its memory doesn't grow with the
// number of messages.
//
// # What travels
//
// All integers are big endian. The top byte of the header's length says how the header is written; 0 is JSON, the only
// way used here.
//
//	+--------------+----------------------+-------------------+-------------+
//	| i32 length   | u8 type | u24 header | header, JSON text | body        |
//	| of the rest  | 0       | length     |                   |             |
//	+--------------+----------------------+-------------------+-------------+
//
// A send is request code 310 (SEND_MESSAGE_V2) with the fields a … n in alphabetical order. These parts are patched; all
// of them have one width, so that the lengths in the frame hold:
//
//	opaque      10 digits   1,000,000,000 + generation × window + slot
//	g (born)    13 digits   milliseconds since 1970
//	UNIQ_KEY    32 digits   16 random of the run, 4 of the connection, 12 count the connection's sends (hexadecimal)
//
// A pull is request code 11 (PULL_MESSAGE) for up to 32 messages of one queue, and may be held while there is nothing. The
// body of its answer is messages as they stand in the broker's log, one behind the other:
//
//	i32 size of all    u32 magic DAA320A7, or DAA320A3 where the topic's length has two bytes
//	u32 checksum       i32 queue id    i32 flag    i64 queue offset    i64 offset in the log
//	u32 system flag    bit 4: the born host is IPv6, bit 5: the store host is
//	i64 born at        born host: 4 bytes and i32 port, or 16 and i32
//	i64 stored at      store host likewise
//	i32 reconsumed     i64 offset of the prepared transaction
//	i32 length, body   u8 or u16 length, topic   u16 length, properties
//
// # Sends
//
// ModeSend is a closed loop: each connection keeps a window of sends in flight, and an answer makes room for the next
// send. A latency runs from just before the write that carries the send to just after the read that brings its answer. A
// broker that stalls therefore stalls the load: the maximum shows the stall, percentiles count it once per send in flight.
// Sends of the warm-up are checked like all others but not counted. The measured time ends with the last answer.
//
// Every answer must belong to a send in flight, name the queue that was asked for and carry a queue offset. At the end
// the offsets of each queue must be a range without holes in which each occurs once; so nobody else may write to the
// topic meanwhile. This is checked by count, ends and a sum of hashes per queue, in constant memory.
//
// # Pulls of a backlog
//
// ModePull fills the topic by sends, which aren't measured, or takes what it holds, and reads all of it as often as asked.
// The queues are dealt out among the connections. Each queue has at most one pull in flight, as with a real consumer,
// because the answer says where the next one begins; a connection has one in flight for several of its queues, in turn.
// The warm-up is whole passes over the backlog. Latencies are those of pulls.
//
// The messages of a queue must follow each other without a hole, each body must be the one that was sent, and the next
// pull must be to begin behind them.
//
// # Messages at a fixed rate
//
// ModeLatency sends at fixed times on one connection, whatever the broker does, to consumers whose pulls the broker holds.
// The body says when its send was due, and all latencies count from then: a stall shows in every message that waited for
// it, as it would for users. There are two: until the answer to the send, and until a consumer has read the message. So the
// sender's own lateness is part of both; it is reported beside them, and where it isn't small against them the machine was
// too busy to measure.
//
// With NoReceive there are no consumers, and the only latency is the one until the answer.
//
// The sender sleeps on a thread of its own with nanosleep, whose end is precise to some microseconds, and spins for the
// last 20 µs. Go's timers would be up to 1 ms late, and spinning throughout would take a core from the broker. Everything
// else is one goroutine for the send answers and one for each connection of consumers.
//
// Each send must be answered once, each stored message must come once and in order, and its body must be of this run.
//
// # Many topics, many connections
//
// ModeTopics does three things one after the other, each in a closed loop on several connections: it creates the topics,
// sends to each (first one message to each topic, then the next), and asks a name server for all of their routes, after it
// has waited for the last topic's. An answer is right if the message went to the queue that was asked for, and if the route
// names one broker with a master and the topic's queues.
//
// ModeConnections opens connections one after the other, on each of which a producer's heartbeat is answered, and holds
// them. At the end each must answer once more. A broker closes connections that are idle for too long (RocketMQ: 120 s).
package generator
