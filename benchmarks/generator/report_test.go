package generator

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestReportReadsWellAndKeepsItsKeys(t *testing.T) {
	rate, cpu, rss := 250_000.0, 4.0, int64(10<<20)
	r := Report{
		Addr: "127.0.0.1:10911", Topic: "bench", Queues: 8, SizeBytes: 1024, Connections: 4, InFlight: 64,
		Started: time.Unix(1_700_000_000, 0).UTC(), Messages: 1_000_000, ElapsedSeconds: 5, MessagesPerSecond: 200_000,
		Latency:          Latency{Mean: 900, P50: 800.4, P90: 1500, P99: 2500, P999: 30_000, Max: 2_500_000},
		ServerCPUSeconds: &cpu, MessagesPerServerCPUSecond: &rate, ServerRSSAnonBytes: &rss,
		Failures: []Failure{{Code: 2, Count: 3, Remark: "busy"}}, Problems: []string{"queue 1: odd"},
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	want := `127.0.0.1:10911  topic bench  8 queues  1024 B  4 connections × 64 in flight
messages    1000000 in 5.00 s
rate        200000 msg/s
server CPU  250000 msg per CPU-second  (4.00 s)
server RSS  10.0 MiB anonymous
latency     p50 800 µs  p90 1.50 ms  p99 2.50 ms  p99.9 30.00 ms  max 2.50 s
failed      3 with code 2: busy
PROBLEM     queue 1: odd
`
	if text.String() != want {
		t.Errorf("text\n%s, expected\n%s", text.String(), want)
	}

	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON := `{"addr":"127.0.0.1:10911","topic":"bench","queues":8,"sizeBytes":1024,"connections":4,"inFlight":64,` +
		`"started":"2023-11-14T22:13:20Z","messages":1000000,"elapsedSeconds":5,"messagesPerSecond":200000,` +
		`"latencyMicros":{"mean":900,"p50":800.4,"p90":1500,"p99":2500,"p99.9":30000,"max":2500000},` +
		`"serverCPUSeconds":4,"messagesPerServerCPUSecond":250000,"serverRssAnonBytes":10485760,` +
		`"failures":[{"code":2,"count":3,"remark":"busy"}],"problems":["queue 1: odd"]}`
	if string(got) != wantJSON {
		t.Errorf("JSON\n%s, expected\n%s", got, wantJSON)
	}
}

func TestEachModeAddsItsOwnLines(t *testing.T) {
	cpu, before, created, end, each := 2.0, int64(2<<20), int64(30<<20), int64(50<<20), 12345.0
	l := Latency{P50: 1, P90: 2, P99: 3, P999: 4, Max: 5}
	const lText = "p50 1 µs  p90 2 µs  p99 3 µs  p99.9 4 µs  max 5 µs"
	for name, test := range map[string]struct {
		report     Report
		text, json string
	}{
		"pull": {
			Report{Topic: "T", Queues: 8, SizeBytes: 10, Pull: &PullReport{Backlog: 100, Passes: 2, Pulls: 7, EmptyPulls: 1, MegabytesPerSecond: 410.4}},
			"B  topic T  8 queues  10 B  4 connections\nmessages    0 in 0.00 s\nrate        0 msg/s\nserver CPU  2.00 s\nserver RSS  50.0 MiB anonymous\nlatency     " + lText + "\n" +
				"pulls       7 with messages, 1 without; backlog 100 × 2 passes; 410 MB/s\n",
			`"pull":{"backlog":100,"passes":2,"pulls":7,"emptyPulls":1,"megabytesPerSecond":410.4}}`,
		},
		"latency": {
			Report{Topic: "T", Queues: 8, SizeBytes: 10, Delivery: &DeliveryReport{Rate: 5000, Sent: 100, Pulls: 7, EmptyPulls: 1, SendLatency: l, Late: 3, Lateness: l}},
			"B  topic T  8 queues  10 B  4 connections\nmessages    0 in 0.00 s\nrate        0 msg/s\nserver CPU  2.00 s\nserver RSS  50.0 MiB anonymous\nlatency     " + lText + "\n" +
				"sends       " + lText + "\nlateness    " + lText + "\npaced       100 sent at 5000/s, 3 late by more than 1 ms; 7 pulls with messages, 1 without\n",
			`"delivery":{"ratePerSecond":5000,"sent":100,"pulls":7,"emptyPulls":1,"sendLatencyMicros":{"mean":0,"p50":1,"p90":2,"p99":3,"p99.9":4,"max":5},"late":3,` +
				`"latenessMicros":{"mean":0,"p50":1,"p90":2,"p99":3,"p99.9":4,"max":5}}}`,
		},
		"topics": {
			Report{Topic: "T", Queues: 8, SizeBytes: 10, Topics: &TopicsReport{
				Topics: 100, Created: 99, CreateSeconds: 0.5, CreatedPerSecond: 198, CreateLatency: l, RSSAnonBefore: &before, RSSAnonCreated: &created,
				Routes: &RoutesReport{Namesrv: "N", Right: 98, Seconds: 0.1, PerSecond: 980, Latency: l},
			}},
			"B  100 topics × 8 queues  10 B  4 connections\nmessages    0 in 0.00 s\nrate        0 msg/s\nserver CPU  2.00 s\nserver RSS  50.0 MiB anonymous\nlatency     " + lText + "\n" +
				"created     99 of 100 topics in 0.50 s, 198/s; " + lText + "\n            server RSS anonymous 2.0 MiB before, 30.0 MiB with the topics\n" +
				"routes      98 right of 100 in 0.10 s, 980/s; " + lText + "\n",
			`"topics":{"topics":100,"created":99,"createSeconds":0.5,"createdPerSecond":198,"createLatencyMicros":{"mean":0,"p50":1,"p90":2,"p99":3,"p99.9":4,"max":5},` +
				`"serverRssAnonBytesBefore":2097152,"serverRssAnonBytesCreated":31457280,"routes":{"namesrv":"N","right":98,"seconds":0.1,"perSecond":980,` +
				`"latencyMicros":{"mean":0,"p50":1,"p90":2,"p99":3,"p99.9":4,"max":5}}}}`,
		},
		"connections": {
			Report{Topic: "T", Queues: 8, SizeBytes: 10, Idle: &IdleReport{Held: 100, Alive: 99, RSSAnonBefore: &before, BytesPerConnection: &each}},
			"B  4 connections\nserver CPU  2.00 s\nserver RSS  50.0 MiB anonymous\nlatency     " + lText + "\n" +
				"connections 100 held, 99 of them answered again\n            server RSS anonymous 2.0 MiB before, 12.1 KiB more for each\n",
			`"idle":{"held":100,"alive":99,"serverRssAnonBytesBefore":2097152,"serverRssAnonBytesPerConnection":12345}}`,
		},
	} {
		r := test.report
		r.Addr, r.Connections, r.Latency, r.ServerCPUSeconds, r.ServerRSSAnonBytes = "B", 4, l, &cpu, &end
		var text strings.Builder
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if text.String() != test.text {
			t.Errorf("%s: text\n%s, expected\n%s", name, text.String(), test.text)
		}
		if got, err := json.Marshal(r); err != nil || !strings.HasSuffix(string(got), test.json) {
			t.Errorf("%s: JSON\n%s, expected it to end with\n%s", name, got, test.json)
		}
	}
}
