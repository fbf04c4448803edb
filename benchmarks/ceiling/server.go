package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"net"
	"sync"

	"github.com/gantry-mq/gantry/benchmarks/driver"
)

const maxFrameBytes = 16 << 20

// serveTCP answers pings until the context ends.
func serveTCP(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("serve tcp", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	if err := driver.Parse(fs, args); err != nil {
		return err
	}
	return listen(ctx, *addr, answerPings)
}

// listen accepts connections until the context ends, which closes them all, and returns when the last is done.
func listen(ctx context.Context, addr string, handle func(net.Conn) error) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	if err := driver.Ready("addr=" + l.Addr().String()); err != nil {
		return err
	}
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		conns.Go(func() {
			defer c.Close()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			_ = handle(c) // a client that breaks off, or breaks the protocol, has lost its connection: that is all it gets to know
		})
	}
}

// frames reads frames that begin with the length of their rest, and calls answer with the rest of each. What it appends to out leaves in
// one write for all frames of a read.
func frames(c net.Conn, answer func(out, frame []byte) ([]byte, error)) error {
	in, out := make([]byte, 256<<10), []byte(nil)
	for held := 0; ; {
		n, err := c.Read(in[held:])
		if err != nil {
			return err
		}
		rest := in[:held+n]
		out = out[:0]
		for len(rest) >= 4 {
			size := int(binary.BigEndian.Uint32(rest))
			if size > maxFrameBytes {
				return fmt.Errorf("frame of %d bytes, expected at most %d", size, maxFrameBytes)
			}
			if len(rest) < 4+size {
				break
			}
			if out, err = answer(out, rest[4:4+size]); err != nil {
				return err
			}
			rest = rest[4+size:]
		}
		if len(out) > 0 {
			if _, err := c.Write(out); err != nil {
				return err
			}
		}
		if held = copy(in, rest); held == len(in) {
			in = append(in, make([]byte, len(in))...)
		}
	}
}

// answerPings answers each frame with its slot, the first eight bytes.
func answerPings(c net.Conn) error {
	return frames(c, func(out, frame []byte) ([]byte, error) {
		if len(frame) < 8 {
			return nil, fmt.Errorf("frame of %d bytes, expected at least 8", len(frame))
		}
		out = binary.BigEndian.AppendUint32(out, 8)
		return append(out, frame[:8]...), nil
	})
}
