package record

import "net/netip"

// Host is an address as records carry it. The port is an i32 on disk, so it is one here.
type Host struct {
	IP   netip.Addr
	Port int32
}

// Draft is a message on its way into the log: what the sender says of it, and, after the append, where it went.
// A Draft is used by one goroutine at a time and can be reused.
type Draft struct {
	Topic                     string
	QueueID                   int32
	Flag                      int32 // the application's own, opaque
	SysFlag                   int32 // Sys… bits; the two IPv6 bits are set by AppendTo from the hosts
	BornTimestamp             int64 // ms since 1970, the client's clock
	BornHost                  Host
	StoreHost                 Host
	ReconsumeTimes            int32
	PreparedTransactionOffset int64 // log offset of the half message, in committed messages only
	Body                      []byte
	// Properties and MoreProperties are serialised pairs that are written one after the other (with a separator where one is missing).
	// The second is there so that a broker can add its own without copying the sender's.
	Properties     []byte
	MoreProperties []byte

	// Joined ties the draft to the one before it: they are stored together, in one segment, or not at all (a client's batch).
	Joined bool
	// Queue belongs to whoever numbers the messages (commitlog.Assigner); the log and the codec don't look at it.
	Queue any

	// Set by the append.
	QueueOffset    int64
	LogOffset      int64
	StoreTimestamp int64 // ms since 1970, the broker's clock
	Size           int32 // bytes of the record in the log
	Err            error

	late lateCRC
}

// lateCRC is what AppendTo leaves to Finish, so that the CRC of the record costs the append lock the same for any size.
type lateCRC struct {
	on        bool
	zeros     uint32 // CRC of everything up to the CRC property, with the three fields that Finish writes zero
	afterTime uint32 // x^(8n) modulo the CRC polynomial for the n bytes behind storeTimestamp
}
