package delay

import (
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// BenchmarkDeliver delivers messages of 1 KiB that are due. B/s are those of their bodies.
func BenchmarkDeliver(b *testing.B) {
	m := newMachine()
	p := m.open(b, func(s *setup) {
		s.fs = vfs.OS()
		s.store = store.Options{Root: b.TempDir(), Log: commitlog.Options{SegmentSize: 256 << 20, CRCProperty: true}, NoIndex: true, Now: s.store.Now, Logger: s.store.Logger}
	})
	defer p.stop(b)
	const body = 1024
	ds := make([]record.Draft, 0, maxUnits)
	for n := 0; n < b.N; {
		ds = ds[:0]
		for ; n < b.N && len(ds) < cap(ds); n++ {
			d := p.wait("k", 1, "orders", n%4)
			d.Body = make([]byte, body)
			ds = append(ds, d)
		}
		p.send(b, ds...)
	}
	l := p.levels[0]
	for _, next := l.queue.Bounds(); next < int64(b.N); _, next = l.queue.Bounds() {
		a := &store.Arrival{From: int64(b.N) - 1}
		come := make(chan struct{})
		a.Wake = func(*store.Arrival) { close(come) }
		if l.queue.Await(a) {
			<-come
		}
	}
	m.clock = func() time.Time { return time.Now().Add(time.Hour) }
	b.SetBytes(body)
	b.ReportAllocs()
	b.ResetTimer()
	for l.delivered() < int64(b.N) {
		if _, err := l.step(); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}
