package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// DefaultTimeout is that of a request when Options has none.
const DefaultTimeout = 5 * time.Second

// Options are how to reach a cluster.
type Options struct {
	Namesrvs []string      // addresses of name servers: the first that answers is believed, all are told of changes
	Timeout  time.Duration // of one request, connecting included; 0 = DefaultTimeout
}

// Client calls the servers of a cluster. It connects to a server when it first needs it, and keeps the connection until Close. Its methods
// are safe for concurrent use.
type Client struct {
	options Options

	mu    sync.Mutex // guards links
	links map[string]*link
}

// link is a connection that is there, or is being made.
type link struct {
	dial func() (*remoting.Client, error) // makes it at the first call, and returns it or the error at all of them
}

// New makes a Client. It connects to nobody yet.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	return &Client{options: o, links: map[string]*link{}}
}

// Close ends all connections.
func (c *Client) Close() error {
	c.mu.Lock()
	links := c.links
	c.links = map[string]*link{}
	c.mu.Unlock()
	var errs []error
	for _, l := range links {
		if conn, err := l.dial(); err == nil {
			errs = append(errs, conn.Close())
		}
	}
	return errors.Join(errs...)
}

// link is the one to addr, which calls at the same time share.
func (c *Client) link(addr string) *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.links[addr]
	if l == nil {
		l = &link{sync.OnceValues(func() (*remoting.Client, error) {
			ctx, cancel := context.WithTimeout(context.Background(), c.options.Timeout)
			defer cancel()
			return remoting.Dialer{Logger: slog.New(slog.DiscardHandler)}.Dial(ctx, addr)
		})}
		c.links[addr] = l
	}
	return l
}

// drop forgets a link that has failed, so that the next call makes another.
func (c *Client) drop(addr string, l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.links[addr] == l {
		delete(c.links, addr)
	}
}

// errTimeout says how long was waited, which context.DeadlineExceeded doesn't.
type errTimeout time.Duration

func (e errTimeout) Error() string { return fmt.Sprintf("no answer within %v", time.Duration(e)) }

// call sends a request and returns the answer, whatever its code says. Errors wrap ErrUnreachable.
func (c *Client) call(ctx context.Context, addr string, r *remoting.Request) (*remoting.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.Timeout, errTimeout(c.options.Timeout))
	defer cancel()
	l := c.link(addr)
	conn, err := l.dial()
	if err != nil {
		c.drop(addr, l)
		return nil, fmt.Errorf("admin: %w: %w", ErrUnreachable, err)
	}
	answer, err := conn.Call(ctx, r)
	if err == nil {
		return answer, nil
	}
	if errors.Is(err, remoting.ErrClosed) {
		c.drop(addr, l)
	}
	return nil, fmt.Errorf("admin: %w: %w", ErrUnreachable, err)
}

// ask is call for requests of which only success is an answer.
func (c *Client) ask(ctx context.Context, addr string, r *remoting.Request) (*remoting.Response, error) {
	answer, err := c.call(ctx, addr, r)
	if err != nil {
		return nil, err
	}
	return answer, refusal(answer.Err())
}

// fetch asks for a body and decodes it into v.
func (c *Client) fetch(ctx context.Context, addr string, r *remoting.Request, v any) error {
	answer, err := c.ask(ctx, addr, r)
	if err != nil {
		return err
	}
	return decode(addr, r, answer.Body, v)
}

func decode(addr string, r *remoting.Request, body []byte, v any) error {
	if err := fastjson.Unmarshal(body, v); err != nil {
		return fmt.Errorf("admin: the answer of %s to %s: %w", addr, remoting.RequestName(r.Code), err)
	}
	return nil
}

// name asks the first name server that answers. An answer that isn't success is one, too: the others would say the same.
func (c *Client) name(ctx context.Context, r *remoting.Request) (addr string, answer *remoting.Response, err error) {
	var errs []error
	for _, addr := range c.options.Namesrvs {
		answer, err := c.call(ctx, addr, r)
		if err == nil {
			return addr, answer, nil
		}
		errs = append(errs, err)
	}
	if errs == nil {
		return "", nil, fmt.Errorf("admin: %w: no name server is given", ErrUnreachable)
	}
	return "", nil, fmt.Errorf("admin: no name server answers: %w", errors.Join(errs...))
}

// fetchName asks a name server for a body and decodes it into v.
func (c *Client) fetchName(ctx context.Context, r *remoting.Request, v any) error {
	addr, answer, err := c.name(ctx, r)
	if err != nil {
		return err
	}
	if err := refusal(answer.Err()); err != nil {
		return err
	}
	return decode(addr, r, answer.Body, v)
}

// tellNames tells every name server.
func (c *Client) tellNames(ctx context.Context, r *remoting.Request) error {
	return each(c.options.Namesrvs, func(_ int, addr string) error {
		_, err := c.ask(ctx, addr, r)
		return err
	})
}

// parallel is how many requests are under way at once.
const parallel = 16

// each calls f for all items, many at a time, waits for all and joins their errors in the order of the items.
func each[T any](items []T, f func(i int, item T) error) error {
	if len(items) == 1 {
		return f(0, items[0])
	}
	errs := make([]error, len(items))
	room := make(chan struct{}, parallel)
	var all sync.WaitGroup
	for i, item := range items {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			errs[i] = f(i, item)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
