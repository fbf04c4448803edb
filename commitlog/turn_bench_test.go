package commitlog

import (
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// BenchmarkAppendInTurn appends 16 messages of 1 KiB at a time, as one connection's read brings them, to an asynchronous log that does nothing else.
func BenchmarkAppendInTurn(b *testing.B) {
	l := benchLog(b, func(o *Options) { o.SegmentSize, o.FlushInterval, o.WritebackStep = 32<<20, 24*time.Hour, 1<<40 })
	ds := make([]record.Draft, 16)
	for i := range ds {
		ds[i] = benchDraft(1 << 10)
	}
	a := new(counter)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Append(ds, a); err != nil {
			b.Fatal(err)
		}
	}
}
