package store

import (
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

var storeMiB = flag.Int("store-mib", 64, "size of the store that BenchmarkRestart opens, in MiB")

// cpuTime is what the process has used of the CPUs.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// report reports messages per second, by the clock and by the CPU, and beside them what the CRC-32 of 1 KiB takes of the CPU on this
// machine at this moment: 79 ns on an idle one of the kind that the goals are for.
func report(b *testing.B, cpu time.Duration) {
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(b.N)/cpu.Seconds(), "msg/cpu-s")
	const sums = 20_000
	var kib [1024]byte
	began := cpuTime(b)
	for i := range sums {
		kib[i%len(kib)] = byte(crc32.ChecksumIEEE(kib[:]))
	}
	b.ReportMetric(float64((cpuTime(b)-began).Nanoseconds())/sums, "crc-cpu-ns")
}

// benchOptions are those of a store on a real disk with files of the usual sizes, without work by the clock.
func benchOptions(b *testing.B) Options {
	return Options{
		FS: vfs.OS(), Root: b.TempDir(), Log: commitlog.Options{FlushInterval: time.Hour, WritebackStep: 1 << 40},
		CheckpointInterval: time.Hour, IndexInterval: time.Hour, CleanInterval: time.Hour,
	}
}

// quiet opens a store in which nothing runs but what the benchmark calls.
func quiet(b *testing.B, o Options) *Store {
	o.ReadOnly = true
	s := mustOpen(b, o)
	s.refuse.clear("read-only")
	return s
}

// filler stores messages of 1 KiB in queues one after the other.
type filler struct {
	s      *Store
	queues []*Queue
	ds     []record.Draft
	next   int
}

func newFiller(s *Store, queues int) *filler {
	f := &filler{s: s, ds: make([]record.Draft, 64)}
	for i := range queues {
		f.queues = append(f.queues, s.Queue(fmt.Sprintf("Topic-%03d", i/8), int32(i%8)))
	}
	body := make([]byte, 1024)
	for i := range f.ds {
		f.ds[i] = record.Draft{Body: body, BornHost: aHost, StoreHost: aHost, BornTimestamp: 1700000000000}
	}
	return f
}

func (f *filler) fill(b *testing.B, messages int) {
	b.Helper()
	for messages > 0 {
		ds := f.ds[:min(len(f.ds), messages)]
		for i := range ds {
			q := f.queues[f.next%len(f.queues)]
			ds[i].Queue, ds[i].Topic, ds[i].QueueID = q, q.Topic, q.ID
			ds[i].Properties = fmt.Appendf(ds[i].Properties[:0], "UNIQ_KEY\x010A00000700002A%018X\x02TAGS\x01tag%d\x02KEYS\x01order-%d\x02WAIT\x01true\x02", f.next, f.next%5, f.next)
			f.next++
		}
		if err := f.s.Append(ds); err != nil {
			b.Fatal(err)
		}
		messages -= len(ds)
	}
}

// BenchmarkDispatch reads messages of 1 KiB from the log and puts their units into queues, in one goroutine; with the index also
// a unique key, a key and a tag of each. An op is a message.
func BenchmarkDispatch(b *testing.B) {
	for _, c := range []struct {
		queues int
		index  bool
	}{{8, false}, {10_000, false}, {8, true}} {
		b.Run(fmt.Sprintf("queues=%d/index=%v", c.queues, c.index), func(b *testing.B) {
			o := benchOptions(b)
			o.NoIndex = !c.index
			s := quiet(b, o)
			f := newFiller(s, c.queues)
			f.fill(b, 2*c.queues) // so that every queue is known
			if err := s.dispatcher.catchUp(); err != nil {
				b.Fatal(err)
			}
			const chunk = 8 << 10 // so much is in the page cache, and maybe not in that of the CPU
			var cpu time.Duration
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += chunk {
				b.StopTimer()
				f.fill(b, min(chunk, b.N-done))
				began := cpuTime(b)
				b.StartTimer()
				if err := s.dispatcher.catchUp(); err != nil {
					b.Fatal(err)
				}
				cpu += cpuTime(b) - began
			}
			report(b, cpu)
		})
	}
}

// BenchmarkRead is what pulls do: 32 units at a time from one of 8 interleaved queues, in order, the filter by tag hash, a pinned view of
// each record, and its release. An op is a message.
func BenchmarkRead(b *testing.B) {
	o := benchOptions(b)
	o.NoIndex = true
	s := quiet(b, o)
	f := newFiller(s, 8)
	f.fill(b, 256<<10)
	if err := s.dispatcher.catchUp(); err != nil {
		b.Fatal(err)
	}
	var tags [5]int64
	for i := range tags {
		tags[i] = record.TagCode(fmt.Appendf(nil, "tag%d", i))
	}
	var us [32]consumequeue.Unit
	var views [32]commitlog.View
	var at [8]int64
	bytes, began := 0, cpuTime(b)
	b.SetBytes(1024)
	b.ReportAllocs()
	b.ResetTimer()
	for done, turn := 0, 0; done < b.N; turn++ {
		q := f.queues[turn%8]
		n, err := q.Read(us[:], at[turn%8])
		if err != nil {
			b.Fatal(err)
		}
		if at[turn%8] += int64(n); n < len(us) {
			at[turn%8] = 0
		}
		pinned := 0
		for _, u := range us[:n] {
			if u.TagCode == tags[0] || u.TagCode == tags[1] || u.TagCode == tags[2] || u.TagCode == tags[3] || u.TagCode == tags[4] {
				if views[pinned], err = s.View(u.LogOffset, u.Size); err != nil {
					b.Fatal(err)
				}
				bytes += len(views[pinned].Bytes())
				pinned++
			}
		}
		for _, v := range views[:pinned] {
			v.Release()
		}
		done += n
	}
	report(b, cpuTime(b)-began)
}

// BenchmarkRestart opens a store of -store-mib: after a clean stop, and as a kill leaves it that came a second after the last
// checkpoint, with 100 MiB stored meanwhile.
func BenchmarkRestart(b *testing.B) {
	o := benchOptions(b)
	s := mustOpen(b, o)
	f := newFiller(s, 64)
	tail := min(100, *storeMiB/2) << 10 // messages, of a little more than 1 KiB
	f.fill(b, *storeMiB<<10-tail)
	if err := s.dispatcher.catchUp(); err != nil {
		b.Fatal(err)
	}
	if err := s.checkpoint(true, false); err != nil {
		b.Fatal(err)
	}
	before := map[string][]byte{abortName: nil}
	for _, name := range []string{stateName, "checkpoint"} {
		content, err := os.ReadFile(filepath.Join(o.Root, name))
		if err != nil {
			b.Fatal(err)
		}
		before[name] = content
	}
	f.fill(b, tail)
	mustClose(b, s)
	for _, killed := range []bool{false, true} {
		b.Run(fmt.Sprintf("killed=%v", killed), func(b *testing.B) {
			var longest time.Duration
			for range b.N {
				b.StopTimer()
				if killed {
					for name, content := range before {
						if err := os.WriteFile(filepath.Join(o.Root, name), content, 0o644); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.StartTimer()
				s, err := Open(o)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if r := s.Recovery(); r.Clean == killed || r.Foreign || s.Log.Max() < int64(*storeMiB)<<20 {
					b.Fatalf("recovery %+v of a log of %d bytes", r, s.Log.Max())
				}
				longest = max(longest, s.Recovery().Took)
				mustClose(b, s)
				b.StartTimer()
			}
			b.ReportMetric(float64(longest.Milliseconds()), "ms-longest")
		})
	}
}
