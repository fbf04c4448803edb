package main

import (
	"testing"

	"github.com/gantry-mq/gantry/benchmarks/driver/drivertest"
)

func TestMain(m *testing.M) { drivertest.Main(m, main) }

func TestKafkaTakesEachLoad(t *testing.T) {
	drivertest.NeedJars(t, pom)
	s := drivertest.Serve(t, "serve", "-data", t.TempDir(), "-heap", "512m", "-flush", "sync")
	bench := func(mode string, args ...string) []string {
		return append([]string{"bench", mode, "-addr", s.Words["addr"], "-pid", s.Words["pid"], "-queues", "4", "-size", "100", "-connections", "2", "-warmup", "0s"}, args...)
	}
	if r := drivertest.Bench(t, bench("send", "-topic", "s", "-count", "200", "-in-flight", "8")...); r.Messages != 200 || r.Latency.P50 <= 0 || r.ServerCPUSeconds == nil {
		t.Errorf("send: %+v", r)
	}
	if r := drivertest.Bench(t, bench("pull", "-topic", "p", "-count", "500", "-passes", "2")...); r.Messages != 1000 || r.Pull.Backlog != 500 {
		t.Errorf("pull: %+v, %+v", r, r.Pull)
	}
	if r := drivertest.Bench(t, bench("pull", "-topic", "p", "-no-fill")...); r.Messages != 500 {
		t.Errorf("pull what is there: %+v", r)
	}
	if r := drivertest.Bench(t, bench("latency", "-topic", "l", "-count", "200", "-rate", "500")...); r.Messages != 200 || r.Delivery.SendLatency.P50 <= 0 {
		t.Errorf("latency: %+v, %+v", r, r.Delivery)
	}
}
