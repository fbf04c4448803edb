package commitlog

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// BenchmarkAppendSync has W producers that wait for the flush of each 1 KiB message, beside bare write+fdatasync of W records at once
// in the same run. batch/W is the mean number of messages per flush over W, of_bare the rate over W times that of the bare flushes.
// The p99.9 of waits that ended within a second after a roll stands beside that of the others. disk-B/flush is from
// /proc/diskstats, which counts whatever else uses the disk.
func BenchmarkAppendSync(b *testing.B) {
	for _, w := range []int{1, 2, 4, 8, 16, 32, 64} {
		b.Run(fmt.Sprintf("waiting=%d", w), func(b *testing.B) {
			for b.Loop() {
				appendSyncBeside(b, w)
			}
		})
	}
}

// flushTurn is how many flushes one side does before the other has its turn.
const flushTurn = 100

func appendSyncBeside(b *testing.B, w int) {
	l := benchLog(b, func(o *Options) { o.SyncFlush, o.ZeroAhead, o.Gather = true, *benchZero, *benchGather })
	f := newBareSync(b, w)
	a := new(counter)
	near, far := hdrhistogram.New(1, int64(time.Minute), 3), hdrhistogram.New(1, int64(time.Minute), 3)
	var logTime, bareTime time.Duration
	var messages, flushes, sectors int64
	rolls, rolled := l.Stats().Rolls, time.Time{}
	var mu sync.Mutex // guards the histograms, what is known of rolls, and the counts
	var turn int      // messages that are left of this turn
	waited := func(d time.Duration) (more bool) {
		mu.Lock()
		defer mu.Unlock()
		if n := l.Stats().Rolls; n != rolls {
			rolls, rolled = n, time.Now()
		}
		if time.Since(rolled) < time.Second {
			near.RecordValue(int64(d))
		} else {
			far.RecordValue(int64(d))
		}
		messages++
		turn--
		return turn > 0
	}
	for range *benchFlushes / flushTurn {
		before, disk := l.Stats(), sectorsWritten()
		turn = w * flushTurn
		began := time.Now()
		var wg sync.WaitGroup
		for range w {
			wg.Go(func() {
				ds := []record.Draft{benchDraft(1 << 10)}
				done := make(chan error, 1)
				wait := &Waiter{Need: Confirmed, Done: func(_ *Waiter, err error) { done <- err }}
				for more := true; more; {
					began := time.Now()
					err := l.Append(ds, a)
					if err == nil {
						wait.UpTo = end(ds[0])
						l.OnAcked(wait)
						err = <-done
					}
					if err != nil {
						b.Error(err)
					}
					more = waited(time.Since(began))
				}
			})
		}
		wg.Wait()
		logTime += time.Since(began)
		sectors += sectorsWritten() - disk
		flushes += l.Stats().Flushes - before.Flushes
		bareTime += f.flushes(flushTurn)
	}
	n := float64(*benchFlushes / flushTurn * flushTurn)
	logRate, bareRate := float64(messages)/logTime.Seconds(), float64(w)*n/bareTime.Seconds()
	b.ReportMetric(logRate, "msg/s")
	b.ReportMetric(float64(messages)/float64(flushes)/float64(w), "batch/W")
	b.ReportMetric(logRate/bareRate, "of_bare")
	b.ReportMetric(float64(bareTime.Microseconds())/n, "bare-µs/flush")
	b.ReportMetric(float64(sectors*512)/float64(flushes), "disk-B/flush")
	b.ReportMetric(float64(near.ValueAtQuantile(99.9))/1e3, "p99.9-near-roll-µs")
	b.ReportMetric(float64(far.ValueAtQuantile(99.9))/1e3, "p99.9-else-µs")
	b.ReportMetric(float64(l.Stats().Rolls), "rolls")
}

// bareSync writes w records and syncs, over and over.
type bareSync struct {
	b    *testing.B
	recs []byte
	seg  *mapped.Segment
	pos  int64
}

func newBareSync(b *testing.B, w int) *bareSync {
	f := &bareSync{b: b}
	rec := encoded(b, benchDraft(1<<10))
	for range w {
		f.recs = append(f.recs, rec...)
	}
	dir := path.Join(diskDir(b), "bare")
	err := vfs.OS().MkdirAll(dir)
	if err == nil {
		f.seg, err = mapped.Create(vfs.OS(), dir, 0, *benchSegment)
	}
	if err == nil && *benchZero > 0 {
		for pos := int64(0); pos < f.seg.Size() && err == nil; pos += zeroPiece {
			err = f.seg.WriteAt(make([]byte, min(zeroPiece, f.seg.Size()-pos)), pos)
		}
		err = f.seg.Datasync()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.seg.Retire(true) })
	return f
}

func (f *bareSync) flushes(n int) time.Duration {
	began := time.Now()
	for range n {
		if f.pos+int64(len(f.recs)) > f.seg.Size() {
			f.pos = 0 // from here on the file was written before
		}
		if err := f.seg.WriteAt(f.recs, f.pos); err != nil {
			f.b.Fatal(err)
		}
		if err := f.seg.Datasync(); err != nil {
			f.b.Fatal(err)
		}
		f.pos += int64(len(f.recs))
	}
	return time.Since(began)
}

// sectorsWritten is the number of 512-byte sectors that all disks have written; partitions and virtual layers don't count.
func sectorsWritten() (n int64) {
	file, err := os.Open("/proc/diskstats")
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 {
			continue
		}
		if _, err := os.Stat("/sys/block/" + fields[2] + "/device"); err != nil {
			continue
		}
		var sectors int64
		if _, err := fmt.Sscan(fields[9], &sectors); err == nil {
			n += sectors
		}
	}
	return n
}
