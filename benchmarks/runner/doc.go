// Package runner measures subjects side by side: it starts each as a process of its own, drives it from another process, lets
// them take turns round by round, and sums up what came of it.
//
// # A round
//
// Each round of a subject begins with a new process and an empty directory, and ends with the process gone and the directory's files empty:
//
//	start ─ ready line ─ look at memory ─┬─ driver runs ──────────────┬─ look at CPU, I/O ─ SIGKILL ─ free data
//	                                     └─ memory looked at 5 times/s ┘
//
// A clean stop is waited for only where it is measured: it takes some servers a quarter of a minute, for data that is thrown away.
//
// The subjects of a load take turns, and each round another one begins, so that what changes slowly on the machine hits all
// alike; ratios are made within rounds (package stats). A round in which other machines took more than 10 % of the CPUs' time is
// done again, at most three times; the attempt with the least is kept, and marked if that is still too much.
//
// A subject that fails in two rounds of a load is left out of its further rounds; the report says why. Nothing survives the
// runner: every process that it starts leads a group of its own, which is killed when the round ends, however it ends.
package runner
