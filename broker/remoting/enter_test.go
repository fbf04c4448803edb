package remoting

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// testTLS is a server's configuration with a certificate for 127.0.0.1, and a client's that trusts it.
var testTLS = sync.OnceValues(func() (server, client *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Now().AddDate(1, 0, 0), IPAddresses: []net.IP{{127, 0, 0, 1}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: roots}
})

func TestPlainTextAndTLSShareAPort(t *testing.T) {
	server, client := testTLS()
	_, addr := startServer(t, handlerFunc(echo), ServerOptions{TLS: server})
	for name, k := range map[string]*Client{"plain": dial(t, Dialer{}, addr), "TLS": dial(t, Dialer{TLS: client}, addr)} {
		for _, size := range []int{0, 100, 1 << 20} {
			r, err := k.Call(context.Background(), &Request{Code: CodeSendMessage, Body: bytes.Repeat([]byte("x"), size)})
			if err != nil || len(r.Body) != size {
				t.Errorf("%s with %d bytes: %v", name, size, err)
			}
		}
	}
	if _, err := (Dialer{TLS: &tls.Config{RootCAs: x509.NewCertPool()}}).Dial(context.Background(), addr); err == nil || !strings.Contains(err.Error(), "TLS handshake with "+addr) {
		t.Errorf("a client that doesn't trust the server: %v", err)
	}
}

func TestBothSidesOfATLSConnectionSendRequests(t *testing.T) {
	server, client := testTLS()
	conns := make(chan *Conn, 1)
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) { conns <- c; echo(c, cmd) }), ServerOptions{TLS: server})
	k := dial(t, Dialer{TLS: client, OnRequest: echo}, addr)
	if _, err := k.Call(context.Background(), &Request{Code: CodeHeartBeat}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	c := <-conns
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if r, err := c.Call(context.Background(), CodeGetConsumerRunningInfo, nil, []byte("who")); err != nil || string(r.Body) != "who" {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestWhoDoesNotSpeakWhatIsRequiredIsRefusedWithALine(t *testing.T) {
	server, client := testTLS()
	for _, tc := range []struct {
		o    ServerOptions
		want string
	}{
		{ServerOptions{}, "speaks TLS, which is off here"},
		{ServerOptions{TLS: server, RequireTLS: true}, "doesn't speak TLS, which is required"},
		{ServerOptions{RequireTLS: true}, "doesn't speak TLS, which is required"},
	} {
		lines, o := newLog(), tc.o
		o.Logger = lines.logger()
		_, addr := startServer(t, handlerFunc(echo), o)
		if o.RequireTLS {
			nc := dialRaw(t, addr)
			nc.Write(request(CodeHeartBeat, 1, false, ""))
			if c, err := readFrame(nc); err == nil {
				t.Errorf("answered %+v", c)
			}
		} else if _, err := (Dialer{TLS: client}).Dial(context.Background(), addr); err == nil {
			t.Error("shook hands with a server without TLS")
		}
		lines.await(t, tc.want)
	}
}

func TestAHandshakeThatStopsIsGivenUp(t *testing.T) {
	server, _ := testTLS()
	synctest.Test(t, func(t *testing.T) {
		near, c, ended := servePipe(handlerFunc(echo), ServerOptions{})
		c.entrance = &entrance{tls: server}
		start := time.Now()
		near.Write([]byte{firstOfTLS, 3, 1})
		<-ended
		if d := time.Since(start); d != handshakeTimeout {
			t.Errorf("given up after %v, expected %v", d, handshakeTimeout)
		}
	})
}

func TestADrainedTLSConnectionSaysGoodbye(t *testing.T) {
	server, client := testTLS()
	s, addr := startServer(t, handlerFunc(echo), ServerOptions{TLS: server})
	nc, err := tls.Dial("tcp", addr, client)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.Write(request(CodeHeartBeat, 1, false, "x"))
	expectEcho(t, nc, 1, false, "x")
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	if _, err := nc.Read(make([]byte, 1)); err != io.EOF { // without the goodbye it would be unexpected
		t.Errorf("after the last answer: %v", err)
	}
	nc.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAPeerOverTLSThatTakesNothingIsGivenUpAndItsPartsReleased(t *testing.T) {
	server, client := testTLS()
	lines := newLog()
	var released, served counter
	part := make([]byte, 1<<20)
	closed := make(chan struct{})
	_, addr := startServer(t, closing{handlerFunc(func(c *Conn, cmd *Command) {
		w := c.Reply(cmd.Ticket(), RespSuccess, "")
		w.Parts([][]byte{part}, &released)
		w.End()
		served.Release()
	}), closed}, ServerOptions{TLS: server, WriteTimeout: 100 * time.Millisecond, Logger: lines.logger()})
	nc, err := tls.Dial("tcp", addr, client)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for i := range int32(20) {
		if _, err := nc.Write(request(CodePullMessage, i, false, "")); err != nil {
			break
		}
	}
	<-closed
	lines.await(t, "the peer took nothing for 100ms")
	awaitCount(t, &released, served.n.Load())
}

func TestTheAddressThatAProxyNamesIsThePeers(t *testing.T) {
	server, client := testTLS()
	var seen sync.Map
	_, addr := startServer(t, handlerFunc(func(c *Conn, cmd *Command) {
		seen.Store(cmd.Opaque, c.RemoteAddr().String())
		echo(c, cmd)
	}), ServerOptions{TLS: server})
	header := []byte("PROXY TCP4 192.0.2.1 198.51.100.7 56324 10911\r\n")

	nc := dialRaw(t, addr)
	for _, b := range append(header, request(CodeHeartBeat, 1, false, "x")...) { // cut everywhere
		nc.Write([]byte{b})
	}
	expectEcho(t, nc, 1, false, "x")

	nc = dialRaw(t, addr)
	nc.Write(append(header, request(CodeHeartBeat, 2, false, "x")...))
	expectEcho(t, nc, 2, false, "x")

	nc = dialRaw(t, addr)
	nc.Write(header)
	over := tls.Client(nc, &tls.Config{RootCAs: client.RootCAs, ServerName: "127.0.0.1"})
	over.Write(request(CodeHeartBeat, 3, false, "x"))
	expectEcho(t, over, 3, false, "x")

	for i := range int32(3) {
		if got, _ := seen.Load(i + 1); got != "192.0.2.1:56324" {
			t.Errorf("connection %d: %v", i+1, got)
		}
	}
	nc = dialRaw(t, addr)
	nc.Write([]byte("PROXY nonsense\r\n"))
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("behind a bad PROXY header: %v, expected EOF", err)
	}
}
