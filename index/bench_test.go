package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// scatter gives record i a hash that looks random and is unlike all others.
func scatter(i int) int32 { return int32(uint32(i) * 0x9e3779b1 >> 1) }

// BenchmarkPut puts records of three keys into files of the default size on a real disk, write-outs included.
func BenchmarkPut(b *testing.B) {
	x := mustOpen(b, Options{FS: vfs.OS(), Dir: b.TempDir()}, State{}, true)
	defer mustClose(b, x)
	b.ReportAllocs()
	cpu := cpuTime(b)
	const step, batch = 100, 32 // bytes of log per record, records that come together
	var all [3 * batch]int32
	next := 0
	for b.Loop() {
		if next%batch == 0 {
			for k := range all {
				all[k] = scatter(3*next + k)
			}
			x.Warm(all[:])
		}
		hashes := all[next%batch*3:][:3]
		if err := x.PutRecord(int64(next)*step, int64(1_000_000+next), hashes); err != nil {
			b.Fatal(err)
		}
		next++
	}
	flush(b, x)
	b.ReportMetric(3*float64(next)/b.Elapsed().Seconds(), "puts/s")
	b.ReportMetric(3*float64(next)/(cpuTime(b)-cpu).Seconds(), "puts/cpu-s")
}

// cpuTime is what the process has used, in user and system mode.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkQuery looks up random ones of 20 million keys (1 million with -short) in one file of the default size.
func BenchmarkQuery(b *testing.B) {
	keys := DefaultEntries - 1
	if testing.Short() {
		keys = 1_000_000
	}
	x := mustOpen(b, Options{FS: vfs.OS(), Dir: b.TempDir()}, State{}, true)
	defer mustClose(b, x)
	for i := range keys {
		put(b, x, int64(i), int64(1_000_000+i/1000), scatter(i))
	}
	flush(b, x)
	b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 2))
		var took []time.Duration
		var dst []int64
		cpu := cpuTime(b)
		for b.Loop() {
			i := r.IntN(keys)
			begin := time.Now()
			got, err := x.Query(scatter(i), 0, always, 32, dst[:0])
			took = append(took, time.Since(begin))
			if err != nil || !slices.Contains(got, int64(i)) {
				b.Fatalf("key %d: %v, %v", i, got, err)
			}
			dst = got
		}
		b.ReportMetric(float64(cpuTime(b)-cpu)/float64(len(took)), "cpu-ns/op")
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
		b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
	})
}
