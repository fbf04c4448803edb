package main

import (
	"context"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/driver/drivertest"
	"github.com/gantry-mq/gantry/benchmarks/generator"
)

func TestMain(m *testing.M) { drivertest.Main(m, main) }

func TestTheJavaBrokerTakesALoadAndStopsInOrder(t *testing.T) {
	drivertest.NeedJars(t, pom)
	var pid int
	t.Run("load", func(t *testing.T) { // the server stops with this test
		s := drivertest.Serve(t, "serve", "-data", t.TempDir(), "-heap", "512m", "-flush", "sync")
		var err error
		if pid, err = strconv.Atoi(s.Words["pid"]); err != nil || pid == s.PID {
			t.Fatalf("ready line: %v, expected the broker's process", s.Words)
		}
		r, err := generator.Run(context.Background(), generator.Options{
			Mode: generator.ModeSend, Addr: s.Words["addr"], Topic: "t", Queues: 2, SizeBytes: 100, Connections: 1, InFlight: 1, Count: 20,
			AnswerTimeout: time.Minute, PID: pid,
		}, nil)
		if err != nil || r.Messages+failed(r) != 20 || r.ServerCPUSeconds == nil {
			t.Errorf("%+v, %v", r, err)
		}
	})
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("process %d of the broker is still there", pid)
	}
}

// failed is how many sends the broker has turned away, as it may when a busy machine makes it late.
func failed(r *generator.Report) (n int64) {
	for _, f := range r.Failures {
		n += f.Count
	}
	return n
}

func TestWrongOptionsAreErrors(t *testing.T) {
	for _, args := range [][]string{nil, {"-data", t.TempDir(), "-flush", "never"}, {"-data", t.TempDir(), "x"}, {"-nothing"}} {
		if err := serve(context.Background(), args); err == nil {
			t.Errorf("%q: expected an error", args)
		}
	}
}
