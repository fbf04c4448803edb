package main

import (
	"fmt"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/runner"
)

// goals are the loads that Gantry has goals for.
func goals(z *size) []runner.Load {
	return []runner.Load{produce(z), produceOne(z), paced(z), syncMany(z), syncOne(z), pull(z), delivery(z, 5000), delivery(z, 10_000), topics(z), restart(z), start()}
}

func produce(z *size) runner.Load {
	return runner.Load{
		ID: "produce", Title: "Produce 1 KiB messages, 4 connections × 64 in flight", Mode: "send", Flags: z.timed(),
		Entries: z.entries("gantry", "jetstream", "java", "kafka", "remoting"),
		Metrics: []runner.Metric{
			{ID: "per-cpu", Title: "messages per server CPU-second", Unit: "msg", Higher: true, Of: messagesPerCPU, Reference: "remoting", Goals: []runner.Goal{
				{Text: "≥ 0.5 × empty server", Terms: []runner.Term{{Factor: 0.5, Subject: "remoting"}}},
				{Text: "≥ 2 × JetStream", Terms: []runner.Term{{Factor: 2, Subject: "jetstream"}}},
			}},
			{ID: "rate", Title: "messages per second, the client on the same CPUs", Unit: "msg/s", Higher: true, Of: messagesPerSecond, Reference: "jetstream", Goals: []runner.Goal{
				{Text: "≥ 1.6 × JetStream", Terms: []runner.Term{{Factor: 1.6, Subject: "jetstream"}}},
			}},
			{ID: "memory", Title: "anonymous memory under load", Unit: "MB", Of: megabytes(rssPeak), Reference: "jetstream", Goals: []runner.Goal{{Text: "≤ 80 MB", Absolute: 80}}},
		},
	}
}

func produceOne(z *size) runner.Load {
	return runner.Load{
		ID: "produce-1", Title: "Produce 1 KiB messages, 1 in flight", Mode: "send", Flags: z.timed("--connections=1", "--in-flight=1"),
		Entries: append(z.entries("gantry", "jetstream", "java", "kafka", "remoting"), bare("tcp", z.timed("--connections=1", "--in-flight=1"))),
		Metrics: []runner.Metric{
			{ID: "p50", Title: "median time to the answer", Unit: "µs", Of: latency(p50), Reference: "tcp", Goals: []runner.Goal{
				{Text: "≤ 2 × TCP ping-pong", Terms: []runner.Term{{Factor: 2, Subject: "tcp"}}},
			}},
			{ID: "p99", Title: "99th percentile", Unit: "µs", Of: latency(p99), Reference: "tcp"},
		},
	}
}

func paced(z *size) runner.Load {
	return runner.Load{
		ID: "paced", Title: "Produce at 10,000/s, whatever the server does", Mode: "latency", Flags: z.timed("--rate=10000", "--no-receive"),
		Entries: z.entries("gantry", "jetstream", "java", "kafka", "remoting", "remoting-disk"),
		Metrics: []runner.Metric{
			{ID: "p99", Title: "99th percentile, from when a message was due to its answer", Unit: "µs", Of: latency(p99), Reference: "remoting", Goals: []runner.Goal{
				{Text: "≤ 1.5 × empty server", Terms: []runner.Term{{Factor: 1.5, Subject: "remoting"}}},
			}},
			{ID: "p50", Title: "median", Unit: "µs", Of: latency(p50), Reference: "remoting"},
		},
	}
}

// synchronous are the parts of the servers in a load whose answers mean that the message is on the disk.
func synchronous(z *size) []runner.Entry {
	all := z.entries("gantry", "jetstream", "java", "kafka")
	all[0].Serve = []string{"--set", "flushDiskType=SYNC_FLUSH"}
	all[1].Serve = []string{"--sync", "always"}
	all[2].Serve = []string{"--flush", "sync"}
	all[3].Serve = []string{"--flush", "sync"}
	return all
}

func syncMany(z *size) runner.Load {
	eight := runner.Entry{Subject: "jetstream-8", Serve: []string{"--sync", "always"}, Flags: []string{"--streams=8"}}
	return runner.Load{
		ID: "sync", Title: "Produce 1 KiB messages, answered when they are on the disk, 4 connections × 64 in flight", Mode: "send", Flags: z.timed(),
		Entries: append(synchronous(z), eight, bare("fdatasync", z.timed("--data={data}", "--connections=1", "--in-flight=1"))),
		Metrics: []runner.Metric{
			{ID: "rate", Title: "messages per second", Unit: "msg/s", Higher: true, Of: messagesPerSecond, Reference: "fdatasync", Goals: []runner.Goal{
				{Text: "≥ 6 × Java", Terms: []runner.Term{{Factor: 6, Subject: "java"}}},
				{Text: "256 × bare write + fdatasync", Terms: []runner.Term{{Factor: 256, Subject: "fdatasync"}}, Only: true},
			}},
			{ID: "per-cpu", Title: "messages per server CPU-second", Unit: "msg", Higher: true, Of: messagesPerCPU, Reference: "java"},
		},
	}
}

func syncOne(z *size) runner.Load {
	return runner.Load{
		ID: "sync-1", Title: "The same, 1 in flight", Mode: "send", Flags: z.timed("--connections=1", "--in-flight=1"),
		Entries: append(synchronous(z), bare("fdatasync", z.timed("--data={data}", "--connections=1", "--in-flight=1"))),
		Metrics: []runner.Metric{{ID: "p50", Title: "median time to the answer", Unit: "µs", Of: latency(p50), Reference: "fdatasync", Goals: []runner.Goal{
			{Text: "≤ bare write + fdatasync + 1.2 × produce-1", Terms: []runner.Term{{Factor: 1, Subject: "fdatasync"}, {Factor: 1.2, Subject: "gantry", Row: "produce-1/p50"}}},
		}}},
	}
}

func pull(z *size) runner.Load {
	return runner.Load{
		ID: "pull", Title: "Pull a backlog of 1 KiB messages, 4 connections, 32 messages a pull", Mode: "pull", Within: 15 * time.Minute,
		Flags:   []string{fmt.Sprint("--count=", z.backlog), fmt.Sprint("--passes=", z.passes), "--warmup=1ms", "--in-flight=16"},
		Entries: append(z.once(z.entries("gantry", "jetstream", "java", "kafka"), "--in-flight=2"), bare("writev", z.timed()), runner.Entry{Subject: "writev-asked", Mode: "writev", Flags: z.timed("--asked")}),
		Metrics: []runner.Metric{
			{ID: "per-cpu", Title: "messages per server CPU-second", Unit: "msg", Higher: true, Of: messagesPerCPU, Reference: "writev", Goals: []runner.Goal{
				{Text: "≥ 0.6 × bare writev", Terms: []runner.Term{{Factor: 0.6, Subject: "writev"}}},
				{Text: "≥ 4 × JetStream", Terms: []runner.Term{{Factor: 4, Subject: "jetstream"}}},
			}},
			{ID: "rate", Title: "messages per second, the client on the same CPUs", Unit: "msg/s", Higher: true, Of: messagesPerSecond, Reference: "jetstream"},
		},
	}
}

func delivery(z *size, rate int) runner.Load {
	notAbove := []runner.Goal{{Text: "≤ JetStream", Terms: []runner.Term{{Factor: 1, Subject: "jetstream"}}}}
	return runner.Load{
		ID: fmt.Sprintf("delivery-%dk", rate/1000), Title: fmt.Sprintf("From publish to receive, at %d/s", rate), Mode: "latency", Flags: z.timed(fmt.Sprint("--rate=", rate)),
		Entries: z.entries("gantry", "jetstream", "java", "kafka"),
		Metrics: []runner.Metric{
			{ID: "p50", Title: "median, from when a message was due until a consumer has it", Unit: "µs", Of: latency(p50), Reference: "jetstream", Goals: notAbove},
			{ID: "p99", Title: "99th percentile", Unit: "µs", Of: latency(p99), Reference: "jetstream", Goals: notAbove},
		},
	}
}

func topics(z *size) runner.Load {
	entries := z.once(z.entries("gantry", "jetstream", "java"))
	entries[1].Rounds = z.roundsOfLong // ten thousand streams take it minutes, too
	return runner.Load{
		ID: "topics", Title: fmt.Sprintf("%d topics × 4 queues, a message in each topic", z.topics), Mode: "topics", Within: 20 * time.Minute,
		Flags:   []string{fmt.Sprint("--topics=", z.topics), "--queues=4"},
		Entries: entries,
		Metrics: []runner.Metric{
			{ID: "memory", Title: "anonymous memory with all of them", Unit: "MB", Of: megabytes(rssPeak), Reference: "jetstream", Goals: []runner.Goal{{Text: "≤ 100 MB", Absolute: 100}}},
			{ID: "created", Title: "topics created per second", Unit: "1/s", Higher: true, Of: createdPerSecond, Reference: "jetstream", Goals: []runner.Goal{{Text: "≥ 2,000/s", Absolute: 2000}}},
		},
	}
}

func restart(z *size) runner.Load {
	return runner.Load{
		ID: "restart", Title: fmt.Sprintf("Restart with %d messages of 1 KiB", z.fill), Scenario: runner.Restart, Mode: "send", Within: 20 * time.Minute,
		Flags:   []string{fmt.Sprint("--count=", z.fill), "--warmup=0s", "--in-flight=16"},
		Entries: z.once(z.entries("gantry", "jetstream", "java", "kafka"), "--in-flight=4"),
		Metrics: []runner.Metric{
			{ID: "stop", Title: "clean stop", Unit: "s", Of: seconds(func(t *runner.Trial) time.Duration { return t.Stop }), Reference: "jetstream", Goals: []runner.Goal{{Text: "≤ 1 s", Absolute: 1}}},
			{ID: "start", Title: "start after it", Unit: "s", Of: seconds(func(t *runner.Trial) time.Duration { return t.CleanStart }), Reference: "jetstream", Goals: []runner.Goal{{Text: "≤ 0.2 s", Absolute: 0.2}}},
			{ID: "killed", Title: "start after a kill", Unit: "s", Of: seconds(func(t *runner.Trial) time.Duration { return t.KilledStart }), Reference: "jetstream", Goals: []runner.Goal{{Text: "≤ 1 s", Absolute: 1}}},
		},
	}
}

func start() runner.Load {
	return runner.Load{
		ID: "start", Title: "Start with an empty store, then nothing", Scenario: runner.Idle,
		Entries: []runner.Entry{{Subject: "gantry"}, {Subject: "jetstream"}, {Subject: "java"}, {Subject: "kafka"}},
		Metrics: []runner.Metric{
			{ID: "ready", Title: "start to ready", Unit: "s", Of: seconds(func(t *runner.Trial) time.Duration { return t.Ready }), Reference: "java", Goals: []runner.Goal{{Text: "≤ 0.15 s", Absolute: 0.15}}},
			{ID: "memory", Title: "anonymous memory, idle", Unit: "MB", Of: megabytes(rssIdle), Reference: "jetstream", Goals: []runner.Goal{{Text: "≤ 20 MB", Absolute: 20}}},
		},
	}
}

// inFlight is how produce depends on how much is in flight.
func inFlight(z *size) []runner.Load {
	var out []runner.Load
	for _, n := range []int{1, 4, 16, 64, 256} {
		connections := min(n, 4)
		entries := z.entries("gantry", "jetstream", "java", "remoting")
		entries[2].Rounds = z.roundsOfLong // a curve needs no interval, and five loads with warm-up take their time
		out = append(out, runner.Load{
			ID: fmt.Sprintf("in-flight/%d", n), Title: fmt.Sprintf("Produce 1 KiB messages, %d in flight", n), Series: "messages in flight", X: float64(n),
			Mode: "send", Flags: z.timed(fmt.Sprint("--connections=", connections), fmt.Sprint("--in-flight=", n/connections)),
			Entries: entries,
			Metrics: []runner.Metric{
				{ID: "rate", Title: "messages per second", Unit: "msg/s", Higher: true, Of: messagesPerSecond, Reference: "jetstream"},
				{ID: "per-cpu", Title: "messages per server CPU-second", Unit: "msg", Higher: true, Of: messagesPerCPU, Reference: "jetstream"},
			},
		})
	}
	return out
}
