package main

import (
	"fmt"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/runner"
)

// size is how much of everything a run does.
type size struct {
	measure, warmup, jvmWarmup time.Duration
	backlog, passes            int
	fill                       int // messages of 1 KiB in a store that is restarted
	topics                     int
	widest                     int // the largest number of queues, connections or bytes of the scale table's series
	roundsOfLong               int // rounds of what takes a subject minutes
}

// full is what a report is made of.
func full() *size {
	return &size{
		measure: 8 * time.Second, warmup: 2 * time.Second, jvmWarmup: 8 * time.Second,
		backlog: 1_000_000, passes: 3, fill: 3_600_000, topics: 10_000, widest: 1 << 20, roundsOfLong: 1,
	}
}

// short shows that everything runs.
func short() *size {
	return &size{
		measure: time.Second, warmup: 200 * time.Millisecond, jvmWarmup: time.Second,
		backlog: 10_000, passes: 1, fill: 20_000, topics: 100, widest: 128, roundsOfLong: 1,
	}
}

func tableNames() []string { return []string{"goals", "scale"} }

func loads(table string, z *size) []runner.Load {
	switch table {
	case "goals":
		return append(goals(z), inFlight(z)...)
	case "scale":
		return scale(z)
	}
	return nil
}

// timed are the flags of a load that takes a given time.
func (z *size) timed(flags ...string) []string {
	return append(flags, fmt.Sprint("--duration=", z.measure), fmt.Sprint("--warmup=", z.warmup))
}

// jvm tells whether a subject is slow until its code is compiled.
func jvm(subject string) bool { return subject == "java" || subject == "kafka" }

// entries are parts in a load without anything special to them, but that a JVM gets more time to warm up.
func (z *size) entries(names ...string) []runner.Entry {
	var out []runner.Entry
	for _, n := range names {
		e := runner.Entry{Subject: n}
		if jvm(n) {
			e.Flags = []string{fmt.Sprint("--warmup=", z.jvmWarmup)}
		}
		out = append(out, e)
	}
	return out
}

// once has JVMs do fewer rounds of what takes them minutes, with these flags instead of a warm-up: before its code is compiled RocketMQ
// refuses messages that have waited for 200 ms, which must not happen while a topic is filled.
func (z *size) once(entries []runner.Entry, flags ...string) []runner.Entry {
	for i := range entries {
		if jvm(entries[i].Subject) {
			entries[i].Flags, entries[i].Rounds = flags, z.roundsOfLong
		}
	}
	return entries
}

// bare is a part in which benchmarks/ceiling shows a limit, with a driver of its own.
func bare(mode string, flags []string) runner.Entry {
	return runner.Entry{Subject: mode, Mode: mode, Flags: flags}
}
