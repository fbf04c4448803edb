package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/runner"
)

// scale are loads that show how the cost of a message depends on how much there is of something.
func scale(z *size) []runner.Load {
	var out []runner.Load
	add := func(id, series string, n int, flags ...string) {
		if n > z.widest {
			return
		}
		cost := runner.Metric{ID: "cost", Title: "server CPU for a message", Unit: "µs", Of: cpuMicrosPerMessage, Goals: limit(id, n)}
		out = append(out, runner.Load{
			ID: fmt.Sprintf("%s/%d", id, n), Title: fmt.Sprintf("Produce with %d %s", n, series), Series: series, X: float64(n), Line: id == "bytes",
			Mode: "send", Flags: z.timed(flags...), Entries: z.entries("gantry"),
			Metrics: []runner.Metric{cost, {ID: "rate", Title: "messages per second", Unit: "msg/s", Higher: true, Of: messagesPerSecond}},
		})
	}
	for _, n := range []int{1, 10, 100, 1000, 10_000, 50_000} {
		add("queues", "queues", n, fmt.Sprint("--queues=", n))
	}
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		add("connections", "connections", n, fmt.Sprint("--connections=", n), fmt.Sprint("--in-flight=", max(1, 256/n)))
	}
	for _, n := range []int{128, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20} {
		add("bytes", "bytes of a body", n, fmt.Sprint("--size=", n), "--in-flight=8")
	}
	return slices.Concat(out, groups(z), cpus(z), []runner.Load{idle(z), quota(z)})
}

// limit is what a message may cost at most, as a multiple of what it costs with one of them.
func limit(id string, n int) []runner.Goal {
	factor := map[int]float64{10_000: 2, 50_000: 4}[n]
	if factor == 0 || id == "bytes" {
		return nil
	}
	return []runner.Goal{{Text: fmt.Sprintf("≤ %g × one", factor), Terms: []runner.Term{{Factor: factor, Subject: "gantry", Row: id + "/1/cost"}}}}
}

// groups consume a backlog in turn.
func groups(z *size) []runner.Load {
	var out []runner.Load
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		if n > z.widest {
			continue
		}
		out = append(out, runner.Load{
			ID: fmt.Sprintf("groups/%d", n), Title: fmt.Sprintf("Pull with %d consumer groups in turn", n), Series: "consumer groups", X: float64(n),
			Mode: "pull", Flags: []string{fmt.Sprint("--count=", z.backlog), fmt.Sprint("--passes=", z.passes), "--warmup=1ms", fmt.Sprint("--groups=", n)}, Within: 20 * time.Minute,
			Entries: z.entries("gantry"),
			Metrics: []runner.Metric{{ID: "cost", Title: "server CPU for a message", Unit: "µs", Of: cpuMicrosPerMessage, Goals: limit("groups", n)}},
		})
	}
	return out
}

// cpus are produce with different numbers of CPUs that Go may use.
func cpus(z *size) []runner.Load {
	var out []runner.Load
	for _, n := range []int{1, 2} {
		l := produce(z)
		l.ID, l.Series, l.X = fmt.Sprintf("cpus/%d", n), "CPUs that the server may use", float64(n)
		l.Title += fmt.Sprintf(", GOMAXPROCS=%d", n)
		l.Entries = []runner.Entry{{Subject: "gantry", Env: []string{fmt.Sprint("GOMAXPROCS=", n)}}}
		for i := range l.Metrics {
			l.Metrics[i].Reference, l.Metrics[i].Goals = "", nil
		}
		out = append(out, l)
	}
	return out
}

// idle are connections that have sent a heartbeat and then nothing.
func idle(z *size) runner.Load {
	n := min(z.widest, 10_000)
	return runner.Load{
		ID: "idle", Title: fmt.Sprintf("Hold %d idle connections", n), Mode: "connections",
		Flags:   []string{fmt.Sprint("--connections=", n), fmt.Sprint("--duration=", z.measure)},
		Entries: []runner.Entry{{Subject: "gantry"}},
		Metrics: []runner.Metric{
			{ID: "memory", Title: "anonymous memory with all of them", Unit: "MB", Of: megabytes(rssPeak), Goals: []runner.Goal{{Text: "≤ 150 MB", Absolute: 150}}},
			{ID: "cpu", Title: "server CPU while nothing happens", Unit: "s", Of: runner.ServerCPUSeconds},
		},
	}
}

// quota is a server that may use half a CPU and 256 MiB.
func quota(z *size) runner.Load {
	q := &runner.Quota{CPUs: 0.5, MemoryBytes: 256 << 20}
	return runner.Load{
		ID: "quota", Title: "Produce 1 KiB messages to a server that may use half a CPU and 256 MiB", Mode: "send", Flags: z.timed(),
		Entries: []runner.Entry{{Subject: "gantry", Quota: q}},
		Metrics: []runner.Metric{
			{ID: "rate", Title: "messages per second", Unit: "msg/s", Higher: true, Of: messagesPerSecond},
			{ID: "p99", Title: "99th percentile", Unit: "µs", Of: latency(p99)},
			{ID: "memory", Title: "anonymous memory", Unit: "MB", Of: megabytes(rssPeak)},
			{ID: "throttled", Title: "periods in which it had used up its time", Unit: "%", Of: func(t *runner.Trial) (float64, bool) { return 100 * t.Throttled, true }},
		},
	}
}
