package remoting

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"net"
	"time"
)

// Client is one connection to a server: any number of goroutines may call through it at once, and their requests share its writes.
// It doesn't reconnect: a Remote does.
type Client struct {
	conn *Conn
	done chan struct{}
}

// Dialer is how to connect. The zero value will do.
type Dialer struct {
	// OnRequest handles a request of the server's, on the goroutine that reads, and answers it like a Handler. Without it they are refused.
	OnRequest func(c *Conn, cmd *Command)
	// OnClosed is called when a connection has ended, on its own goroutine; nil = nobody need know.
	OnClosed func(c *Conn)
	// Connect makes the connection under Remoting and TLS; nil = TCP.
	Connect  func(ctx context.Context, addr string) (net.Conn, error)
	Logger   *slog.Logger  // nil = slog.Default
	MaxFrame int           // bytes, in both directions; 0 = 16 MiB
	Timeout  time.Duration // after which a server that takes nothing is given up; 0 = 30 s
	TLS      *tls.Config   // nil = plain text
}

// Dial connects with the zero Dialer.
func Dial(ctx context.Context, addr string) (*Client, error) { return Dialer{}.Dial(ctx, addr) }

// Dial connects to addr, a host and a port, and shakes hands where TLS is to be spoken.
func (d Dialer) Dial(ctx context.Context, addr string) (*Client, error) {
	connect := d.Connect
	if connect == nil {
		connect = connectTCP
	}
	nc, err := connect(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("remoting: %w", err)
	}
	if d.TLS == nil {
		return d.Client(nc), nil
	}
	config := d.TLS
	if config.ServerName == "" && !config.InsecureSkipVerify {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(addr) // it is an address, or there would be no connection
	}
	t := tls.Client(&transport{Conn: nc, timeout: d.options().WriteTimeout}, config)
	if err := t.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("remoting: TLS handshake with %s: %w", addr, err)
	}
	return d.start(nc, t), nil
}

func connectTCP(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// Client speaks over a connection that is there already, and owns it from then on. TLS is then the caller's business.
func (d Dialer) Client(nc net.Conn) *Client { return d.start(nc, nil) }

func (d Dialer) options() ServerOptions {
	return ServerOptions{Logger: d.Logger, MaxFrame: d.MaxFrame, WriteTimeout: d.Timeout}.withDefaults()
}

func (d Dialer) start(nc net.Conn, t *tls.Conn) *Client {
	o := d.options()
	l := o.limits()
	l.Idle = 0
	k := &Client{conn: newConn(nc, requests{d.OnRequest, d.OnClosed}, l, o.Logger, new(pools)), done: make(chan struct{})}
	if t != nil {
		k.conn.useTLS(t)
	}
	go func() { // ends with the connection; Close waits for it
		defer close(k.done)
		k.conn.serve()
	}()
	return k
}

// Call sends a request and waits for its answer. The error says that there is none, and names address and code; what the answer says is for
// Response.Err.
func (k *Client) Call(ctx context.Context, r *Request) (*Response, error) {
	return k.conn.call(ctx, r, k.conn.out.flushHere)
}

// Oneway sends a request that wants no answer. It waits only for a server that is more than 16 MiB behind.
func (k *Client) Oneway(r *Request) error {
	k.conn.out.room(k.conn.limits.MaxPending, math.MaxInt) // false: send says so
	if err := k.conn.send(r, 0, FlagOneway); err != nil {
		return k.conn.callError(r.Code, err)
	}
	k.conn.out.flushHere()
	return nil
}

// Done is closed when the connection has ended.
func (k *Client) Done() <-chan struct{} { return k.done }

// Close ends the connection; calls that wait get an error that wraps ErrClosed.
func (k *Client) Close() error {
	k.conn.Close()
	<-k.done
	return nil
}

// requests is the handler of a client's connection.
type requests struct {
	on     func(c *Conn, cmd *Command)
	closed func(c *Conn)
}

func (h requests) Serve(c *Conn, cmds []Command) {
	for i := range cmds {
		if h.on != nil {
			h.on(c, &cmds[i])
			continue
		}
		c.Reply(cmds[i].Ticket(), RespRequestCodeNotSupported, "this client takes no requests").End()
	}
}

func (h requests) Closed(c *Conn) {
	if h.closed != nil {
		h.closed(c)
	}
}
