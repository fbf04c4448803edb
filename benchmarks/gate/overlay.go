package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// overlay is a change of the standard library that go build -overlay applies: what is edited, and what is added.
type overlay struct {
	edits []edit
	added map[string]string // content by path below GOROOT/src
}

// edit replaces text in a file of the standard library. The text must be there as often as it says: a Go version that looks
// different is refused, for it may not be counted rightly.
type edit struct {
	file     string // path below GOROOT/src
	old, new string
	times    int
}

// write puts the changed files of the library below goroot into dir and returns the path of the file that -overlay takes.
func (o overlay) write(goroot, dir string) (string, error) {
	changed := map[string]string{}
	for _, e := range o.edits {
		text, ok := changed[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(goroot, "src", e.file))
			if err != nil {
				return "", fmt.Errorf("gate: standard library: %w", err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != e.times {
			return "", fmt.Errorf("gate: standard library: %s below %s has %q %d times, expected %d: the gate doesn't know this version of Go", e.file, goroot, e.old, n, e.times)
		}
		changed[e.file] = strings.ReplaceAll(text, e.old, e.new)
	}
	for file, text := range o.added {
		changed[file] = text
	}
	replace := map[string]string{}
	for file, text := range changed {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(to, []byte(text), 0o666); err != nil {
			return "", fmt.Errorf("gate: overlay: %w", err)
		}
		replace[filepath.Join(goroot, "src", file)] = to
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("gate: overlay: %w", err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, list, 0o666); err != nil {
		return "", fmt.Errorf("gate: overlay: %w", err)
	}
	return file, nil
}

// cpuClock makes the clock of package testing tell the processor time of the process. A benchmark that is a b.Loop is looked at in
// slices, and the quickest of them is its time per operation. Processors that share a core, or caches, take up to twice as long for the same work while
// the other one is busy: the quickest slice is the one that was disturbed least.
func cpuClock() overlay {
	return overlay{
		edits: []edit{
			{"testing/testing_other.go", "now time.Time\n", "now time.Duration\n", 1},
			{"testing/testing_other.go", "highPrecisionTime{now: time.Now()}", "highPrecisionTime{now: gateCPU()}", 1},
			{"testing/testing_other.go", "time.Since(b.now)\n", "gateCPU() - b.now\n", 1},

			{"testing/benchmark.go", "\textra map[string]float64\n", "\textra map[string]float64\n\tgateSlices gateSlices\n", 1},
			{"testing/benchmark.go", "b.loop.n = uint64(b.benchTime.n)\n", "b.loop.n = b.gateSlices.begin(b.benchTime.n)\n", 1},
			{"testing/benchmark.go", "// Should we keep iterating?\n", "if b.gateSlices.next(&b.loop.n, uint64(b.benchTime.n)) {\n\t\tb.loop.i++\n\t\treturn true\n\t}\n", 1},
			{"testing/benchmark.go", "b.result = BenchmarkResult{b.N,", "b.gateSlices.report(b.extra)\n\tb.result = BenchmarkResult{b.N,", 1},
		},
		added: map[string]string{"testing/gate.go": `package testing

import (
	"syscall"
	"time"
)

// gateCPU is the processor time of the process, in user and system mode.
func gateCPU() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// gateSlices cut a fixed number of iterations of B.Loop into pieces and note how long the quickest took.
type gateSlices struct {
	step     uint64
	from     time.Duration
	quickest float64 // ns per iteration
}

func (s *gateSlices) begin(iterations int) uint64 {
	s.step = uint64(max(1, iterations/` + strconv.Itoa(pieces) + `))
	s.from = gateCPU()
	return s.step
}

// next ends a slice and begins another one, unless that was the last.
func (s *gateSlices) next(until *uint64, iterations uint64) bool {
	if s.step == 0 {
		return false
	}
	now := gateCPU()
	if ns := float64(now-s.from) / float64(s.step); s.quickest == 0 || ns < s.quickest {
		s.quickest = ns
	}
	if *until+s.step > iterations { // a last one that were shorter isn't worth its while
		if *until == iterations {
			return false
		}
		*until, s.step = iterations, iterations-*until
	} else {
		*until += s.step
	}
	s.from = now
	return true
}

func (s *gateSlices) report(extra map[string]float64) {
	if s.quickest > 0 {
		extra["ns/op"] = s.quickest
	}
}
`},
	}
}

// pieces is how many slices a run has.
const pieces = 64

// Families of system calls. What copies bytes between the process and the kernel returns how many.
const (
	callRead  = "SYS_READ, SYS_PREAD64, SYS_READV, SYS_PREADV, sysPreadv2, SYS_RECVFROM, SYS_RECVMSG"
	callWrite = "SYS_WRITE, SYS_PWRITE64, SYS_WRITEV, SYS_PWRITEV, SYS_SENDTO, SYS_SENDMSG, SYS_SENDFILE"
	callSync  = "SYS_FSYNC, SYS_FDATASYNC"
)

// preadv2 is the number of the system call, which package syscall doesn't know, by GOARCH.
var preadv2 = map[string]int{"amd64": 327, "arm64": 286}

// counts are the units that counting adds to the benchmarks, in the order of the fields of testing's gateCounts.
var counts = []string{"reads/op", "writes/op", "syncs/op", "syscalls/op", unitCopied, "locks/op", "wakeups/op"}

// canCount says whether counting knows this machine's system calls.
func canCount() bool { return runtime.GOOS == "linux" && preadv2[runtime.GOARCH] != 0 }

// counting makes package testing report, beside what it measures, how often an operation called the system, took a lock and woke a goroutine.
func counting() overlay {
	const counter = "\n\tatomic.AddInt64(&GateLocks, 1)"
	lock := func(file, method string) edit {
		return edit{file, method + " {\n", method + " {" + counter + "\n", 1}
	}
	after := func(call string) edit {
		return edit{"syscall/syscall_linux.go", call + "\n\truntime_exitsyscall()\n", call + "\n\truntime_exitsyscall()\n\tgateCount(trap, r1, err)\n", 1}
	}
	return overlay{
		edits: []edit{
			{"sync/mutex.go", `isync "internal/sync"`, "isync \"internal/sync\"\n\t\"sync/atomic\"", 1},
			lock("sync/mutex.go", "func (m *Mutex) Lock()"),
			lock("sync/mutex.go", "func (m *Mutex) TryLock() bool"),
			lock("sync/rwmutex.go", "func (rw *RWMutex) RLock()"),
			lock("sync/rwmutex.go", "func (rw *RWMutex) TryRLock() bool"), // that of a writer takes the mutex within

			{"runtime/proc.go", "func goready(gp *g, traceskip int) {\n", "func goready(gp *g, traceskip int) {\n\tGateWakeups.Add(1)\n", 1},

			after("r1, r2, err = RawSyscall6(trap, a1, a2, a3, 0, 0, 0)"),
			after("r1, r2, err = RawSyscall6(trap, a1, a2, a3, a4, a5, a6)"),

			{"testing/benchmark.go", "\textra map[string]float64\n", "\textra map[string]float64\n\tgateStart, gateNet gateCounts\n", 1},
			{"testing/benchmark.go", "b.startAllocs = memStats.Mallocs\n", "b.startAllocs = memStats.Mallocs\n\t\tb.gateStart = gateNow()\n", 2},
			{"testing/benchmark.go", "b.netAllocs += memStats.Mallocs - b.startAllocs\n", "b.netAllocs += memStats.Mallocs - b.startAllocs\n\t\tb.gateNet.add(b.gateStart)\n", 1},
			{"testing/benchmark.go", "b.netAllocs = 0\n", "b.netAllocs = 0\n\tb.gateNet = gateCounts{}\n", 1},
			{"testing/benchmark.go", "b.result = BenchmarkResult{b.N,", "b.gateReport()\n\tb.result = BenchmarkResult{b.N,", 1},
		},
		added: map[string]string{
			"sync/gate.go": "package sync\n\n// GateLocks is how many locks were taken, or tried to.\nvar GateLocks int64\n",
			"runtime/gate.go": `package runtime

import "internal/runtime/atomic"

// GateWakeups is how many goroutines others have made ready that waited for a lock, a channel or a timer.
var GateWakeups atomic.Int64
`,
			"syscall/gate.go": `package syscall

import "sync/atomic"

const sysPreadv2 = ` + strconv.Itoa(preadv2[runtime.GOARCH]) + `

// GateCalls are the system calls that succeeded, by family, and GateBytes what they copied.
var (
	GateCalls struct{ Read, Write, Sync, All int64 }
	GateBytes int64
)

//go:nosplit
func gateCount(trap, n uintptr, err Errno) {
	if err != 0 {
		return
	}
	atomic.AddInt64(&GateCalls.All, 1)
	switch trap {
	case ` + callRead + `:
		atomic.AddInt64(&GateCalls.Read, 1)
		atomic.AddInt64(&GateBytes, int64(n))
	case ` + callWrite + `:
		atomic.AddInt64(&GateCalls.Write, 1)
		atomic.AddInt64(&GateBytes, int64(n))
	case ` + callSync + `:
		atomic.AddInt64(&GateCalls.Sync, 1)
	}
}
`,
			"testing/gate.go": `package testing

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

type gateCounts [` + strconv.Itoa(len(counts)) + `]int64

func gateNow() gateCounts {
	return gateCounts{
		atomic.LoadInt64(&syscall.GateCalls.Read), atomic.LoadInt64(&syscall.GateCalls.Write), atomic.LoadInt64(&syscall.GateCalls.Sync),
		atomic.LoadInt64(&syscall.GateCalls.All), atomic.LoadInt64(&syscall.GateBytes), atomic.LoadInt64(&sync.GateLocks), runtime.GateWakeups.Load(),
	}
}

// add adds what has come since start.
func (c *gateCounts) add(start gateCounts) {
	for i, n := range gateNow() {
		c[i] += n - start[i]
	}
}

func (b *B) gateReport() {
	for i, unit := range []string{` + quoted(counts) + `} {
		b.extra[unit] = float64(b.gateNet[i]) / float64(b.N)
	}
}
`,
		},
	}
}

func quoted(s []string) string {
	q := make([]string, len(s))
	for i := range s {
		q[i] = strconv.Quote(s[i])
	}
	return strings.Join(q, ", ")
}
