package remoting

import (
	"bufio"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"
)

const inFlight = 64

// pump sends frame through nc, inFlight at a time, and takes answers of answerBytes, until n have come. It does as little as it can, so that
// what is measured is the other side.
func pump(b *testing.B, nc net.Conn, frame []byte, answerBytes, n int) {
	many := make([]byte, 0, inFlight*len(frame))
	for range inFlight {
		many = append(many, frame...)
	}
	buf := make([]byte, 256<<10)
	sent, got := 0, 0
	for got < n*answerBytes {
		room := min(inFlight-(sent-got/answerBytes), n-sent)
		if room > 0 {
			if _, err := nc.Write(many[:room*len(frame)]); err != nil {
				b.Error(err)
				return
			}
			sent += room
		}
		m, err := nc.Read(buf)
		if err != nil {
			b.Error(err)
			return
		}
		got += m
	}
}

// measureCPU reports the processor time of the whole process, load included, per operation: on a busy machine it says more than the clock.
func measureCPU(b *testing.B, work func()) {
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	work()
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	ns := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(ns)/float64(b.N), "cpu-ns/op")
}

// BenchmarkEcho: requests of SEND_MESSAGE_V2 with 1 KiB, answered like a send. raw is a server that only counts bytes and answers as many of the
// same size, with the same batching: what sockets and the load itself cost.
func BenchmarkEcho(b *testing.B) {
	for _, kind := range []struct {
		name  string
		frame []byte
	}{{"json", sendFrame(javaSendHeader, false)}, {"binary", sendFrame("", true)}} {
		answer := func(c *Conn, cmd *Command) {
			w := c.Reply(cmd.Ticket(), RespSuccess, "")
			w.Str("msgId", "7F00000100002A9F0000000000000000")
			w.Int("queueId", 2)
			w.Int("queueOffset", 123456)
			w.End()
		}
		_, addr := startServer(b, handlerFunc(answer), ServerOptions{})
		nc := dialRaw(b, addr)
		nc.SetDeadline(time.Time{})
		nc.Write(kind.frame)
		probe := make([]byte, 1<<10)
		answerBytes, err := nc.Read(probe)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(kind.name+"/server", func(b *testing.B) {
			b.SetBytes(int64(len(kind.frame)))
			b.ReportAllocs()
			measureCPU(b, func() { pump(b, nc, kind.frame, answerBytes, b.N) })
		})
		rawAddr := rawServer(b, len(kind.frame), answerBytes)
		raw := dialRaw(b, rawAddr)
		raw.SetDeadline(time.Time{})
		b.Run(kind.name+"/raw", func(b *testing.B) {
			b.SetBytes(int64(len(kind.frame)))
			measureCPU(b, func() { pump(b, raw, kind.frame, answerBytes, b.N) })
		})
	}
}

func rawServer(b *testing.B, frameBytes, answerBytes int) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		in, out, have := make([]byte, inboxBytes), make([]byte, inFlight*answerBytes), 0
		for {
			n, err := nc.Read(in)
			if err != nil {
				return
			}
			have += n
			if _, err := nc.Write(out[:min(have/frameBytes, inFlight)*answerBytes]); err != nil {
				return
			}
			have %= frameBytes
		}
	}()
	b.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// BenchmarkPingPong has one request in flight: the latency that the server adds to the sockets'.
func BenchmarkPingPong(b *testing.B) {
	frame := sendFrame(javaSendHeader, false)
	_, addr := startServer(b, handlerFunc(func(c *Conn, cmd *Command) { c.Reply(cmd.Ticket(), RespSuccess, "").End() }), ServerOptions{})
	nc := dialRaw(b, addr)
	nc.SetDeadline(time.Time{})
	nc.Write(frame)
	answerBytes, err := nc.Read(make([]byte, 1<<10))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("server", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, answerBytes)
		for b.Loop() {
			nc.Write(frame)
			if _, err := io.ReadFull(nc, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	raw := dialRaw(b, rawServer(b, len(frame), answerBytes))
	raw.SetDeadline(time.Time{})
	b.Run("raw", func(b *testing.B) {
		buf := make([]byte, answerBytes)
		for b.Loop() {
			raw.Write(frame)
			if _, err := io.ReadFull(raw, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkIdleConnection reports what a connection costs that has been used and is silent now, the client's end included.
func BenchmarkIdleConnection(b *testing.B) {
	const conns = 1000
	_, addr := startServer(b, handlerFunc(echo), ServerOptions{})
	frame := request(CodeHeartBeat, 1, false, "x")
	memory := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := memory()
	for range conns {
		nc := dialRaw(b, addr)
		nc.Write(frame)
		if _, err := readFrame(bufio.NewReaderSize(nc, 16)); err != nil {
			b.Fatal(err)
		}
	}
	warm := memory()
	time.Sleep(2 * coolDown)
	cold := memory()
	for b.Loop() {
	}
	b.ReportMetric(float64(warm-before)/conns, "B/warm")
	b.ReportMetric(float64(cold-before)/conns, "B/idle")
}

func BenchmarkReply(b *testing.B) {
	for _, kind := range []struct {
		name   string
		binary bool
	}{{"json", false}, {"binary", true}} {
		b.Run(kind.name, func(b *testing.B) {
			c := newConn(new(net.TCPConn), handlerFunc(echo), ServerOptions{}.withDefaults().limits(), nil, new(pools))
			ticket := Ticket{opaque: 77, binary: kind.binary}
			fixed := FixFields("MSG_REGION", "DefaultRegion", "TRACE_ON", "true")
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				w := c.Reply(ticket, RespSuccess, "")
				w.Str("msgId", "7F00000100002A9F0000000000000000")
				w.Int("queueId", 2)
				w.Int("queueOffset", 123456)
				w.Fixed(fixed)
				w.End()
				if n++; n%inFlight == 0 {
					c.out.cur.reset()
				}
			}
		})
	}
}
