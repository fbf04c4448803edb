package generator

import (
	"context"
	"net"
	"time"
)

// wire is a connection with buffers, for one goroutine: it writes what was appended to out, then takes apart what comes.
type wire struct {
	conn net.Conn
	out  []byte // frames that flush writes
	in   []byte
	held int    // bytes of in that wait for the rest of their frame
	rest []byte // of in: what a read brought and next hasn't returned yet
}

func dialWire(ctx context.Context, addr string, bufferBytes int) (*wire, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, in: make([]byte, bufferBytes)}, nil
}

// flush writes out and empties it. What it and the next read wait for must come within patience.
func (w *wire) flush(patience time.Duration) error {
	if err := w.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.conn.Write(w.out)
	w.out = w.out[:0]
	return err
}

// read does one read. next must have returned nil before.
func (w *wire) read() error {
	if w.held == len(w.in) {
		w.in = append(w.in, make([]byte, len(w.in))...) // a frame larger than the buffer; cutFrame bounds it
	}
	n, err := w.conn.Read(w.in[w.held:])
	if err != nil {
		return err
	}
	w.rest = w.in[:w.held+n]
	return nil
}

// next returns the next complete frame of what was read, without its length, or nil. It is valid until the next read.
func (w *wire) next() ([]byte, error) {
	frame, rest, err := cutFrame(w.rest)
	if err != nil {
		return nil, err
	}
	if frame == nil {
		w.held = copy(w.in, rest)
		rest = nil
	}
	w.rest = rest
	return frame, nil
}

// ask sends a frame and returns the answer, which is valid until the next use of w. Nothing else may be in flight.
func (w *wire) ask(frame []byte, patience time.Duration) (answer, error) {
	w.out = append(w.out, frame...)
	if err := w.flush(patience); err != nil {
		return answer{}, err
	}
	for {
		frame, err := w.next()
		if err != nil {
			return answer{}, err
		}
		if frame == nil {
			if err := w.read(); err != nil {
				return answer{}, err
			}
			continue
		}
		if a, err := parseAnswer(frame); err != nil || a.isResponse() {
			return a, err
		}
	}
}
