// Package generator drives a RocketMQ broker with sends over Remoting and measures how it answers.
//
// It is a peer of the broker, so that it can check it: it builds and reads frames by itself and shares no code with the
// server. It is also cheap, so that on one machine the broker gets the CPU: frames are built once per queue, and a send
// patches three numbers of fixed width into a copy.
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
// # What is measured
//
// The load is a closed loop: each connection keeps a window of sends in flight, and an answer makes room for the next
// send. A latency runs from just before the write that carries the send to just after the read that brings its answer. A
// broker that stalls therefore stalls the load: the maximum shows the stall, percentiles count it once per send in flight.
// Sends of the warm-up are checked like all others but not counted. The measured time ends with the last answer.
//
// # What is checked
//
// Every answer must belong to a send in flight, name the queue that was asked for and carry a queue offset. At the end
// the offsets of each queue must be a range without holes in which each occurs once; so nobody else may write to the
// topic meanwhile. This is checked by count, ends and a sum of hashes per queue, in constant memory.
package generator
