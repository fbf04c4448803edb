// Package remoting speaks RocketMQ's Remoting protocol over TCP, as a server and as a client; it knows no broker.
//
// # Frame
//
// All numbers are big endian. A frame is a request or an answer; both sides may send requests.
//
//	┌────────────┬──────────┬─────────────────┬──────────────┬─────────────────────────────┐
//	│ length     │ type     │ header length   │ header       │ body                        │
//	│ int32      │ 1 byte   │ 3 bytes         │ …            │ length − 4 − header length  │
//	└────────────┴──────────┴─────────────────┴──────────────┴─────────────────────────────┘
//	  counts everything behind it
//
// Type 0, a JSON header, in any order, with numbers and texts in either's place, and fields that nobody knows:
//
//	{"code":310,"extFields":{"a":"group","b":"topic",…},"flag":0,"language":"JAVA","opaque":7,
//	 "remark":"…","serializeTypeCurrentRPC":"JSON","version":513}
//
// Type 1, a binary header:
//
//	┌───────┬──────────┬─────────┬────────┬───────┬────────────────────┬───────────────┬──────────┐
//	│ code  │ language │ version │ opaque │ flag  │ remark             │ fields' bytes │ fields   │
//	│ int16 │ int8     │ int16   │ int32  │ int32 │ int32 length, text │ int32         │ …        │
//	└───────┴──────────┴─────────┴────────┴───────┴────────────────────┴───────────────┴──────────┘
//	and each field: int16 length, name; int32 length, value. A length of 0 is the same as nothing.
//
// An answer has flag bit 0 set, repeats the opaque number and comes in the form of its request. A request with flag bit 1 wants no answer.
// A worked example, the answer {code 0, opaque 5} with the field a=b and the body "hi" in the binary form:
//
//	00 00 00 23  01 00 00 1d  00 00  09  02 01  00 00 00 05  00 00 00 01  00 00 00 00  00 00 00 08
//	00 01 61  00 00 00 01 62  68 69
//
// # Server
//
// One goroutine reads a connection: one read brings many frames, all of them are decoded in place and handed to the Handler in one call, and
// what it answered in place leaves in one write. Answers may come later and from any goroutine: they gather in the connection's output, and a
// writer, started when there is something to write, sends what has gathered while it wrote before. Nobody but the reading goroutine
// and the writer ever waits for the socket.
//
// A connection may begin with a PROXY header (HAProxy, version 1 or 2), whose source then is the peer's address, and after it with a TLS
// handshake: the first byte tells, since no frame begins with it.
//
// A connection that is silent keeps no buffers, and one whose frame doesn't get complete ends. One whose peer doesn't take its answers stops being read at a bound on the bytes that wait, or
// on requests that wait for an answer, and ends when nothing moves for WriteTimeout. Every Releaser handed over is called once, whatever becomes
// of the connection.
package remoting
