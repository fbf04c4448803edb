package consumequeue

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// BenchmarkAppend puts units into queues in turn, one per call, with a flush every 2 million units as a broker under
// full load would see each second. It reports units/s.
func BenchmarkAppend(b *testing.B) {
	for _, queues := range []int{8, 10_000} {
		b.Run(fmt.Sprintf("queues=%d", queues), func(b *testing.B) {
			s := mustOpen(b, Options{FS: vfs.OS(), Dir: b.TempDir() + "/cq"})
			defer mustClose(b, s)
			qs := make([]*Queue, queues)
			for i := range qs {
				qs[i] = s.Open(fmt.Sprint("topic-", i/8), int32(i%8))
			}
			next := make([]int64, queues)
			b.ReportAllocs()
			b.SetBytes(UnitSize)
			i := 0
			for b.Loop() {
				q := i % queues
				if err := qs[q].Append(next[q], Unit{LogOffset: int64(i) * 1100, Size: 1100, TagCode: 7}); err != nil {
					b.Fatal(err)
				}
				next[q]++
				if i++; i%2_000_000 == 0 {
					must(b, s.Flush())
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "units/s")
		})
	}
}

// BenchmarkRead reads batches of 32 units one after the other, from the tail in memory, from files that are open, and
// from more queues than there are descriptors. It reports ns per unit.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name         string
		queues, open int
		flush        bool
	}{
		{"hot", 1, 64, false},
		{"files", 8, 64, true},
		{"reopened", 128, 64, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			const units = 192
			s := mustOpen(b, Options{FS: vfs.OS(), Dir: b.TempDir() + "/cq", MaxOpenFiles: c.open})
			defer mustClose(b, s)
			qs := make([]*Queue, c.queues)
			for i := range qs {
				qs[i] = s.Open("T", int32(i))
				appendUnits(b, qs[i], 0, units)
			}
			if c.flush {
				must(b, s.Flush())
			}
			dst := make([]Unit, 32)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				n, err := qs[i%c.queues].Read(dst, int64(i/c.queues*32%units))
				if n != len(dst) || err != nil {
					b.Fatal(n, err)
				}
				i++
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N*len(dst)), "ns/unit")
		})
	}
}

// BenchmarkOpenQueues opens stores of 1,000 queues. It reports µs per queue.
func BenchmarkOpenQueues(b *testing.B) {
	const queues = 1000
	dir := b.TempDir() + "/cq"
	s := mustOpen(b, Options{FS: vfs.OS(), Dir: dir, MaxOpenFiles: 64})
	for i := range queues {
		appendUnits(b, s.Open(fmt.Sprint("topic-", i/8), int32(i%8)), 0, 100)
	}
	mustClose(b, s)
	for _, clean := range []bool{true, false} {
		b.Run(fmt.Sprintf("clean=%v", clean), func(b *testing.B) {
			for b.Loop() {
				s := mustOpen(b, Options{FS: vfs.OS(), Dir: dir, MaxOpenFiles: 64, Clean: clean, DurableTo: 1 << 40})
				b.StopTimer()
				mustClose(b, s)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(time.Microsecond)/float64(b.N*queues), "µs/queue")
		})
	}
}
