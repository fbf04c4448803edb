package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/runner"
)

// scale are loads that show how the cost of a message depends on how much there is of something.
func scale(z *size) []runner.Load {
	return slices.Concat(queues(z), connections(z), bytes(z), groups(z), cpus(z), []runner.Load{idle(z), quota(z)})
}

// upTo are those of ns that aren't too many.
func (z *size) upTo(ns ...int) []int {
	return slices.DeleteFunc(ns, func(n int) bool { return n > z.widest })
}

// costOf is produce as a load of a series.
func costOf(id, series string, n int) runner.Load {
	return runner.Load{
		ID: fmt.Sprintf("%s/%d", id, n), Title: fmt.Sprintf("Produce with %d %s", n, series), Series: series, X: float64(n), Mode: "send",
		Metrics: []runner.Metric{
			{ID: "cost", Title: "server CPU for a message", Unit: "µs", Of: cpuMicrosPerMessage, Goals: limit(id, n)},
			{ID: "rate", Title: "messages per second", Unit: "msg/s", Higher: true, Of: messagesPerSecond},
		},
	}
}

// queues get their first message in the warm-up: that makes their files, which the row "topics" measures.
func queues(z *size) []runner.Load {
	var out []runner.Load
	for _, n := range z.upTo(1, 10, 100, 1000, 10_000, 50_000) {
		l := costOf("queues", "queues", n)
		warmup := (z.warmup + time.Duration(n)*time.Second/5000).Round(time.Second / 10)
		l.Flags = []string{fmt.Sprint("--queues=", n), fmt.Sprint("--duration=", z.measure), fmt.Sprint("--warmup=", warmup)}
		l.Entries = z.entries("gantry")
		out = append(out, l)
	}
	return out
}

// connections have one message in flight each: a few that had more would save system calls, and the row would show those.
func connections(z *size) []runner.Load {
	var out []runner.Load
	for _, n := range z.upTo(1, 10, 100, 1000, 10_000) {
		l := costOf("connections", "connections", n)
		l.Title += ", 1 in flight on each"
		l.Flags = z.timed(fmt.Sprint("--connections=", n), "--in-flight=1")
		l.Entries = z.entries("gantry", "remoting")
		for i := range l.Metrics {
			l.Metrics[i].Reference = "remoting"
		}
		out = append(out, l)
	}
	return out
}

// bytes show what a byte costs beside what a message costs.
func bytes(z *size) []runner.Load {
	var out []runner.Load
	for _, n := range z.upTo(128, 1<<10, 4<<10, 16<<10, 64<<10, 256<<10, 1<<20) {
		l := costOf("bytes", "bytes of a body", n)
		l.Line = true
		l.Flags = z.timed(fmt.Sprint("--size=", n), "--in-flight=8")
		l.Entries = z.entries("gantry")
		out = append(out, l)
	}
	return out
}

// limit is what a message may cost at most, as a multiple of what it costs with one of them.
func limit(id string, n int) []runner.Goal {
	factor := map[int]float64{10_000: 2, 50_000: 4}[n]
	if factor == 0 {
		return nil
	}
	return []runner.Goal{{Text: fmt.Sprintf("≤ %g × one", factor), Terms: []runner.Term{{Factor: factor, Subject: "gantry", Row: id + "/1/cost"}}}}
}

// groups consume a backlog in turn.
func groups(z *size) []runner.Load {
	var out []runner.Load
	for _, n := range z.upTo(1, 10, 100, 1000, 10_000) {
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
