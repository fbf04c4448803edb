package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// near fails if got is more than a few percent away from want.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.03*math.Abs(want) {
		t.Errorf("%s: %.4g, expected about %.4g", what, got, want)
	}
}

func TestWithoutLocksEveryCPUAddsAsMuch(t *testing.T) {
	for _, n := range []int{1, 2, 16} {
		o := simulate(model{cpus: n, connections: 4 * n, batch: 8, parallel: 5}, 20_000)
		near(t, fmt.Sprintf("rate with %d CPUs", n), o.rate, float64(n)*1e6/5)
	}
}

func TestOneCPUDoesTheSumOfAll(t *testing.T) {
	o := simulate(model{cpus: 1, connections: 8, batch: 8, parallel: 4, appended: 1, stored: 0.5, read: 2, handoff: 0.2, spin: 4, wake: 3}, 20_000)
	near(t, "rate", o.rate, 1e6/5.5)
	if o.reread != 0 || o.dispatched < 0.99 {
		t.Errorf("%+v, expected all to be dispatched from memory: nobody comes in between", o)
	}
}

func TestTheLogsLockIsTheLimitOfManyCPUs(t *testing.T) {
	o := simulate(model{cpus: 64, connections: 256, batch: 100, parallel: 5, appended: 1, handoff: 0.2, spin: 4, wake: 3}, 20_000)
	near(t, "rate", o.rate, 1e6)
	near(t, "time in which the lock is held", o.logBusy, 1)
}

func TestDispatchFallsBehindWhenItCannotFollow(t *testing.T) {
	o := simulate(model{cpus: 16, connections: 64, batch: 16, parallel: 4, appended: 0.2, stored: 2, read: 2, handoff: 0.2, spin: 4, wake: 3}, 20_000)
	near(t, "dispatched messages per second", o.rate*o.dispatched, 1e6/2)
	if o.dispatched > 0.5 {
		t.Errorf("%+v, expected it to fall behind", o)
	}
}

func TestASimulationRepeatsItself(t *testing.T) {
	m := model{cpus: 4, connections: 16, batch: 16, parallel: 4, appended: 0.5, stored: 0.5, read: 1, handoff: 0.2, spin: 4, wake: 3}
	if a, b := simulate(m, 5000), simulate(m, 5000); a != b {
		t.Errorf("%+v, then %+v", a, b)
	}
}

// TestMetricsBecomeATable lets a broker append 1,000 messages in 100 appends between two looks.
func TestMetricsBecomeATable(t *testing.T) {
	var looks atomic.Int64
	start := time.Now()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for looks.Load() > 0 && time.Since(start) < 50*time.Millisecond { // some CPU time of this process, whose it is
		}
		k := float64(looks.Add(1))
		fmt.Fprintf(w, "# HELP gantry_log_messages_total Messages\ngantry_log_messages_total{cluster=\"c\"} %g\ngantry_log_appends_total{cluster=\"c\"} %g\n", 1000*k, 100*k)
		fmt.Fprintf(w, "gantry_log_append_seconds_total{cluster=\"c\"} %g\ngantry_lock_wait_seconds_total %g\n", 0.001*k, 0.002*k)
		fmt.Fprintf(w, "gantry_dispatched_messages_total{cluster=\"c\",source=\"memory\"} %g\ngantry_dispatched_messages_total{cluster=\"c\",source=\"log\"} %g\n", 750*k, 250*k)
		fmt.Fprintf(w, "gantry_dispatch_seconds_total{cluster=\"c\",source=\"memory\"} %g\ngantry_dispatch_seconds_total{cluster=\"c\",source=\"log\"} %g\n", 0.0015*k, 0.001*k)
	}))
	defer s.Close()
	var out bytes.Buffer
	args := []string{"-http", strings.TrimPrefix(s.URL, "http://"), "-pid", fmt.Sprint(os.Getpid()), "-duration", "1ms", "-cpus", "1,8"}
	if err := run(context.Background(), args, &out, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"10.0 to an append", "| the log's lock is held | 1.00 |", "| dispatch, one at a time | 2.50 |", "| goroutines wait for locks | 2.00 |",
		"Dispatch takes 2.00 µs from memory, 4.00 where the message is read back, which 25 % were.", "\n| 1 | ", "\n| 8 | ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
}

func TestABrokerWithoutLoadIsAnError(t *testing.T) {
	r := reading{at: time.Now(), metrics: map[string]float64{"gantry_log_messages_total": 5}}
	if _, err := between(r, r); err == nil || !strings.Contains(err.Error(), "no message") {
		t.Errorf("%v, expected that no message was appended", err)
	}
}

func TestBadArgumentsAreErrors(t *testing.T) {
	for _, args := range [][]string{{}, {"-pid", "1", "-cpus", "x"}, {"-pid", "1", "-cpus", "0"}, {"-pid", "1", "-duration", "0s"}} {
		if err := run(context.Background(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%q were taken", args)
		}
	}
}

func TestTextThatIsNoMetricIsAnError(t *testing.T) {
	for _, text := range []string{"name", "name x", "<html>"} {
		if m, err := parse(strings.NewReader(text)); err == nil {
			t.Errorf("%q gave %v", text, m)
		}
	}
}
