package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/loop"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// pingLoad sends message-sized frames to pingServer.
type pingLoad struct{ paced bool }

func (p *pingLoad) run(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	if p.paced {
		o.Connections = 1
	}
	if err := o.ValidateAs(p.mode()); err != nil {
		return nil, err
	}
	var conns []loop.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range o.Connections {
		c, err := dialPing(ctx, o)
		if err != nil {
			return nil, err
		}
		conns = append(conns, c)
	}
	if !p.paced {
		return loop.Closed(ctx, o, conns)
	}
	l, err := loop.NewOpen(o, o.SizeBytes)
	if err != nil {
		return nil, err
	}
	err = l.Run(ctx, conns[0], nil)
	return l.Report(), err
}

// mode is the one of the generator whose options apply.
func (p *pingLoad) mode() string {
	if p.paced {
		return generator.ModeLatency
	}
	return generator.ModeSend
}

// pingConn is a connection to pingServer: u32 length of the rest, u64 slot, body.
type pingConn struct {
	conn     net.Conn
	patience time.Duration
	frame    []byte
	out, in  []byte
	held     int
	rest     []byte // of in: what a read brought and Next hasn't returned yet
}

func dialPing(ctx context.Context, o *generator.Options) (*pingConn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(8+o.SizeBytes))
	frame = append(append(frame, make([]byte, 8)...), measure.NewBody(o.SizeBytes)...)
	return &pingConn{conn: c, patience: o.AnswerTimeout, frame: frame, in: make([]byte, 64<<10)}, nil
}

func (c *pingConn) Send(slot, _ int64) {
	at := len(c.out)
	c.out = append(c.out, c.frame...)
	binary.BigEndian.PutUint64(c.out[at+4:], uint64(slot))
}

func (c *pingConn) Flush() error {
	out := c.out
	c.out = c.out[:0]
	if len(out) == 0 {
		return nil
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
		return err
	}
	_, err := c.conn.Write(out)
	return err
}

func (c *pingConn) Read() error {
	if err := c.conn.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return err
	}
	n, err := c.conn.Read(c.in[c.held:])
	c.rest = c.in[:c.held+n]
	return err
}

func (c *pingConn) Next() (slot int64, stored, more bool, err error) {
	if len(c.rest) < 12 {
		c.held = copy(c.in, c.rest)
		return 0, false, false, nil
	}
	if n := binary.BigEndian.Uint32(c.rest); n != 8 {
		return 0, false, false, fmt.Errorf("answer of %d bytes, expected 8", n)
	}
	slot = int64(binary.BigEndian.Uint64(c.rest[4:]))
	c.rest = c.rest[12:]
	return slot, true, true, nil
}

func (c *pingConn) Close() error { return c.conn.Close() }
