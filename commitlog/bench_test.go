package commitlog

import (
	"flag"
	"fmt"
	"hash/crc32"
	"path"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// The defaults are those of a smoke test. A measurement takes -bench.segment 1073741824 -bench.total 8589934592.
var (
	benchSegment = flag.Int64("bench.segment", 8<<20, "bytes of a segment")
	benchTotal   = flag.Int64("bench.total", 64<<20, "bytes that each case of BenchmarkAppend writes, and BenchmarkRecover reads")
	benchZero    = flag.Int64("bench.zero", 0, "Options.ZeroAhead of BenchmarkAppendSync; its bare file is then written before, too")
	benchGather  = flag.Duration("bench.gather", DefaultGather, "Options.Gather of BenchmarkAppendSync")
	benchFlushes = flag.Int("bench.flushes", 400, "how many flushes of each kind a case of BenchmarkAppendSync does")
	benchDir     = flag.String("bench.dir", "", "directory on the disk to measure; a temporary one if empty")
)

func benchLog(b *testing.B, change func(*Options)) *Log {
	o := Options{FS: vfs.OS(), Dirs: []string{path.Join(diskDir(b), "log")}, SegmentSize: *benchSegment, CRCProperty: true}
	change(&o)
	l, _, err := Open(o, Start{From: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	return l
}

func diskDir(b *testing.B) string {
	if *benchDir == "" {
		return b.TempDir()
	}
	dir := path.Join(*benchDir, fmt.Sprint(time.Now().UnixNano()))
	b.Cleanup(func() { vfs.OS().RemoveAll(dir) })
	return dir
}

// bare is the least that a log could do: one copy, one checksum, one pwrite per batch, into files like those of the log.
type bare struct {
	b   *testing.B
	dir string

	mu   sync.Mutex // guards the rest
	seg  *mapped.Segment
	next int64 // base of the next segment
	pos  int64
	from int64 // start of what is not being written back
}

func newBare(b *testing.B) *bare {
	f := &bare{b: b, dir: path.Join(diskDir(b), "bare")}
	if err := vfs.OS().MkdirAll(f.dir); err != nil {
		b.Fatal(err)
	}
	f.roll()
	b.Cleanup(func() { f.seg.Retire(true) })
	return f
}

func (f *bare) roll() {
	if f.seg != nil {
		f.seg.Retire(true)
	}
	var err error
	if f.seg, err = mapped.Create(vfs.OS(), f.dir, f.next, *benchSegment); err != nil {
		f.b.Fatal(err)
	}
	f.next += *benchSegment
	f.pos, f.from = 0, 0
}

// reserve makes room for n bytes, outside of what is measured: the log's next segment is made ahead, too.
func (f *bare) reserve(n int64) {
	if f.pos+n > f.seg.Size() {
		f.roll()
	}
}

// append does one batch of records of the same size.
func (f *bare) append(buf []byte, rec []byte, n int) {
	buf = buf[:0]
	for range n {
		buf = append(buf, rec...)
		sink.Add(crc32.ChecksumIEEE(buf[len(buf)-len(rec):]))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.seg.WriteAt(buf, f.pos); err != nil {
		f.b.Error(err)
		return
	}
	f.pos += int64(len(buf))
	if f.pos-f.from >= DefaultWritebackStep {
		f.seg.StartWriteback(f.from, f.pos-f.from)
		f.from = f.pos
	}
}

var sink atomic.Uint32

// benchDraft is a message as clients send it, with a body of n bytes.
func benchDraft(n int) record.Draft {
	d := draft(string(make([]byte, n)))
	for i := range d.Body {
		d.Body[i] = byte(i * 7)
	}
	d.Properties = []byte("UNIQ_KEY\x017F00000100002A9F0000000000000001\x02WAIT\x01true\x02")
	d.MoreProperties = []byte("CLUSTER\x01DefaultCluster\x02MSG_REGION\x01DefaultRegion\x02TRACE_ON\x01true\x02")
	return d
}

func encoded(b *testing.B, d record.Draft) []byte {
	rec, err := d.AppendTo(nil, true)
	if err != nil {
		b.Fatal(err)
	}
	return rec
}

func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// alternate is how many batches one side does before the other has its turn.
const alternate = 1000

// BenchmarkAppend compares an asynchronous log, from request fields to published offset, with bare writes of as many bytes in the
// same run. x_bare is the log's time over theirs, the median of the turns that they take, which a disk that falls behind leaves alone;
// x_bare_total is that of all time. p99.9 and max are of one Append; cpu-ns/msg is of the whole process.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{128, 1 << 10, 4 << 10} {
		for _, batch := range []int{1, 16, 64} {
			for _, producers := range []int{1, runtime.GOMAXPROCS(0)} {
				b.Run(fmt.Sprintf("body=%d/batch=%d/producers=%d", size, batch, producers), func(b *testing.B) {
					for b.Loop() {
						appendBeside(b, size, batch, producers)
					}
				})
			}
		}
	}
}

func appendBeside(b *testing.B, size, batch, producers int) {
	l, f := benchLog(b, func(*Options) {}), newBare(b)
	rec := encoded(b, benchDraft(size))
	bytes := int64(len(rec) * batch)
	a := new(counter)
	type producer struct {
		ds   []record.Draft
		buf  []byte
		hist *hdrhistogram.Histogram
	}
	ps := make([]producer, producers)
	for i := range ps {
		ps[i] = producer{make([]record.Draft, batch), make([]byte, 0, bytes), hdrhistogram.New(1, int64(10*time.Second), 3)}
		for k := range ps[i].ds {
			ps[i].ds[k] = benchDraft(size)
		}
	}
	each := func(do func(*producer)) time.Duration {
		began := time.Now()
		var wg sync.WaitGroup
		for i := range ps {
			wg.Go(func() {
				for range alternate / producers {
					do(&ps[i])
				}
			})
		}
		wg.Wait()
		return time.Since(began)
	}
	var logTime, bareTime, cpu time.Duration
	var ratios []float64 // of one turn to the next
	messages := int64(0)
	for round := int64(0); round*alternate*bytes < *benchTotal; round++ {
		before := cpuTime()
		logTurn := each(func(p *producer) {
			began := time.Now()
			if err := l.Append(p.ds, a); err != nil {
				b.Error(err)
			}
			p.hist.RecordValue(int64(time.Since(began)))
		})
		cpu += cpuTime() - before
		logTime += logTurn
		messages += int64(alternate / producers * producers * batch)
		// The bare file takes as many bytes, in segments of which each holds a whole number of turns or a part of one.
		bareTurn := time.Duration(0)
		for left := alternate / producers * producers; left > 0; {
			f.reserve(bytes * int64(producers))
			n := min(left, int((f.seg.Size()-f.pos)/bytes))
			bareTurn += beside(n, producers, func(i int) { f.append(ps[i].buf, rec, batch) })
			left -= n
		}
		bareTime += bareTurn
		ratios = append(ratios, float64(logTurn)/float64(bareTurn))
		if _, err := l.Retire(l.Max() - 2**benchSegment); err != nil {
			b.Fatal(err)
		}
	}
	all := ps[0].hist
	for _, p := range ps[1:] {
		all.Merge(p.hist)
	}
	b.SetBytes(messages * int64(len(rec)))
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "x_bare")
	b.ReportMetric(float64(logTime)/float64(bareTime), "x_bare_total")
	b.ReportMetric(float64(logTime.Nanoseconds())/float64(messages), "ns/msg")
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(messages), "cpu-ns/msg")
	b.ReportMetric(float64(all.ValueAtQuantile(99.9))/1e3, "p99.9-µs")
	b.ReportMetric(float64(all.Max())/1e3, "max-µs")
	b.ReportMetric(float64(l.Stats().Rolls), "rolls")
}

// beside does n batches, by as many goroutines as there are producers.
func beside(n, producers int, do func(i int)) time.Duration {
	began := time.Now()
	var wg sync.WaitGroup
	for i := range producers {
		wg.Go(func() {
			for k := i; k < n; k += producers {
				do(i)
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// BenchmarkRecover opens a log of 1 KiB messages, in the page cache, as after a kill. scan-GB/s is of the scan alone, without
// the syncing and clearing that follow.
func BenchmarkRecover(b *testing.B) {
	var dir string
	l := benchLog(b, func(o *Options) { dir = o.Dirs[0] })
	ds := make([]record.Draft, 64)
	for i := range ds {
		ds[i] = benchDraft(1 << 10)
	}
	for a := new(counter); l.Max() < *benchTotal; {
		if err := l.Append(ds, a); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	length := l.Max()
	b.SetBytes(length)
	var scan time.Duration
	n := 0
	for b.Loop() {
		l, rec, err := Open(Options{FS: vfs.OS(), Dirs: []string{dir}, SegmentSize: *benchSegment, CRCProperty: true}, Start{From: 0})
		if err != nil || rec.End < *benchTotal {
			b.Fatal(rec, err)
		}
		b.StopTimer()
		began := time.Now()
		if _, err := l.scan(0, -1); err != nil {
			b.Fatal(err)
		}
		scan += time.Since(began)
		n++
		l.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(length)/scan.Seconds()/1e9, "scan-GB/s")
}
