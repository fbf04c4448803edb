package namesrv

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"sync"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// compressFrom is the size from which a registration is compressed even if nobody asks for it: a frame has a limit.
const compressFrom = 1 << 20

// ErrNoNamesrv is returned when not one name server took a request.
var ErrNoNamesrv = errors.New("no name server answered")

// RegistrarOptions are the choices of a Registrar's owner; the zero value will do.
type RegistrarOptions struct {
	Logger   *slog.Logger // nil: slog.Default
	Compress bool         // compress small registrations, too
	// Dial connects to a name server; nil: remoting.Dial.
	Dial func(ctx context.Context, addr string) (*remoting.Client, error)
}

// Registrar keeps a broker registered. It holds a connection to each name server, because these forget brokers whose
// connection ends. Its methods are safe for concurrent use.
type Registrar struct {
	o RegistrarOptions

	mu    sync.Mutex // guards links
	links map[string]*link
}

// link is the connection to one name server.
type link struct {
	mu     sync.Mutex // guards client, and is held while it connects
	client *remoting.Client
	closed bool
}

// NewRegistrar makes one that has no connection yet.
func NewRegistrar(o RegistrarOptions) *Registrar {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Dial == nil {
		o.Dial = remoting.Dial
	}
	return &Registrar{o: o, links: map[string]*link{}}
}

// Register registers a broker with all name servers at once, and drops the connections to others. Those that can't be
// reached or refuse are logged; only if none accepts it is that an error, which wraps ErrNoNamesrv and names each. ctx
// bounds the time that it takes. It returns what one of them told of the master.
func (r *Registrar) Register(ctx context.Context, addrs []string, b Broker, reg *Registration) (Registered, error) {
	r.keep(addrs)
	body, err := reg.encode(r.o.Compress)
	if err == nil && !r.o.Compress && len(body) > compressFrom {
		body, err = reg.encode(true)
	}
	if err != nil {
		return Registered{}, fmt.Errorf("namesrv: encode a registration: %w", err)
	}
	fields := b.fields()
	fields.Add("haServerAddr", b.HAAddr)
	fields.AddBool("enableActingMaster", b.ActingMaster)
	fields.AddBool("compressed", body[0] != '{')
	fields.AddInt("bodyCrc32", int64(crc32.ChecksumIEEE(body)&0x7fffffff))
	if b.Silence > 0 {
		fields.AddInt("heartbeatTimeoutMillis", b.Silence.Milliseconds())
	}
	if b.Zone != "" {
		fields.Add("__ZONE_NAME", b.Zone)
	}
	var mu sync.Mutex // guards out
	var out Registered
	err = r.callAll(ctx, addrs, &remoting.Request{Code: remoting.CodeRegisterBroker, Fields: fields, Body: body}, func(resp *remoting.Response) {
		mu.Lock()
		defer mu.Unlock()
		if master := resp.Fields.Str("masterAddr"); master != "" {
			out = Registered{MasterAddr: master, HAAddr: resp.Fields.Str("haServerAddr")}
		}
	})
	return out, err
}

// Unregister tells all name servers that a broker goes.
func (r *Registrar) Unregister(ctx context.Context, addrs []string, b Broker) error {
	return r.callAll(ctx, addrs, &remoting.Request{Code: remoting.CodeUnregisterBroker, Fields: b.fields()}, func(*remoting.Response) {})
}

func (b Broker) fields() (f remoting.Fields) {
	f.Add("clusterName", b.Cluster)
	f.Add("brokerName", b.Name)
	f.Add("brokerAddr", b.Addr)
	f.AddInt("brokerId", b.ID)
	return f
}

// callAll sends a request to all addresses at once and hands each successful answer to done, concurrently.
func (r *Registrar) callAll(ctx context.Context, addrs []string, req *remoting.Request, done func(*remoting.Response)) error {
	if len(addrs) == 0 {
		return fmt.Errorf("namesrv: %s: %w: no address is configured", remoting.RequestName(req.Code), ErrNoNamesrv)
	}
	errs := make([]error, len(addrs))
	var wg sync.WaitGroup
	for i, addr := range addrs {
		wg.Go(func() {
			var resp *remoting.Response
			if resp, errs[i] = r.call(ctx, addr, req); errs[i] == nil {
				done(resp)
			}
		})
	}
	wg.Wait()
	err := errors.Join(errs...)
	for _, e := range errs {
		if e == nil { // one at least is content
			if err != nil {
				r.o.Logger.Warn("namesrv: not every name server took a request", "request", remoting.RequestName(req.Code), "err", err)
			}
			return nil
		}
	}
	return fmt.Errorf("namesrv: %s: %w: %w", remoting.RequestName(req.Code), ErrNoNamesrv, err)
}

func (r *Registrar) call(ctx context.Context, addr string, req *remoting.Request) (*remoting.Response, error) {
	client, err := r.client(ctx, addr)
	if err != nil {
		return nil, err
	}
	resp, err := client.Call(ctx, req)
	if err != nil {
		return nil, err
	}
	return resp, resp.Err()
}

// client returns the connection to an address, after making it if there is none that works.
func (r *Registrar) client(ctx context.Context, addr string) (*remoting.Client, error) {
	r.mu.Lock()
	l := r.links[addr]
	if l == nil {
		l = new(link)
		r.links[addr] = l
	}
	r.mu.Unlock()

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("namesrv: %s: %w", addr, remoting.ErrClosed)
	}
	if l.client != nil {
		select {
		case <-l.client.Done():
			l.client = nil
		default:
			return l.client, nil
		}
	}
	client, err := r.o.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	l.client = client
	return client, nil
}

// keep closes the connections to addresses that aren't in the list.
func (r *Registrar) keep(addrs []string) {
	wanted := make(map[string]bool, len(addrs))
	for _, addr := range addrs {
		wanted[addr] = true
	}
	r.mu.Lock()
	var dropped []*link
	for addr, l := range r.links {
		if !wanted[addr] {
			delete(r.links, addr)
			dropped = append(dropped, l)
		}
	}
	r.mu.Unlock()
	for _, l := range dropped {
		l.close()
	}
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.client != nil {
		l.client.Close()
		l.client = nil
	}
}

// Close ends all connections, upon which the name servers forget the broker.
func (r *Registrar) Close() { r.keep(nil) }
