package main

import (
	"regexp"
	"strings"
)

// Case is one benchmark that is compared.
type Case struct {
	Package    string  // directory below the module's root
	Name       string  // of the benchmark, with those of its parts: Encode/crcProperty=true/1024
	Iterations int     // of one run, which should take some 30 ms
	Tolerance  float64 // by which share the time may grow: more where the kernel does much of the work, and where it can't be cut into slices
	Counted    bool    // system calls, locks and wake-ups are the same in each run
}

// cases are the hot paths. The whole list should take less than two minutes with the preset number of rounds.
func cases() []Case {
	return []Case{
		{"commitlog/record", "Encode/crcProperty=true/1024", 50_000, 0.08, false},
		{"commitlog/record", "Decode", 300_000, 0.08, false},
		{"commitlog", "AppendInTurn", 640, 0.10, true},
		{"consumequeue", "Append/queues=8", 300_000, 0.08, false},
		{"consumequeue", "Read/hot", 60_000, 0.08, false},
		{"index", "Put", 50_000, 0.10, false},
		{"broker/store", "Dispatch/queues=8/index=true", 8_192, 0.15, false},
		{"broker/remoting", "DecodeSendV2JSONFromJava", 50_000, 0.08, false},
		{"broker/remoting", "DecodeSendV2Binary", 80_000, 0.08, false},
		{"broker/remoting", "Reply/json", 100_000, 0.08, false},
		{"broker/handler", "Exchange/send/memory", 320, 0.08, false},
		{"broker/handler", "Exchange/pull/memory", 1_280, 0.08, false},
		{"broker/handler", "Exchange/send/socket", 320, 0.10, true},
		{"broker/handler", "Exchange/pull/socket", 320, 0.10, true},
	}
}

// pattern is the -test.bench that selects the case alone.
func (c Case) pattern() string {
	parts := strings.Split("Benchmark"+c.Name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

func (c Case) String() string { return c.Package + " " + c.Name }

// packages are those of the cases, each once, in their order.
func packages(cs []Case) (all []string) {
	seen := map[string]bool{}
	for _, c := range cs {
		if !seen[c.Package] {
			seen[c.Package] = true
			all = append(all, c.Package)
		}
	}
	return all
}
