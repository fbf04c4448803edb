package remoting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestCallsOfManyGoroutinesShareAConnection(t *testing.T) {
	_, addr := startServer(t, handlerFunc(echo), ServerOptions{})
	k := dial(t, Dialer{}, addr)
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 100 {
				r := &Request{Code: CodeSendMessage, Body: fmt.Appendf(nil, "%d-%d", g, i), Binary: g%2 == 0}
				r.Fields.Add("text", "a\"\x01\x02ü")
				r.Fields.AddInt("g", int64(g))
				r.Fields.AddBool("b", true)
				got, err := k.Call(context.Background(), r)
				if err != nil {
					t.Error(err)
					return
				}
				n, err := got.Fields.Int32("g", -1)
				b, _ := got.Fields.Bool("b", false)
				if string(got.Body) != string(r.Body) || got.Fields.Str("text") != "a\"\x01\x02ü" || n != int32(g) || !b || err != nil || got.Err() != nil {
					t.Errorf("got %+v", got)
				}
			}
		})
	}
	wg.Wait()
}

func TestErrorsNameAddressAndCode(t *testing.T) {
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		if cmd.Code == CodePullMessage {
			c.Close()
			return
		}
		c.Reply(cmd.Ticket(), RespTopicNotExist, "no topic \"x\"").End()
	}), ServerOptions{})
	k := dial(t, Dialer{}, addr)
	r, err := k.Call(context.Background(), &Request{Code: CodeGetRouteInfoByTopic})
	if err != nil {
		t.Fatal(err)
	}
	var ce *CodeError
	if want := fmt.Sprintf(`remoting: GET_ROUTEINFO_BY_TOPIC to %s: TOPIC_NOT_EXIST (17): no topic "x"`, addr); !errors.As(r.Err(), &ce) || ce.Error() != want {
		t.Errorf("got %v, expected %s", r.Err(), want)
	}
	_, err = k.Call(context.Background(), &Request{Code: CodePullMessage})
	if !errors.Is(err, ErrClosed) || !strings.Contains(err.Error(), "PULL_MESSAGE (11) to "+addr) {
		t.Error(err)
	}
	if _, err = k.Call(context.Background(), &Request{Code: CodeHeartBeat}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err = k.Oneway(&Request{Code: CodeHeartBeat}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := Dial(context.Background(), "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Error(err)
	}
}

func TestACallEndsWithItsContextAndItsLateAnswerIsDropped(t *testing.T) {
	tickets := make(chan Ticket, 1)
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		if cmd.Code == CodePullMessage {
			tickets <- cmd.Ticket()
			return
		}
		c.Reply(<-tickets, RespSuccess, "late").End()
		echo(c, cmd)
	}), ServerOptions{})
	k := dial(t, Dialer{}, addr)
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error, 1)
	go func() {
		_, err := k.Call(ctx, &Request{Code: CodePullMessage})
		failed <- err
	}()
	for len(tickets) == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := len(k.conn.calls.waiting); n != 0 {
		t.Errorf("%d calls are still kept", n)
	}
	r, err := k.Call(context.Background(), &Request{Code: CodeHeartBeat, Body: []byte("x")})
	if err != nil || string(r.Body) != "x" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestTheServerCallsItsClients(t *testing.T) {
	conns := make(chan *Conn, 1)
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		conns <- c
		echo(c, cmd)
	}), ServerOptions{})
	notified := make(chan string, 1)
	k := dial(t, Dialer{OnRequest: func(c *Conn, cmd *Command) {
		if cmd.Code == CodeNotifyConsumerIDsChanged {
			notified <- cmd.Fields.Str("consumerGroup")
			return
		}
		w := c.Reply(cmd.Ticket(), RespSuccess, "")
		w.Body([]byte("running " + cmd.Fields.Str("clientId")))
		w.End()
	}}, addr)
	refusing := dial(t, Dialer{}, addr)
	for _, client := range []*Client{k, refusing} {
		if _, err := client.Call(context.Background(), &Request{Code: CodeHeartBeat}); err != nil {
			t.Fatal(err)
		}
		c := <-conns
		var fields Fields
		fields.Add("clientId", "c1")
		fields.Add("consumerGroup", "g1")
		if err := c.Oneway(CodeNotifyConsumerIDsChanged, fields, nil); err != nil {
			t.Fatal(err)
		}
		r, err := c.Call(context.Background(), CodeGetConsumerRunningInfo, fields, nil)
		if err != nil {
			t.Fatal(err)
		}
		if client == refusing {
			if r.Code != RespRequestCodeNotSupported {
				t.Errorf("%+v", r)
			}
			continue
		}
		if string(r.Body) != "running c1" || <-notified != "g1" {
			t.Errorf("%+v", r)
		}
	}
	k.Close()
}

func TestARequestThatIsTooLargeIsRefusedBeforeItIsSent(t *testing.T) {
	_, addr := startServer(t, handlerFunc(echo), ServerOptions{})
	k := dial(t, Dialer{MaxFrame: 1000}, addr)
	if _, err := k.Call(context.Background(), &Request{Code: CodeSendMessage, Body: make([]byte, 1000)}); !errors.Is(err, ErrFrame) {
		t.Error(err)
	}
	if _, err := k.Call(context.Background(), &Request{Code: CodeSendMessage, Body: make([]byte, 100)}); err != nil {
		t.Error(err)
	}
}

func TestAnsweringAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool forgets at random under the race detector")
	}
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	o := ServerOptions{Logger: slog.New(slog.DiscardHandler)}.withDefaults()
	c := newConn(far, handlerFunc(echo), o.limits(), o.Logger, new(pools))
	var released counter
	parts := [][]byte{make([]byte, 1000), make([]byte, 24)}
	body := []byte("body")
	for _, binaryHeader := range []bool{false, true} {
		ticket := Ticket{opaque: 1, binary: binaryHeader}
		if n := testing.AllocsPerRun(1000, func() {
			w := c.Reply(ticket, RespSuccess, "")
			w.Int("queueOffset", 12345)
			w.Str("msgId", "0A0000010000000000000000000000FF")
			w.Body(body)
			w.Parts(parts, &released)
			w.End()
			b := c.out.cur // as a writer would
			c.out.cur = nil
			b.load()
			b.reset()
			c.pools.putBatch(b)
		}); n != 0 {
			t.Errorf("binary %v: %v allocations", binaryHeader, n)
		}
	}
}

func TestOnewayRequestsOfClientsArrive(t *testing.T) {
	type seen struct {
		oneway  bool
		version int32
		group   string
	}
	got := make(chan seen, 1)
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		got <- seen{cmd.Ticket().Oneway(), cmd.Ticket().Version(), cmd.Fields.Str("consumerGroup")}
	}), ServerOptions{})
	k := dial(t, Dialer{}, addr)
	r := &Request{Code: CodeUpdateConsumerOffset, Version: Version49}
	r.Fields.Add("consumerGroup", "g")
	if err := k.Oneway(r); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != (seen{true, Version49, "g"}) {
		t.Errorf("%+v", s)
	}
}
