package remoting

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// handshakeTimeout is how long a TLS handshake may take.
const handshakeTimeout = 10 * time.Second

// firstOfTLS is the byte that a TLS handshake begins with. No frame begins with it, nor with the first byte of a PROXY header: that would
// be the length of a frame beyond 200 MB.
const firstOfTLS = 0x16

var (
	errNoTLS = errors.New("the peer speaks TLS, which is off here")
	errPlain = errors.New("the peer doesn't speak TLS, which is required here")
)

// entrance is what a connection to a server may begin with: PROXY headers, then either a TLS handshake or frames at once.
type entrance struct {
	tls        *tls.Config // nil: no TLS
	requireTLS bool
}

// enter looks at the first bytes of a connection, and takes those away that aren't frames. c.entrance is nil when it knows what is spoken, and
// otherwise more bytes are needed.
func (c *Conn) enter(in *inbox) error {
	for in.end > 0 {
		switch in.buf[0] {
		case proxyV1[0], proxyV2[0]:
			source, size, err := decodeProxyHeader(in.buf[:in.end])
			if err != nil || size == 0 {
				return err
			}
			if source.IsValid() {
				c.remote = source
			}
			in.drop(size)
		case firstOfTLS:
			return c.acceptTLS(in)
		default:
			if c.entrance.requireTLS {
				return errPlain
			}
			c.entrance = nil
			return nil
		}
	}
	return nil
}

// acceptTLS shakes hands with a peer whose first bytes are in the inbox.
func (c *Conn) acceptTLS(in *inbox) error {
	if c.entrance.tls == nil {
		return errNoTLS
	}
	t := tls.Server(&transport{Conn: c.nc, first: bytes.Clone(in.buf[:in.end]), timeout: c.limits.Write}, c.entrance.tls)
	in.end = 0
	if err := c.nc.SetReadDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	if err := t.Handshake(); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	c.useTLS(t)
	c.entrance = nil
	return nil
}

// useTLS puts TLS between the connection and its socket. Nothing has been sent so far. The deadlines stay those of the socket: TLS goes on
// reading after one.
func (c *Conn) useTLS(t *tls.Conn) {
	c.stream = t
	c.out.to, c.out.records, c.out.nowait = t, true, nil
}

// transport is the socket under TLS. Each record gets a time of its own to get through, since an attempt that was given up can't be continued.
type transport struct {
	net.Conn
	first   []byte // bytes that have been read already
	timeout time.Duration
}

func (t *transport) Read(b []byte) (int, error) {
	if len(t.first) > 0 {
		n := copy(b, t.first)
		t.first = t.first[n:]
		return n, nil
	}
	return t.Conn.Read(b)
}

func (t *transport) Write(b []byte) (int, error) {
	if err := t.Conn.SetWriteDeadline(time.Now().Add(t.timeout)); err != nil {
		return 0, err
	}
	return t.Conn.Write(b)
}
