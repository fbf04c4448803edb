package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/driver/drivertest"
	"github.com/gantry-mq/gantry/benchmarks/generator"
)

func TestMain(m *testing.M) { drivertest.Main(m, main) }

func TestEveryPingIsAnsweredInAClosedLoop(t *testing.T) {
	s := drivertest.Serve(t, "serve", "tcp")
	r := drivertest.Bench(t, "bench", "tcp", "-addr", s.Words["addr"], "-pid", strconv.Itoa(s.PID), "-count", "5000", "-warmup", "50ms", "-connections", "2", "-in-flight", "8")
	if r.Mode != "tcp" || r.Messages != 5000 || r.Latency.P50 <= 0 || r.ServerCPUSeconds == nil {
		t.Errorf("%+v", r)
	}
}

func TestPingsAtAFixedRateAreSentWhenTheyAreDue(t *testing.T) {
	s := drivertest.Serve(t, "serve", "tcp")
	r := drivertest.Bench(t, "bench", "tcp", "-paced", "-addr", s.Words["addr"], "-rate", "2000", "-count", "600", "-warmup", "50ms")
	if r.Messages != 600 || r.Delivery == nil || r.Delivery.Sent != 600 || r.Latency.P50 <= 0 {
		t.Errorf("%+v, %+v", r, r.Delivery)
	}
	if r.ElapsedSeconds < 0.25 {
		t.Errorf("600 sends at 2000/s in %v s", r.ElapsedSeconds)
	}
}

func TestTheEmptyBrokerIsRightForTheGenerator(t *testing.T) {
	s := drivertest.Serve(t, "serve", "remoting")
	for _, mode := range []string{generator.ModeSend, generator.ModeLatency, generator.ModeTopics, generator.ModeConnections} {
		o := generator.Options{
			Mode: mode, Addr: s.Words["addr"], Topic: "t", Queues: 3, SizeBytes: 300, Connections: 3, InFlight: 16, Rate: 2000, NoReceive: true,
			Topics: 50, Warmup: 20 * time.Millisecond, Duration: 50 * time.Millisecond, AnswerTimeout: 10 * time.Second,
		}
		r, err := generator.Run(context.Background(), o, nil)
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		if !r.Clean() {
			t.Errorf("%s: %+v", mode, r)
		}
	}
}

func TestAnEmptyBrokerThatKeepsMessagesWritesThem(t *testing.T) {
	dir := t.TempDir()
	s := drivertest.Serve(t, "serve", "remoting", "-data", dir, "-sync", "10ms")
	o := generator.Options{
		Mode: generator.ModeSend, Addr: s.Words["addr"], Topic: "t", Queues: 3, SizeBytes: 300, Connections: 3, InFlight: 16, Count: 1000, AnswerTimeout: 10 * time.Second,
	}
	if r, err := generator.Run(context.Background(), o, nil); err != nil || !r.Clean() {
		t.Fatalf("%+v, %v", r, err)
	}
	f, err := os.Open(filepath.Join(dir, "ceiling-remoting"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kept := make([]byte, 1<<20) // more than the sends take
	if _, err := io.ReadFull(f, kept); err != nil || bytes.Count(kept, []byte(`"code":310`)) != 1000 {
		t.Errorf("%d sends, %v; expected 1000", bytes.Count(kept, []byte(`"code":310`)), err)
	}
}

func TestTheEmptyBrokerSaysThatItHasNoMessages(t *testing.T) {
	out, err := new(emptyBroker).answer(nil, append([]byte{0, 0, 0, 27}, `{"code":11,"opaque":7,"x":1}`[:27]...))
	if err != nil || !strings.Contains(string(out), `"code":3,`) || !strings.Contains(string(out), `"opaque":7,`) {
		t.Errorf("%q, %v", out, err)
	}
}

func TestBrokenFramesAreErrors(t *testing.T) {
	frame := func(header string) []byte { return append([]byte{0, 0, 0, byte(len(header))}, header...) }
	for _, f := range [][]byte{
		nil, {0, 0, 0, 1}, {1, 0, 0, 0}, frame(`{}`), frame(`{"code":310}`), frame(`{"code":310,"opaque":1}`),
		frame(`{"code":310,"opaque":1,"e":"70000"}`), frame(`{"code":99999999999,"opaque":1}`),
	} {
		if out, err := new(emptyBroker).answer(nil, f); err == nil {
			t.Errorf("%q: answer %q, expected an error", f, out)
		}
	}
	if out, err := new(emptyBroker).answer(nil, frame(`{"code":310,"opaque":1,"e":"1"}`)); err != nil {
		t.Errorf("a whole one: %q, %v", out, err)
	}
}

func TestRecordsComeFromTheMapping(t *testing.T) {
	s := drivertest.Serve(t, "serve", "writev", "-data", t.TempDir())
	r := drivertest.Bench(t, "bench", "writev", "-addr", s.Words["addr"], "-pid", strconv.Itoa(s.PID), "-connections", "2", "-warmup", "50ms", "-duration", "200ms")
	if r.Messages < 1000 || r.SizeBytes != recordBytes || r.ServerCPUSeconds == nil {
		t.Errorf("%+v", r)
	}
}

func TestRecordsComeWhenTheyAreAskedFor(t *testing.T) {
	s := drivertest.Serve(t, "serve", "writev", "-data", t.TempDir(), "-asked")
	r := drivertest.Bench(t, "bench", "writev", "-asked", "-addr", s.Words["addr"], "-pid", strconv.Itoa(s.PID), "-connections", "2", "-warmup", "50ms", "-duration", "200ms")
	if r.Messages < 1000 || r.SizeBytes != recordBytes {
		t.Errorf("%+v", r)
	}
}

func TestAFlushCountsForAllThatWaitForIt(t *testing.T) {
	r := drivertest.Bench(t, "bench", "fdatasync", "-data", t.TempDir(), "-connections", "2", "-in-flight", "8", "-count", "160", "-warmup", "0s")
	if r.Messages != 160 || r.Latency.P50 <= 0 || r.ServerCPUSeconds == nil {
		t.Errorf("%+v", r)
	}
}
