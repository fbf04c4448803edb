package remoting

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"testing"
)

func TestNeighboursOfABatchAreJoinedInOrder(t *testing.T) {
	for range 200 {
		b := new(batch)
		var want []byte
		for range rand.IntN(10) {
			size := rand.IntN(100)
			if rand.IntN(3) == 0 {
				size += recordBytes
			}
			p := bytes.Repeat([]byte{byte(rand.Uint32())}, size)
			b.parts = append(b.parts, p)
			want = append(want, p...)
		}
		b.cuts = append(b.cuts, cut{0, len(b.parts)})
		b.load()
		large := 0
		for _, p := range b.rest {
			if len(p) >= recordBytes {
				large++
			}
		}
		b.join()
		if got := bytes.Join(b.rest, nil); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes became %d, or others", len(want), len(got))
		}
		if len(b.rest) > 2*large+1 {
			t.Fatalf("%d slices, %d of them large", len(b.rest), large)
		}
	}
}

func TestSmallPartsShareTheWritesOfATLSConnection(t *testing.T) {
	server, client := testTLS()
	config := server.Clone()
	config.DynamicRecordSizingDisabled = true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	counting := &countingListener{Listener: l}
	part := bytes.Repeat([]byte("x"), 1000)
	s := NewServer(handlerFunc(func(c *Conn, cmd *Command) {
		w := c.Reply(cmd.Ticket(), RespSuccess, "")
		for range 64 {
			w.Parts([][]byte{part}, nil)
		}
		w.End()
	}), ServerOptions{Logger: slog.New(slog.DiscardHandler), TLS: config})
	served := make(chan error, 1)
	go func() { served <- s.Serve(counting) }()
	defer func() { s.Close(); <-served }()
	k := dial(t, Dialer{TLS: client}, l.Addr().String())
	for range 10 {
		if r, err := k.Call(context.Background(), &Request{Code: CodePullMessage}); err != nil || !bytes.Equal(r.Body, bytes.Repeat(part, 64)) {
			t.Fatal(err)
		}
	}
	if n := counting.writes.Load(); n > 10*5+5 { // of 64 KiB each in records of 16, and the handshake
		t.Errorf("%d writes for 10 answers of 64 parts", n)
	}
}
