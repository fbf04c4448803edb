// Package record encodes, decodes and checks the records of the commit log, in the format of RocketMQ 5.x. It does no I/O.
//
// A segment is a run of records from its first byte on. It ends with a blank record, or with zeros if the log goes no further.
// All integers are big-endian and signed unless a u says otherwise. Nothing is padded. Offsets below hold for IPv4 hosts; each IPv6 host
// (bits 0x10 and 0x20 of sysFlag) takes 12 bytes more and moves what follows.
//
//	┌──────┬──────┬───────────────────────────┬────────────────────────────────────────────────────────────────┐
//	│   at │ size │ field                     │                                                                │
//	├──────┼──────┼───────────────────────────┼────────────────────────────────────────────────────────────────┤
//	│    0 │    4 │ size                      │ of the whole record                                            │
//	│    4 │    4 │ u magic                   │ daa320a7 version 1, daa320ab version 2                         │
//	│    8 │    4 │ bodyCRC                   │ CRC-32 (IEEE) of the body as it is stored, without its top bit │
//	│   12 │    4 │ queueID                   │                                                                │
//	│   16 │    4 │ flag                      │ the application's                                              │
//	│   20 │    8 │ queueOffset               │ the message's place in its queue                               │
//	│   28 │    8 │ logOffset                 │ of this record's first byte                                    │
//	│   36 │    4 │ sysFlag                   │ Sys… bits                                                      │
//	│   40 │    8 │ bornTimestamp             │ ms since 1970, the client's clock                              │
//	│   48 │  4+4 │ bornHost                  │ address, port                                                  │
//	│   56 │    8 │ storeTimestamp            │ ms since 1970, the broker's clock                              │
//	│   64 │  4+4 │ storeHost                 │ address, port                                                  │
//	│   72 │    4 │ reconsumeTimes            │                                                                │
//	│   76 │    8 │ preparedTransactionOffset │ log offset of the half message                                 │
//	│   84 │    4 │ bodyLength                │ n                                                              │
//	├──────┼──────┼───────────────────────────┼────────────────────────────────────────────────────────────────┤
//	│   88 │    n │ body                      │                                                                │
//	│ 88+n │ 1, 2 │ topicLength               │ t; one byte in version 1, two in version 2                     │
//	│      │    t │ topic                     │ UTF-8                                                          │
//	│      │    2 │ propertiesLength          │ p                                                              │
//	│      │    p │ properties                │ UTF-8                                                          │
//	└──────┴──────┴───────────────────────────┴────────────────────────────────────────────────────────────────┘
//
// so size = 91 + n + t + p, one more in version 2, twelve more for each IPv6 host. Version 2 is for topics beyond 127 bytes.
// Lengths are signed, too: no topic is longer than 127 bytes in version 1, and no property section than 32,767.
//
// A blank record is two words, the bytes left in the segment, these eight included, and the magic number; what follows isn't written:
//
//	┌────────┬────────┐
//	│remains │u magic │
//	└────────┴────────┘
//
// Properties are pairs, each name 0x01 value 0x02. The last of them can be the CRC property, always these 20 bytes:
//
//	┌─────────────────┬────┬─────────────────────┬────┐
//	│__CRC32#     (8) │0x01│digits          (10) │0x02│
//	└─────────────────┴────┴─────────────────────┴────┘
//
// Its digits are the CRC-32, without its top bit, of the whole record in front of it, in decimal with the least significant digit first.
// No sum covers the property's own name and separators: a flip there hides the property and harms nothing else.
//
// # Order of work
//
// A Draft is encoded outside the append lock (AppendTo) and gets its place and time inside it (Finish). The sum of a record needs them, too;
// AppendTo leaves behind what Finish needs to complete the sum without another look at the record.
//
// # Example
//
// The message "hi" to queue 3 of topic T, tag a, as record at log offset 4096:
//
//	0000  00 00 00 79 da a3 20 a7 58 93 2a ac 00 00 00 03
//	0010  00 00 00 00 00 00 00 00 00 00 00 07 00 00 00 00
//	0020  00 00 10 00 00 00 00 00 00 00 01 8b cf e5 68 00
//	0030  7f 00 00 01 00 00 c3 50 00 00 01 8b cf e5 68 01
//	0040  7f 00 00 01 00 00 2a 9f 00 00 00 00 00 00 00 00
//	0050  00 00 00 00 00 00 00 02 68 69 01 54 00 1b 54 41
//	0060  47 53 01 61 02 5f 5f 43 52 43 33 32 23 01 31 38
//	0070  36 35 30 35 39 34 30 30 02
//
// that is: size 121, version 1, bodyCRC, queue 3, flag 0, queue offset 7, log offset 4096, sysFlag 0, born 1700000000000, at 127.0.0.1:50000,
// stored 1700000000001, at 127.0.0.1:10911, no retry, no transaction, then the body, the topic and the properties.
package record
