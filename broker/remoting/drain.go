package remoting

import "time"

// linger is how long a connection that has been told of its end is given to end it from the other side. drainGrace is how long one that is
// being drained must be silent to count as done: requests may be on their way.
const (
	linger     = time.Second
	drainGrace = 20 * time.Millisecond
)

// refuse answers a request that came in while the server drains: clients that understand it are told to go elsewhere, others to retry.
func (c *Conn) refuse(cmd *Command) {
	if cmd.Version > Version53 {
		c.Reply(cmd.Ticket(), RespGoAway, "the server is shutting down").End()
		return
	}
	c.Reply(cmd.Ticket(), RespServiceNotAvailable, "the server is shutting down, send it to another broker").End()
}

// drain lets the connection end as soon as nothing is owed to the peer.
func (c *Conn) drain() {
	c.draining.Store(true)
	c.drained()
}

// drained has the reading goroutine look, soon, whether a connection that is to end has nothing more to do.
func (c *Conn) drained() {
	if c.draining.Load() && c.out.quiet() {
		c.nc.SetReadDeadline(time.Now().Add(drainGrace)) // an error is the end, which the reader sees too
	}
}

// bye tells the peer that nothing more will come, and gives it time to close: a close from this side while its bytes arrive would
// take answers away that it hasn't read.
func (c *Conn) bye() error {
	half, ok := c.stream.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return ErrClosed
	}
	end := time.Now().Add(linger)
	for c.nc.SetReadDeadline(end) == nil {
		if _, err := c.nc.Read(c.cold[:]); err != nil {
			break
		}
	}
	return ErrClosed
}
