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
