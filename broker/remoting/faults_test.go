package remoting

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// badPeers are what may happen on a connection, each from its beginning to its end. Those that stay connected wait for done.
var badPeers = map[string]func(nc *net.TCPConn, done <-chan struct{}){
	"says nothing":         func(*net.TCPConn, <-chan struct{}) {},
	"stays silent":         func(_ *net.TCPConn, done <-chan struct{}) { <-done },
	"negative length":      sends([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}),
	"length of 2 GB":       sends([]byte{0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0}),
	"length below 4":       sends([]byte{0, 0, 0, 3, 0, 0, 0}),
	"header too long":      sends([]byte{0, 0, 0, 8, 0, 0, 0, 200, 1, 2, 3, 4}),
	"unknown form":         sends([]byte{0, 0, 0, 8, 9, 0, 0, 4, 1, 2, 3, 4}),
	"no JSON":              sends(append([]byte{0, 0, 0, 8, 0, 0, 0, 4}, "abcd"...)),
	"deep JSON":            sends(rawFrame(strings.Repeat(`{"x":[`, 10000))),
	"HTTP":                 sends([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
	"a bad PROXY header":   sends([]byte("PROXY TCP4 nonsense\r\n")),
	"half a handshake":     sends([]byte{firstOfTLS, 3, 1, 2, 0, 1}),
	"a bad handshake":      sends(append([]byte{firstOfTLS, 3, 1, 0, 5}, "xxxxx"...)),
	"half a frame":         sends(request(CodeHeartBeat, 1, false, "x")[:40]),
	"an answer to nothing": sends(encode(&Command{Code: RespSuccess, Opaque: 77, Flag: FlagResponse}, nil)),
	"garbage": func(nc *net.TCPConn, _ <-chan struct{}) {
		b := make([]byte, 10000)
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		nc.Write(b)
	},
	"a reset": func(nc *net.TCPConn, _ <-chan struct{}) {
		nc.Write(request(CodeHeartBeat, 1, false, "x"))
		nc.SetLinger(0)
	},
	"one byte at a time": func(nc *net.TCPConn, done <-chan struct{}) {
		for _, b := range request(CodeHeartBeat, 1, false, "x") {
			nc.Write([]byte{b})
		}
		<-done
	},
	"takes no answers": func(nc *net.TCPConn, done <-chan struct{}) {
		for i := range int32(40) {
			if _, err := nc.Write(request(CodePullMessage, i, false, "")); err != nil {
				return
			}
		}
		<-done
	},
	"makes the handler panic": sends(request(CodeSuspendConsumer, 1, false, "")),
}

func sends(b []byte) func(*net.TCPConn, <-chan struct{}) {
	return func(nc *net.TCPConn, _ <-chan struct{}) { nc.Write(b) }
}

func rawFrame(header string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)))
	return append(binary.BigEndian.AppendUint32(b, uint32(len(header))), header...)
}

// faulty answers pulls with a megabyte, panics when a consumer is to be suspended, and echoes everything else.
func faulty(pulled, released *counter) handlerFunc {
	part := make([]byte, 1<<20)
	return func(c *Conn, cmd *Command) {
		switch cmd.Code {
		case CodePullMessage:
			pulled.Release()
			w := c.Reply(cmd.Ticket(), RespSuccess, "")
			w.Parts([][]byte{part}, released)
			w.End()
		case CodeSuspendConsumer:
			panic("a bug")
		default:
			echo(c, cmd)
		}
	}
}

func TestOtherClientsNeverNoticeABadOne(t *testing.T) {
	server, client := testTLS()
	var pulled, released counter
	s, addr := startServer(t, faulty(&pulled, &released), ServerOptions{TLS: server, WriteTimeout: 200 * time.Millisecond})
	good := map[string]*Client{"JSON": dial(t, Dialer{}, addr), "binary": dial(t, Dialer{}, addr), "TLS": dial(t, Dialer{TLS: client}, addr)}
	done := make(chan struct{})
	var bad, calls sync.WaitGroup
	for name, k := range good {
		calls.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				body := fmt.Sprint(name, i)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				r, err := k.Call(ctx, &Request{Code: CodeSendMessage, Body: []byte(body), Binary: name == "binary"})
				cancel()
				if err != nil || string(r.Body) != body {
					t.Errorf("%s: call %d: %v", name, i, err)
					return
				}
			}
		})
	}
	stay := make(chan struct{})
	for _, behave := range badPeers {
		for range 4 {
			nc := dialRaw(t, addr)
			bad.Go(func() {
				behave(nc, stay)
				nc.Close()
			})
		}
	}
	time.AfterFunc(300*time.Millisecond, func() { close(stay) })
	bad.Wait()
	close(done)
	calls.Wait()
	for _, k := range good {
		k.Close()
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if n := released.n.Load(); n != pulled.n.Load() {
		t.Errorf("%d answers were released of %d", n, pulled.n.Load())
	}
}

// counting tells of each connection that has ended.
type counting struct {
	handlerFunc
	closed chan struct{}
}

func (h counting) Closed(*Conn) { h.closed <- struct{}{} }

func TestNothingIsLeftOfAThousandConnections(t *testing.T) {
	server, client := testTLS()
	var pulled, released counter
	h := counting{faulty(&pulled, &released), make(chan struct{}, 16)}
	_, addr := startServer(t, h, ServerOptions{TLS: server, WriteTimeout: 100 * time.Millisecond})
	gone := make(chan struct{})
	close(gone) // nobody stays
	kinds := make([]func(*net.TCPConn, <-chan struct{}), 0, len(badPeers)+2)
	for _, behave := range badPeers {
		kinds = append(kinds, behave)
	}
	kinds = append(kinds, func(nc *net.TCPConn, _ <-chan struct{}) { // a good one
		nc.Write(request(CodeHeartBeat, 1, false, "x"))
		readFrame(nc)
	}, func(nc *net.TCPConn, _ <-chan struct{}) {
		over := tls.Client(nc, &tls.Config{RootCAs: client.RootCAs, ServerName: "127.0.0.1"})
		over.Write(request(CodeHeartBeat, 1, false, "x"))
		readFrame(over)
		over.Close()
	})
	round := func(connections int) (goroutines, descriptors int) {
		var clients sync.WaitGroup
		for g := range 4 {
			clients.Go(func() {
				for i := g; i < connections; i += 4 {
					nc, err := net.Dial("tcp", addr)
					if err != nil {
						t.Error(err)
						return
					}
					kinds[i%len(kinds)](nc.(*net.TCPConn), gone)
					nc.Close()
				}
			})
		}
		for range connections {
			<-h.closed
		}
		clients.Wait()
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Logf("descriptors aren't counted here: %v", err)
		}
		return runtime.NumGoroutine(), len(open)
	}
	goroutines, descriptors := round(2 * len(kinds))
	moreGoroutines, moreDescriptors := round(1000)
	if n := released.n.Load(); n != pulled.n.Load() {
		t.Errorf("%d answers were released of %d", n, pulled.n.Load())
	}
	// A goroutine that has told of its end may still be on its way out.
	if moreGoroutines > goroutines+10 || moreDescriptors > descriptors {
		t.Errorf("%d goroutines and %d descriptors after 1,000 connections, %d and %d before", moreGoroutines, moreDescriptors, goroutines, descriptors)
	}
}
