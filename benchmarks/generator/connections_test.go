package generator

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func (b *fakeBroker) connectionsOptions() Options {
	o := b.options()
	o.Mode, o.Connections, o.Count, o.Duration = ModeConnections, 20, 0, time.Millisecond
	return o
}

func TestConnectionsAreHeldAndAnswerAgain(t *testing.T) {
	b := startBroker(t, nil)
	o := b.connectionsOptions()
	if _, err := os.Stat("/proc/self/stat"); err == nil {
		o.PID = os.Getpid()
	}
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Idle.Held != 20 || r.Idle.Alive != 20 || len(b.beats) != 40 || !r.Clean() || r.Latency.P50 <= 0 {
		t.Errorf("report %+v, %+v; %d heartbeats", r, r.Idle, len(b.beats))
	}
	if o.PID != 0 && (r.Idle.RSSAnonBefore == nil || r.Idle.BytesPerConnection == nil || r.ServerCPUSeconds == nil || r.MessagesPerServerCPUSecond != nil) {
		t.Errorf("report %+v, %+v", r, r.Idle)
	}
	if body := string(b.beats[7].Body); !strings.Contains(body, `"clientID":"127.0.0.1@bench-7"`) || !strings.Contains(body, `"groupName":"bench-producer"`) {
		t.Errorf("heartbeat %s", body)
	}
}

func TestConnectionsThatDieWhileIdleAreCounted(t *testing.T) {
	b := startBroker(t, nil)
	b.spoilBeat = func(n int, r request) []byte {
		if n == 25 || n == 27 {
			return nil
		}
		return frameOf(fmt.Sprintf(`{"code":0,"flag":1,"opaque":%d}`, r.Opaque))
	}
	r, err := Run(t.Context(), b.connectionsOptions(), nil)
	if err == nil || !strings.Contains(err.Error(), "connection 5 was idle, then: ") {
		t.Errorf("error %v", err)
	}
	if got := strings.Join(r.Problems, "; "); r.Idle.Alive != 18 || got != "2 of 20 connections no longer answered" {
		t.Errorf("%+v, problems %q", r.Idle, got)
	}
}

func TestARefusedConnectionEndsTheLoad(t *testing.T) {
	b := startBroker(t, nil)
	b.spoilBeat = func(n int, r request) []byte {
		if n == 8 {
			return frameOf(send{request: r}.failure(2, "busy"))
		}
		return frameOf(fmt.Sprintf(`{"code":0,"flag":1,"opaque":%d}`, r.Opaque))
	}
	r, err := Run(t.Context(), b.connectionsOptions(), nil)
	if err == nil || !strings.Contains(err.Error(), "connection 8 of 20") || !strings.Contains(err.Error(), "answer code 2: busy") {
		t.Errorf("error %v", err)
	}
	if r.Idle.Held != 7 {
		t.Errorf("%+v", r.Idle)
	}
}

func TestHoldingEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := startBroker(t, nil)
	b.spoilBeat = func(n int, r request) []byte {
		if n == 20 {
			cancel()
		}
		return frameOf(fmt.Sprintf(`{"code":0,"flag":1,"opaque":%d}`, r.Opaque))
	}
	o := b.connectionsOptions()
	o.Duration = time.Hour
	r, err := Run(ctx, o, nil)
	if err != nil || r.Idle.Held != 20 || r.Idle.Alive != 20 {
		t.Errorf("report %+v, error %v", r, err)
	}
}
