package remoting

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handlerFunc handles requests one by one.
type handlerFunc func(c *Conn, cmd *Command)

func (f handlerFunc) Serve(c *Conn, cmds []Command) {
	for i := range cmds {
		f(c, &cmds[i])
	}
}
func (handlerFunc) Closed(*Conn) {}

// echo answers with the request's body and fields.
func echo(c *Conn, cmd *Command) {
	w := c.Reply(cmd.Ticket(), RespSuccess, "")
	for _, f := range cmd.Fields {
		w.add(f)
	}
	w.Body(cmd.Body)
	w.End()
}

// logLines is a log that a test waits on.
type logLines struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	wrote chan struct{}
}

func newLog() *logLines { return &logLines{wrote: make(chan struct{}, 1)} }

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(b)
	select {
	case l.wrote <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logLines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logLines) await(t *testing.T, part string) {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for !strings.Contains(l.String(), part) {
		select {
		case <-l.wrote:
		case <-timeout:
			t.Fatalf("no line with %q in the log: %s", part, l)
		}
	}
}

// startServer serves h on a loopback port until the test ends.
func startServer(t testing.TB, h Handler, o ServerOptions) (*Server, string) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(h, o)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
	})
	return s, l.Addr().String()
}

func dialRaw(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc.(*net.TCPConn)
}

func dial(t testing.TB, d Dialer, addr string) *Client {
	t.Helper()
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	k, err := d.Dial(context.Background(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// request is a frame with the field n.
func request(code, opaque int32, binaryHeader bool, body string) []byte {
	c := Command{Code: code, Opaque: opaque, Version: 401, Binary: binaryHeader}
	c.Fields.AddInt("n", int64(opaque))
	return encode(&c, []byte(body))
}

// readFrame reads one frame as a client does, with nothing of the server's reading.
func readFrame(r io.Reader) (Command, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return Command{}, err
	}
	frame := make([]byte, 4+binary.BigEndian.Uint32(length[:]))
	copy(frame, length[:])
	if _, err := io.ReadFull(r, frame[4:]); err != nil {
		return Command{}, err
	}
	var c Command
	_, err := decodeFrame(&c, frame, nil)
	return c, err
}

func expectEcho(t *testing.T, r io.Reader, opaque int32, binaryHeader bool, body string) {
	t.Helper()
	c, err := readFrame(r)
	if err != nil {
		t.Fatalf("answer %d: %v", opaque, err)
	}
	if c.Opaque != opaque || c.Code != RespSuccess || c.Flag != FlagResponse || c.Version != Version55 || c.Binary != binaryHeader ||
		string(c.Body) != body || c.Fields.Str("n") != fmt.Sprint(opaque) {
		t.Fatalf("got %+v, expected opaque %d, binary %v, body %q", c, opaque, binaryHeader, body)
	}
}

// countingListener counts the writes to the connections it accepts.
type countingListener struct {
	net.Listener
	writes atomic.Int64
}

type countingConn struct {
	net.Conn
	l *countingListener
}

func (l *countingListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{nc, l}, nil
}

func (c countingConn) Write(b []byte) (int, error) {
	c.l.writes.Add(1)
	return c.Conn.Write(b)
}

func TestManyRequestsInOneWriteAreAnsweredInFewWrites(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	counting := &countingListener{Listener: l}
	var calls atomic.Int64
	s := NewServer(batchCounter{&calls}, ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	served := make(chan error, 1)
	go func() { served <- s.Serve(counting) }()
	defer func() { s.Close(); <-served }()

	nc := dialRaw(t, l.Addr().String())
	var all []byte
	for i := range int32(1000) {
		all = append(all, request(CodeSendMessage, i, i%2 == 0, "body")...)
	}
	go nc.Write(all)
	for i := range int32(1000) {
		expectEcho(t, nc, i, i%2 == 0, "body")
	}
	// 130 KB arrive in a few reads, and each read is one call and at most one write.
	if n := counting.writes.Load(); n > 50 {
		t.Errorf("%d writes for 1000 answers", n)
	}
	if n := calls.Load(); n > 50 {
		t.Errorf("%d calls of Serve for 1000 requests", n)
	}
}

type batchCounter struct{ calls *atomic.Int64 }

func (b batchCounter) Serve(c *Conn, cmds []Command) {
	b.calls.Add(1)
	handlerFunc(echo).Serve(c, cmds)
}
func (batchCounter) Closed(*Conn) {}

func TestFramesMayBeCutAnywhere(t *testing.T) {
	_, addr := startServer(t, handlerFunc(echo), ServerOptions{})
	one := request(CodeHeartBeat, 1, false, "first")
	two := append(request(CodeHeartBeat, 2, true, "second"), request(CodeHeartBeat, 3, false, "")...)
	for cut := 1; cut < len(one); cut += 3 {
		nc := dialRaw(t, addr)
		nc.Write(one[:cut])
		nc.Write(append(one[cut:len(one):len(one)], two...))
		expectEcho(t, nc, 1, false, "first")
		expectEcho(t, nc, 2, true, "second")
		expectEcho(t, nc, 3, false, "")
		nc.Close()
	}
	nc := dialRaw(t, addr)
	for _, b := range append(one, two...) {
		nc.Write([]byte{b})
	}
	expectEcho(t, nc, 1, false, "first")
	expectEcho(t, nc, 2, true, "second")
	expectEcho(t, nc, 3, false, "")
}

func TestLargeFramesPass(t *testing.T) {
	_, addr := startServer(t, handlerFunc(echo), ServerOptions{})
	k := dial(t, Dialer{}, addr)
	for _, n := range []int{0, 511, 512, 513, inboxBytes - 100, inboxBytes, keepBytes, keepBytes + 1, 5 << 20, 10} {
		body := bytes.Repeat([]byte{byte(n)}, n)
		r, err := k.Call(context.Background(), &Request{Code: CodeSendMessage, Body: body})
		if err != nil || !bytes.Equal(r.Body, body) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func TestBadFramesEndTheConnectionWithOneLine(t *testing.T) {
	for name, tc := range map[string]struct {
		frame []byte
		want  string
	}{
		"negative length":    {[]byte{0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0}, "length -2, expected 4 at least"},
		"length of nothing":  {[]byte{0, 0, 0, 3}, "length 3, expected 4 at least"},
		"too long":           {[]byte{0, 0, 4, 0}, "1028 bytes, expected 1024 at most"},
		"header too long":    {[]byte{0, 0, 0, 5, 0, 0, 0, 2, '{'}, "header of 2 bytes in a frame of 9"},
		"unknown kind":       {[]byte{0, 0, 0, 4, 7, 0, 0, 0}, "header type 7"},
		"undecodable header": {[]byte{0, 0, 0, 5, 0, 0, 0, 1, '['}, "no { at byte 0 of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := newLog()
			_, addr := startServer(t, handlerFunc(echo), ServerOptions{MaxFrame: 1024, Logger: lines.logger()})
			nc := dialRaw(t, addr)
			nc.Write(append(request(CodeHeartBeat, 9, false, "ok"), tc.frame...))
			if _, err := io.Copy(io.Discard, nc); err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
				t.Fatal(err)
			}
			lines.await(t, tc.want)
			if out := lines.String(); strings.Count(out, "\n") != 1 || !strings.Contains(out, nc.LocalAddr().String()) {
				t.Errorf("log: %s", out)
			}
		})
	}
}

func TestAnswersBeforeABadFrameArrive(t *testing.T) {
	_, addr := startServer(t, handlerFunc(echo), ServerOptions{})
	nc := dialRaw(t, addr)
	nc.Write(append(request(CodeHeartBeat, 9, false, "ok"), 0xff, 0, 0, 0))
	expectEcho(t, nc, 9, false, "ok")
}

func TestOnewayRequestsGetNoAnswer(t *testing.T) {
	var released counter
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		if cmd.Oneway() {
			w := c.Reply(cmd.Ticket(), RespSuccess, "")
			w.Parts([][]byte{[]byte("nobody reads this")}, &released)
			w.End()
			return
		}
		echo(c, cmd)
	}), ServerOptions{})
	nc := dialRaw(t, addr)
	c := Command{Code: CodeUnregisterClient, Opaque: 1, Flag: FlagOneway}
	nc.Write(append(encode(&c, nil), request(CodeHeartBeat, 2, false, "x")...))
	expectEcho(t, nc, 2, false, "x")
	if n := released.n.Load(); n != 1 {
		t.Errorf("released %d times, expected once", n)
	}
}

func TestAPanickingHandlerCostsItsConnectionOnly(t *testing.T) {
	lines := newLog()
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		if cmd.Code == CodePullMessage {
			c.Reply(cmd.Ticket(), RespSuccess, "").Str("half", "done")
			panic("bad offset")
		}
		echo(c, cmd)
	}), ServerOptions{Logger: lines.logger()})
	other := dial(t, Dialer{}, addr)
	k := dial(t, Dialer{}, addr)
	if _, err := k.Call(context.Background(), &Request{Code: CodePullMessage}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	lines.await(t, "bad offset")
	lines.await(t, "server_test.go") // the stack
	if _, err := other.Call(context.Background(), &Request{Code: CodeHeartBeat}); err != nil {
		t.Error(err)
	}
}

func TestAnAnswerThatIsTooLargeBecomesAnError(t *testing.T) {
	var released counter
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		w := c.Reply(cmd.Ticket(), RespSuccess, "")
		w.Parts([][]byte{make([]byte, 5000)}, &released)
		w.End()
	}), ServerOptions{MaxFrame: 4096})
	for _, binaryHeader := range []bool{false, true} {
		r, err := dial(t, Dialer{}, addr).Call(context.Background(), &Request{Code: CodePullMessage, Binary: binaryHeader})
		if err != nil || r.Code != RespSystemError || !strings.Contains(r.Remark, "5000 bytes, the bound is 4096") {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if n := released.n.Load(); n != 2 {
		t.Errorf("released %d times, expected 2", n)
	}
}

// counter counts its releases.
type counter struct{ n atomic.Int64 }

func (c *counter) Release() { c.n.Add(1) }

func TestPartsAreWrittenInOrderAndReleasedOnce(t *testing.T) {
	var released counter
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		w := c.Reply(cmd.Ticket(), RespSuccess, "")
		w.Body([]byte("<"))
		w.Parts([][]byte{[]byte("a"), nil, []byte("bc")}, &released)
		w.Parts([][]byte{[]byte("d")}, &released)
		w.Int("n", int64(cmd.Opaque))
		w.End()
	}), ServerOptions{})
	nc := dialRaw(t, addr)
	var all []byte
	for i := range int32(100) {
		all = append(all, request(CodePullMessage, i, i%2 == 0, "")...)
	}
	go nc.Write(all)
	for i := range int32(100) {
		expectEcho(t, nc, i, i%2 == 0, "<abcd")
	}
	awaitCount(t, &released, 200)
}

func awaitCount(t *testing.T, c *counter, want int64) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); c.n.Load() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("released %d times, expected %d", c.n.Load(), want)
		}
	}
}

// closing tells of the end of a connection.
type closing struct {
	handlerFunc
	closed chan struct{}
}

func (h closing) Closed(*Conn) { close(h.closed) }

func TestSilentConnectionsAreClosed(t *testing.T) {
	lines := newLog()
	_, addr := startServer(t, handlerFunc(echo), ServerOptions{IdleTimeout: 50 * time.Millisecond, Logger: lines.logger()})
	nc := dialRaw(t, addr)
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	lines.await(t, "silent for too long: 50ms")
}

func TestAPeerThatIsGoneHalfwayThroughAFrameEndsTheConnection(t *testing.T) {
	closed := make(chan struct{})
	_, addr := startServer(t, closing{handlerFunc(echo), closed}, ServerOptions{})
	nc := dialRaw(t, addr)
	nc.Write(request(CodeHeartBeat, 1, false, "x")[:20])
	nc.CloseWrite()
	<-closed
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestAnswersReachAPeerThatHasStoppedSending(t *testing.T) {
	_, addr := startServer(t, handlerFunc(echo), ServerOptions{})
	nc := dialRaw(t, addr)
	nc.Write(request(CodeHeartBeat, 1, false, "x"))
	nc.CloseWrite()
	expectEcho(t, nc, 1, false, "x")
}

func TestConnectionsOverPipesWork(t *testing.T) {
	near, c, ended := servePipe(handlerFunc(echo), ServerOptions{})
	go near.Write(append(request(CodeHeartBeat, 1, false, "x"), request(CodeHeartBeat, 2, true, "y")...))
	expectEcho(t, near, 1, false, "x")
	expectEcho(t, near, 2, true, "y")
	if c.RemoteAddr().IsValid() {
		t.Error(c.RemoteAddr())
	}
	if v := c.Attached(); v != nil {
		t.Error(v)
	}
	c.Attach(42)
	if v := c.Attached(); v != 42 {
		t.Error(v)
	}
	near.Close()
	<-ended
}
