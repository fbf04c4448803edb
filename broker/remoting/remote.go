package remoting

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// How long an attempt to connect may take, and how long after one that failed the next one may be made; that doubles with each.
const (
	connectTimeout = 3 * time.Second
	firstPause     = 100 * time.Millisecond
	longestPause   = 10 * time.Second
)

// Remote is a server that is called by its address. It is connected to by the first call, and again by the first one after the connection has
// ended. After an attempt that failed, calls fail at once for a while, so that whoever has another server to go to doesn't wait.
// Its methods are safe for concurrent use.
type Remote struct {
	dialer Dialer
	addr   string
	ctx    context.Context // of attempts to connect
	cancel context.CancelFunc

	mu      sync.Mutex           // guards what follows
	current *Client              // takes new calls; nil = none
	all     map[*Client]struct{} // those that haven't ended: one that is leaving still brings answers
	attempt chan struct{}        // closed when the attempt to connect is over; nil = there is none
	failed  error                // why the last one failed; nil = it didn't
	pause   time.Duration        // after failed
	next    time.Time            // when the next one may be made
	running sync.WaitGroup       // the attempt and one per connection; added to under mu while ctx hasn't ended
}

// Remote is the server at addr. Close ends what it keeps open.
func (d Dialer) Remote(addr string) *Remote {
	ctx, cancel := context.WithCancel(context.Background())
	return &Remote{dialer: d, addr: addr, ctx: ctx, cancel: cancel, all: make(map[*Client]struct{})}
}

// Addr is the server's address.
func (r *Remote) Addr() string { return r.addr }

// Call sends a request and waits for its answer. A server that is going away has the request sent once more, over a new connection: the address
// may stand for several. Nothing else is sent twice: when the error says that there is no answer, the request may have been served.
func (r *Remote) Call(ctx context.Context, req *Request) (*Response, error) {
	for again := false; ; again = true {
		k, err := r.client(ctx, req.Code)
		if err != nil {
			return nil, err
		}
		resp, err := k.Call(ctx, req)
		if err != nil || resp.Code != RespGoAway {
			return resp, err
		}
		r.leave(k)
		if again {
			return resp, nil
		}
	}
}

// Oneway sends a request that wants no answer. ctx bounds the time to connect.
func (r *Remote) Oneway(ctx context.Context, req *Request) error {
	k, err := r.client(ctx, req.Code)
	if err != nil {
		return err
	}
	return k.Oneway(req)
}

// client is the connection for a new call.
func (r *Remote) client(ctx context.Context, code int32) (*Client, error) {
	for {
		k, wait, err := r.look(time.Now())
		if err != nil {
			return nil, fmt.Errorf("remoting: %s (%d) to %s: %w", RequestName(code), code, r.addr, err)
		}
		if k != nil {
			return k, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, fmt.Errorf("remoting: %s (%d) to %s: connecting: %w", RequestName(code), code, r.addr, context.Cause(ctx))
		}
	}
}

// look returns the connection, or the end of an attempt to make one, or why there is none.
func (r *Remote) look(now time.Time) (*Client, <-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ctx.Err() != nil:
		return nil, nil, ErrClosed
	case r.current != nil && !r.current.conn.ended():
		return r.current, nil, nil
	case r.attempt != nil:
	case r.failed != nil && now.Before(r.next):
		return nil, nil, r.failed
	default:
		r.attempt = make(chan struct{})
		r.running.Go(r.connect)
	}
	return nil, r.attempt, nil
}

// connect makes one attempt.
func (r *Remote) connect() {
	ctx, cancel := context.WithTimeout(r.ctx, connectTimeout)
	defer cancel()
	k, err := r.dialer.Dial(ctx, r.addr)
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.attempt)
	r.attempt, r.failed = nil, err
	if err != nil {
		r.pause = min(max(2*r.pause, firstPause), longestPause)
		r.next = time.Now().Add(r.pause)
		return
	}
	r.pause = 0
	r.all[k] = struct{}{}
	if r.ctx.Err() != nil {
		k.conn.Close() // Close didn't see it
	} else {
		r.current = k
	}
	r.running.Go(func() { // ends with the connection
		<-k.Done()
		r.leave(k)
		r.mu.Lock()
		delete(r.all, k)
		r.mu.Unlock()
	})
}

// leave has new calls go over another connection.
func (r *Remote) leave(k *Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == k {
		r.current = nil
	}
}

// Close ends the connections; calls that wait get an error that wraps ErrClosed.
func (r *Remote) Close() error {
	r.mu.Lock()
	r.cancel()
	for k := range r.all {
		k.conn.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
	return nil
}
