package main

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gantry-mq/gantry/benchmarks/driver/drivertest"
)

func TestMain(m *testing.M) { drivertest.Main(m, main) }

// with runs a server with that configuration and returns the arguments that a load on it begins with.
func with(t *testing.T, sync string) (load func(mode string, args ...string) []string) {
	s := drivertest.Serve(t, "serve", "-data", t.TempDir(), "-sync", sync)
	return func(mode string, args ...string) []string {
		return append([]string{"bench", mode, "-addr", s.Words["addr"], "-pid", strconv.Itoa(s.PID), "-size", "200"}, args...)
	}
}

func TestEveryPublishedMessageIsAcknowledged(t *testing.T) {
	for _, sync := range []string{"default", "always"} {
		load := with(t, sync)
		r := drivertest.Bench(t, load("send", "-count", "300", "-warmup", "10ms", "-connections", "2", "-in-flight", "8", "-streams", "2")...)
		if r.Messages != 300 || r.Latency.P50 <= 0 || r.ServerCPUSeconds == nil {
			t.Errorf("-sync %s: %+v", sync, r)
		}
	}
}

func TestTheWholeBacklogIsPulledInEachPass(t *testing.T) {
	load := with(t, "default")
	for _, streams := range []string{"1", "3"} {
		r := drivertest.Bench(t, load("pull", "-count", "3000", "-passes", "2", "-warmup", "1ms", "-streams", streams, "-batch", "70")...)
		if r.Messages != 6000 || r.Pull == nil || r.Pull.Backlog != 3000 || r.Pull.Pulls < 6000/70 {
			t.Errorf("%s streams: %+v, %+v", streams, r, r.Pull)
		}
	}
	r := drivertest.Bench(t, load("pull", "-no-fill", "-warmup", "0s", "-streams", "3")...)
	if r.Messages != 3000 {
		t.Errorf("what is there: %+v", r)
	}
}

func TestMessagesAtAFixedRateReachTheConsumers(t *testing.T) {
	load := with(t, "default")
	r := drivertest.Bench(t, load("latency", "-rate", "2000", "-count", "400", "-warmup", "50ms", "-streams", "2", "-batch", "30")...)
	if d := r.Delivery; r.Messages != 400 || d == nil || d.Sent != 400 || d.SendLatency.P50 <= 0 || r.Latency.P50 <= 0 {
		t.Errorf("%+v, %+v", r, d)
	}
	r = drivertest.Bench(t, load("latency", "-rate", "2000", "-count", "400", "-warmup", "50ms", "-no-receive")...)
	if r.Messages != 400 || r.Latency.P50 <= 0 {
		t.Errorf("without consumers: %+v", r)
	}
}

func TestEachTopicIsAStreamThatGetsItsMessages(t *testing.T) {
	s := drivertest.Serve(t, "serve", "-data", t.TempDir())
	r := drivertest.Bench(t, "bench", "topics", "-addr", s.Words["addr"], "-pid", strconv.Itoa(s.PID), "-topic", "many", "-topics", "20", "-count", "2", "-in-flight", "4")
	if r.Messages != 40 || r.Topics == nil || r.Topics.Created != 20 || r.Topics.RSSAnonCreated == nil {
		t.Errorf("%+v, %+v", r, r.Topics)
	}
	nc, err := nats.Connect(s.Words["addr"])
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"many-000000", "many-000019"} {
		stream, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if n := stream.CachedInfo().State.Msgs; n != 2 {
			t.Errorf("stream %s has %d messages, expected 2", name, n)
		}
	}
}

func TestAcknowledgementsAreReadInAnyForm(t *testing.T) {
	for text, want := range map[string]bool{
		`{"stream":"a","seq":12}`:                                       true,
		`{"seq":12,"stream":"a"}`:                                       true,
		`{"stream":"a","seq":12,"domain":"d"}`:                          true,
		`{"error":{"code":503},"stream":"a","seq":0}`:                   false,
		`{"error":{"code":400,"description":"no"},"stream":"","seq":1}`: false,
		``: false,
	} {
		stream, seq, ok := parseAck([]byte(text))
		if ok != want || ok && (string(stream) != "a" || seq != 12) {
			t.Errorf("%s: %s %d %v", text, stream, seq, ok)
		}
	}
}

func TestDeliveriesMayBeCutAnywhere(t *testing.T) {
	const text = "INFO {}\r\nMSG a.b 3 5\r\nhello\r\n+OK\r\nHMSG a.c 4 reply 4 6\r\nh\r\n.xy\r\nPONG\r\n"
	for cut := range text {
		w := &wire{in: make([]byte, 4096)}
		var got []string
		for _, part := range []string{text[:cut], text[cut:]} {
			w.rest = w.in[:w.held+copy(w.in[w.held:], part)]
			for {
				m, more, err := w.next()
				if err != nil {
					t.Fatal(err)
				}
				if !more {
					break
				}
				text, _ := json.Marshal([]string{string(m.subject), string(m.reply), string(m.header), string(m.body), strconv.Itoa(m.sid)})
				got = append(got, string(text))
			}
		}
		if len(got) != 2 || got[0] != `["a.b","","","hello","3"]` || got[1] != `["a.c","reply","h\r\n.","xy","4"]` || w.pongs != 1 {
			t.Fatalf("cut at %d: %s, %d pongs", cut, got, w.pongs)
		}
	}
}

func TestABrokenDeliveryIsAnError(t *testing.T) {
	for _, text := range []string{"MSG a\r\n", "MSG a b 1\r\n", "MSG a 1 -1\r\n", "HMSG a 1 5 4\r\n", "MSG a 1 2 3 4 5\r\n", "MSG a 1 99999999999\r\n", "-ERR 'no'\r\n", "x\r\n"} {
		w := &wire{rest: []byte(text), in: make([]byte, 64)}
		if m, more, err := w.next(); err == nil {
			t.Errorf("%q: %+v, %v, expected an error", text, m, more)
		}
	}
}
