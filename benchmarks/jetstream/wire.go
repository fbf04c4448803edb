package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

const (
	bufferBytes     = 256 << 10
	maxMessageBytes = 64 << 20 // what the server can be configured to accept
)

// wire is a connection that speaks the client protocol of NATS: lines of text, of which these two are followed by a body.
//
//	PUB subject reply size          from the client
//	MSG subject sid [reply] size    from the server; HMSG with the size of headers, which precede the body, before the size of both
//
// One goroutine may append and flush, another read.
type wire struct {
	conn     net.Conn
	patience time.Duration
	out, in  []byte
	held     int    // bytes of in that wait for the rest of their message
	rest     []byte // of in: what a read brought and next hasn't returned yet
	pongs    int
}

// message is what the server delivers. It is valid until the next read.
type message struct {
	subject, reply, header, body []byte

	sid int // of the subscription
}

func dialWire(ctx context.Context, addr string, patience time.Duration) (*wire, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	w := &wire{conn: conn, patience: patience, in: make([]byte, bufferBytes)}
	w.out = append(w.out, `CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1,"lang":"go","version":"1","name":"bench"}`+"\r\n"...)
	if err := w.roundTrip(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to NATS at %s: %w", addr, err)
	}
	return w, nil
}

// roundTrip writes what was appended and waits until the server has read it. No messages may be due.
func (w *wire) roundTrip() error {
	w.out = append(w.out, "PING\r\n"...)
	before := w.pongs
	if err := w.Flush(); err != nil {
		return err
	}
	for w.pongs == before {
		if err := w.Read(); err != nil {
			return err
		}
		if _, more, err := w.next(); err != nil {
			return err
		} else if more {
			return errors.New("a message came before its subscription")
		}
	}
	return nil
}

// subscribe asks for the messages of a subject.
func (w *wire) subscribe(subject string, sid int) {
	w.out = fmt.Appendf(w.out, "SUB %s %d\r\n", subject, sid)
}

// publish appends a message.
func (w *wire) publish(subject, reply string, body []byte) {
	w.out = fmt.Appendf(w.out, "PUB %s %s %d\r\n", subject, reply, len(body))
	w.out = append(append(w.out, body...), "\r\n"...)
}

// Flush writes what was appended.
func (w *wire) Flush() error {
	out := w.out
	w.out = w.out[:0]
	if len(out) == 0 {
		return nil
	}
	if err := w.conn.SetWriteDeadline(time.Now().Add(w.patience)); err != nil {
		return err
	}
	_, err := w.conn.Write(out)
	return err
}

// Read does one read. next must have returned no more before.
func (w *wire) Read() error {
	if w.held == len(w.in) {
		w.in = append(w.in, make([]byte, len(w.in))...) // a message larger than the buffer; maxMessageBytes bounds it
	}
	if err := w.conn.SetReadDeadline(time.Now().Add(w.patience)); err != nil {
		return err
	}
	n, err := w.conn.Read(w.in[w.held:])
	w.rest = w.in[:w.held+n]
	return err
}

func (w *wire) Close() error { return w.conn.Close() }

// next returns the next message that is complete.
func (w *wire) next() (m message, more bool, err error) {
	for {
		end := bytes.IndexByte(w.rest, '\n')
		if end < 0 {
			break
		}
		line, after := bytes.TrimSuffix(w.rest[:end], []byte("\r")), w.rest[end+1:]
		verb, args, _ := bytes.Cut(line, []byte(" "))
		headers := len(verb) == 4
		switch string(verb) {
		case "MSG", "HMSG":
			var headerBytes, size int
			if m, headerBytes, size, err = parseDelivery(args, headers); err != nil {
				return m, false, fmt.Errorf("NATS line %.200q: %w", line, err)
			}
			if len(after) < size+2 {
				w.keep()
				return message{}, false, nil
			}
			m.header, m.body = after[:headerBytes], after[headerBytes:size]
			w.rest = after[size+2:]
			return m, true, nil
		case "PING":
			if _, err := w.conn.Write([]byte("PONG\r\n")); err != nil {
				return m, false, err
			}
		case "PONG":
			w.pongs++
		case "INFO", "+OK":
		default:
			return m, false, fmt.Errorf("the server says %.200q", line)
		}
		w.rest = after
	}
	w.keep()
	return message{}, false, nil
}

// keep has what is left wait for the next read.
func (w *wire) keep() {
	w.held = copy(w.in, w.rest)
	w.rest = nil
}

// parseDelivery reads what follows MSG or HMSG.
func parseDelivery(args []byte, headers bool) (m message, headerBytes, size int, err error) {
	var fields [5][]byte
	n := 0
	for field := range bytes.FieldsSeq(args) {
		if n == len(fields) {
			return m, 0, 0, errors.New("too many fields")
		}
		fields[n] = field
		n++
	}
	numbers := 1
	if headers {
		numbers = 2
	}
	names := n - numbers
	if names != 2 && names != 3 {
		return m, 0, 0, fmt.Errorf("%d fields", n)
	}
	m.subject = fields[0]
	if m.sid, err = strconv.Atoi(string(fields[1])); err != nil {
		return m, 0, 0, err
	}
	if names == 3 {
		m.reply = fields[2]
	}
	if headers {
		if headerBytes, err = strconv.Atoi(string(fields[n-2])); err != nil {
			return m, 0, 0, err
		}
	}
	if size, err = strconv.Atoi(string(fields[n-1])); err != nil {
		return m, 0, 0, err
	}
	if headerBytes < 0 || size < headerBytes || size > maxMessageBytes {
		return m, 0, 0, fmt.Errorf("%d bytes, %d of them headers", size, headerBytes)
	}
	return m, headerBytes, size, nil
}
