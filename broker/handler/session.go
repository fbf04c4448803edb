package handler

import (
	"log/slog"
	"sync"

	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// session is a client's connection.
type session struct {
	conn *remoting.Conn
	log  *slog.Logger

	mu   sync.Mutex // guards what follows, and the links of the pulls; taken before the Holder's
	gone bool       // the connection has ended
	held *pull      // the pulls that are held for it
}

func (h *Handler) session(c *remoting.Conn) *session {
	if s, ok := c.Attached().(*session); ok {
		return s
	}
	s := &session{conn: c, log: h.Logger}
	c.Attach(s)
	return s
}

// ConsumersChanged implements consume.Member.
func (s *session) ConsumersChanged(group string) {
	var f remoting.Fields
	f.Add("consumerGroup", group)
	if err := s.conn.Oneway(remoting.CodeNotifyConsumerIDsChanged, f, nil); err != nil {
		// The client looks for itself every 20 s.
		s.log.Debug("handler: consumers changed", "group", group, "error", err)
	}
}

// hold gives a pull to the holder. It is false when that is closed. A pull whose client is gone is forgotten.
func (s *session) hold(h *consume.Holder, p *pull) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		p.free()
		return true
	}
	if !h.Hold(&p.held) {
		return false
	}
	if p.next = s.held; p.next != nil {
		p.next.prev = p
	}
	s.held = p
	return true
}

// ready takes back a pull that the holder has called.
func (s *session) ready(p *pull) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unlink(p)
}

// unlink needs mu.
func (s *session) unlink(p *pull) {
	if p.prev == nil {
		s.held = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
}

// end forgets the pulls that are held: nobody is there to take their messages.
func (s *session) end(h *consume.Holder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	for p := s.held; p != nil; {
		following := p.next
		if h.Drop(&p.held) { // else it is about to be called, and finds the connection ended
			s.unlink(p)
			p.free()
		}
		p = following
	}
}
