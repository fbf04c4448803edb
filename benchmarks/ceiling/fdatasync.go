package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// diskBytes is how long the file is: flushes go round in it, so that they never allocate blocks or change its length.
const diskBytes = 64 << 20

// diskLoad writes the bodies of all sends in flight at once and syncs them, again and again: a synchronous flush without messages
// that have to be received, encoded and answered. It is its own server.
type diskLoad struct{ dir string }

func (d *diskLoad) run(ctx context.Context, o *generator.Options) (_ *generator.Report, err error) {
	if err := o.ValidateAs(generator.ModeSend); err != nil {
		return nil, err
	}
	batch := o.Connections * o.InFlight
	if batch*o.SizeBytes > diskBytes {
		return nil, fmt.Errorf("%d sends of %d bytes in flight, expected at most %d bytes together", batch, o.SizeBytes, diskBytes)
	}
	name := filepath.Join(d.dir, "ceiling-fdatasync")
	f, err := writtenFile(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(name)) }()

	o.PID, o.Addr = os.Getpid(), name
	start := time.Now()
	flushes := &flushing{f: f, batch: measure.NewBody(batch * o.SizeBytes)}
	if err := flushes.run(ctx, o.Warmup, 0); err != nil {
		return nil, err
	}
	usage := &measure.Usage{PID: o.PID}
	latency := measure.NewHistogram()
	flushes.done = func(took time.Duration) { _ = latency.RecordValues(int64(took), int64(batch)) } // fails beyond 100 s only
	usage.Begin()
	from := time.Now()
	err = flushes.run(ctx, o.Duration, (o.Count+int64(batch)-1)/int64(batch))
	elapsed := time.Since(from)
	usage.End()

	r := o.NewReport(start)
	r.Latency = r.Keep("", latency)
	r.Count(latency.TotalCount(), int64(elapsed))
	r.Use(usage)
	return r, err
}

// writtenFile makes a file whose blocks are allocated, written and on the disk.
func writtenFile(name string) (*os.File, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	chunk := make([]byte, 1<<20)
	for range diskBytes / len(chunk) {
		if _, err := f.Write(chunk); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// flushing writes batches one behind the other.
type flushing struct {
	f     *os.File
	batch []byte
	at    int64
	done  func(took time.Duration) // after each; may be nil
}

// run flushes for so long, or so often where count isn't 0.
func (s *flushing) run(ctx context.Context, d time.Duration, count int64) error {
	began := time.Now()
	for n := int64(0); ctx.Err() == nil; n++ {
		now := time.Now()
		if count > 0 && n == count || count == 0 && now.Sub(began) >= d {
			return nil
		}
		if s.at+int64(len(s.batch)) > diskBytes {
			s.at = 0
		}
		if _, err := s.f.WriteAt(s.batch, s.at); err != nil {
			return err
		}
		if err := dataSync(s.f); err != nil {
			return fmt.Errorf("sync %s: %w", s.f.Name(), err)
		}
		s.at += int64(len(s.batch))
		if s.done != nil {
			s.done(time.Since(now))
		}
	}
	return nil
}
