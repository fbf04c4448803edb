package remoting

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"
)

// socketPair is both ends of a TCP connection.
func socketPair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near = dialRaw(t, l.Addr().String())
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return near, nc.(*net.TCPConn)
}

func TestWritesThatDoNotWaitCutWhatTheSocketTook(t *testing.T) {
	near, far := socketPair(t)
	n := newNowait(near)
	random := rand.NewChaCha8([32]byte{})
	var sent, pieces net.Buffers
	for _, count := range []int{1, 2, nowaitPieces, nowaitPieces + 1, 100, 3, 1} {
		for range count {
			b := make([]byte, rand.IntN(200<<10))
			random.Read(b)
			sent = append(sent, b)
		}
	}
	received := make(chan []byte, 1)
	stuck := false
	read := make(chan struct{}) // closed when the socket is full
	go func() {
		<-read
		b, err := io.ReadAll(far)
		if err != nil {
			t.Error(err)
		}
		received <- b
	}()
	for at, count := 0, 1; at < len(sent); at, count = at+count, min(1+rand.IntN(2*nowaitPieces), len(sent)-at-count) {
		pieces = append(pieces[:0], sent[at:at+count]...)
		for len(pieces) > 0 {
			before := 0
			for _, p := range pieces {
				before += len(p)
			}
			wrote, err := n.write(&pieces)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pieces {
				before -= len(p)
			}
			if before != wrote {
				t.Fatalf("%d bytes were written and %d cut", wrote, before)
			}
			if wrote == 0 && !stuck {
				stuck = true
				close(read)
			}
		}
	}
	if !stuck {
		t.Fatal("the socket took everything: the test tests nothing")
	}
	near.CloseWrite()
	if want := bytes.Join(sent, nil); !bytes.Equal(<-received, want) {
		t.Error("what arrived isn't what was sent")
	}
}

func TestWritesThatDoNotWaitGoOnBehindAnOldDeadline(t *testing.T) {
	near, far := socketPair(t)
	near.SetWriteDeadline(time.Now().Add(-time.Second))
	pieces := net.Buffers{[]byte("a"), []byte("b")}
	if wrote, err := newNowait(near).write(&pieces); wrote != 2 || err != nil || len(pieces) != 0 {
		t.Errorf("%d, %v, %q left", wrote, err, pieces)
	}
	far.SetLinger(0)
	far.Close()
	for t0 := time.Now(); time.Since(t0) < 10*time.Second; {
		pieces = net.Buffers{make([]byte, 1000)}
		if _, err := newNowait(near).write(&pieces); err != nil {
			if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("written to a socket that nobody has")
}

func TestWritingAtOnceAllocatesNothing(t *testing.T) {
	near, far := socketPair(t)
	go io.Copy(io.Discard, far)
	n := newNowait(near)
	part := make([]byte, 10)
	all := make(net.Buffers, nowaitPieces)
	if allocs := testing.AllocsPerRun(100, func() {
		for i := range all {
			all[i] = part
		}
		pieces := all
		n.write(&pieces)
	}); allocs > 1 { // the list's own header, which escapes here
		t.Errorf("%v allocations", allocs)
	}
}
