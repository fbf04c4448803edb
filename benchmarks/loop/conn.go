// Package loop sends to any kind of server, in a closed loop or at fixed times, and measures how it answers, as the generator of
// Remoting does. What a send is the connections know.
package loop

// Conn is a connection to a server. One goroutine sends and flushes; one reads and takes the answers: the same one or another.
type Conn interface {
	// Send appends a send to what Flush writes. Its answer must tell the slot. At is what the body should say, if it has room for that:
	// when the send is due, in ns since the load's start.
	Send(slot, at int64)
	// Flush writes what was appended. It fails when that takes too long.
	Flush() error
	// Read does one read. It fails when that takes too long, and with net.ErrClosed behind Close.
	Read() error
	// Next returns the slot of the next answer that the read brought, and whether the server says that it has the message. No more
	// means that the read brought no further one.
	Next() (slot int64, stored, more bool, err error)
	Close() error
}
