package remoting

import (
	"context"
	"fmt"
	"sync"
)

// Response is the answer to a call. It aliases nothing.
type Response struct {
	Code     int32
	Version  int32
	Language Language
	Remark   string
	Fields   Fields
	Body     []byte

	request int32
	from    string
}

// CodeError is a response code that isn't success, as an error.
type CodeError struct {
	Addr    string // who answered
	Request int32  // the request's code
	Code    int32
	Remark  string
}

func (e *CodeError) Error() string {
	return fmt.Sprintf("remoting: %s to %s: %s (%d): %s", RequestName(e.Request), e.Addr, ResponseName(e.Code), e.Code, e.Remark)
}

// Err is nil for RespSuccess and a *CodeError for every other code. Some codes that aren't success are ordinary answers, such as RespPullNotFound.
func (r *Response) Err() error {
	if r.Code == RespSuccess {
		return nil
	}
	return &CodeError{Addr: r.from, Request: r.request, Code: r.Code, Remark: r.Remark}
}

// calls are the requests of this side that wait for the peer's answers.
type calls struct {
	mu      sync.Mutex // guards what follows
	last    int32
	waiting map[int32]chan<- outcome
	err     error // the connection has ended
}

type outcome struct {
	response *Response
	err      error
}

// register adds a call and returns its opaque number and where its outcome will arrive.
func (k *calls) register() (int32, <-chan outcome, error) {
	ch := make(chan outcome, 1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return 0, nil, k.err
	}
	if k.waiting == nil {
		k.waiting = make(map[int32]chan<- outcome)
	}
	k.last++
	k.waiting[k.last] = ch
	return k.last, ch, nil
}

// take removes a call; nil when it isn't waited for any more.
func (k *calls) take(opaque int32) chan<- outcome {
	k.mu.Lock()
	defer k.mu.Unlock()
	ch := k.waiting[opaque]
	delete(k.waiting, opaque)
	return ch
}

// answer delivers a response, unless its caller has gone.
func (k *calls) answer(cmd *Command) {
	if ch := k.take(cmd.Opaque); ch != nil {
		ch <- outcome{response: newResponse(cmd)}
	}
}

// fail gives err to all who wait and will wait.
func (k *calls) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
	for _, ch := range k.waiting {
		ch <- outcome{err: err}
	}
	k.waiting = nil
}

// newResponse copies what the caller keeps.
func newResponse(cmd *Command) *Response {
	size := len(cmd.Body)
	for _, f := range cmd.Fields {
		size += len(f.Key) + len(f.Value)
	}
	room := make([]byte, 0, size)
	keep := func(b []byte) []byte {
		from := len(room)
		room = append(room, b...)
		return room[from:len(room):len(room)]
	}
	r := &Response{Code: cmd.Code, Version: cmd.Version, Language: cmd.Language, Remark: string(cmd.Remark), Body: keep(cmd.Body)}
	if len(cmd.Fields) > 0 {
		r.Fields = make(Fields, len(cmd.Fields))
		for i, f := range cmd.Fields {
			r.Fields[i] = Field{Key: keep(f.Key), Value: keep(f.Value)}
		}
	}
	return r
}

// Request is one that this side sends. It is only read.
type Request struct {
	Code    int32
	Version int32 // of the sender; 0 = Version55
	Fields  Fields
	Body    []byte
	Binary  bool // send a binary header, if the code fits into its 16 bits; the peer answers with one
}

// Oneway sends a request that wants no answer. It never waits for the socket: ErrBusy says that the peer is too far behind to be sent anything.
func (c *Conn) Oneway(code int32, fields Fields, body []byte) error {
	r := Request{Code: code, Fields: fields, Body: body}
	if c.out.full(c.limits.MaxPending) {
		return c.callError(code, ErrBusy)
	}
	if err := c.send(&r, 0, FlagOneway); err != nil {
		return c.callError(code, err)
	}
	c.out.flush()
	return nil
}

// Call sends a request and waits for the answer, or for ctx or the connection to end. It must not be called by Handler.Serve, since
// answers are read by the goroutine that is in there.
func (c *Conn) Call(ctx context.Context, code int32, fields Fields, body []byte) (*Response, error) {
	if c.out.full(c.limits.MaxPending) {
		return nil, c.callError(code, ErrBusy)
	}
	return c.call(ctx, &Request{Code: code, Fields: fields, Body: body}, c.out.flush)
}

func (c *Conn) call(ctx context.Context, r *Request, flush func()) (*Response, error) {
	opaque, ch, err := c.calls.register()
	if err != nil {
		return nil, c.callError(r.Code, err)
	}
	if err := c.send(r, opaque, 0); err != nil {
		c.calls.take(opaque)
		return nil, c.callError(r.Code, err)
	}
	flush()
	select {
	case o := <-ch:
		if o.err != nil {
			return nil, c.callError(r.Code, o.err)
		}
		o.response.request, o.response.from = r.Code, c.remoteName()
		return o.response, nil
	case <-ctx.Done():
		c.calls.take(opaque)
		return nil, c.callError(r.Code, context.Cause(ctx))
	}
}

func (c *Conn) callError(code int32, err error) error {
	return fmt.Errorf("remoting: %s (%d) to %s: %w", RequestName(code), code, c.remoteName(), err)
}

// send adds a request to the output.
func (c *Conn) send(r *Request, opaque, flag int32) error {
	w := c.pools.reply()
	defer c.pools.putReply(w)
	version := r.Version
	if version == 0 {
		version = Version55
	}
	w.c, w.ticket = c, Ticket{binary: r.Binary && r.Code == int32(int16(r.Code))}
	w.start(r.Code, opaque, flag, version, "")
	for i := range r.Fields {
		w.add(r.Fields[i])
	}
	w.Body(r.Body)
	if !w.seal() {
		w.release()
		return w.err
	}
	if !c.out.add(w, false, false) {
		return ErrClosed
	}
	return nil
}
