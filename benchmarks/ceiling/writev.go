package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gantry-mq/gantry/benchmarks/driver"
	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/measure"
)

const (
	recordsPerWrite = 32    // what one pull brings
	recordBytes     = 1_175 // a message with a body of 1 KiB as a log holds it
	mappedBytes     = 256 << 20

	askedQueues = 8 // whose records lie in turn in a log
	askedAhead  = 2 // pulls that a client of a broker with so many queues has in flight on each of four connections
)

// serveWritev maps a file and writes its records to each connection, as fast as they are read: a pull without the request, the search
// for the records and the answer's header. With -asked there is a request, of one byte, and the records are every eighth one of the file.
func serveWritev(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("serve writev", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	dir := fs.String("data", "", "`directory` for the file")
	asked := fs.Bool("asked", false, "write for each byte that comes, and the records of one of eight queues that lie in turn in the file")
	if err := driver.Parse(fs, args); err != nil {
		return err
	}
	mapping, err := mapFile(filepath.Join(*dir, "ceiling-writev"))
	if err != nil {
		return err
	}
	defer func() { _ = unix.Munmap(mapping) }()
	return listen(ctx, *addr, func(c net.Conn) error {
		if *asked {
			return writeAsked(c, mapping)
		}
		return writeRecords(c, mapping)
	})
}

// mapFile makes the file, maps it and takes its name away. All its pages are in memory then.
func mapFile(name string) (mapping []byte, err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(name)) }()
	chunk := measure.NewBody(1 << 20)
	for range mappedBytes / len(chunk) {
		if _, err := f.Write(chunk); err != nil {
			return nil, err
		}
	}
	mapping, err = unix.Mmap(int(f.Fd()), 0, mappedBytes, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", name, err)
	}
	return mapping, nil
}

// writeRecords goes through the mapping again and again until the connection is closed.
func writeRecords(c net.Conn, mapping []byte) error {
	r := records{mapping: mapping, queues: 1}
	for {
		if err := r.write(c); err != nil {
			return err
		}
	}
}

// writeAsked is writeRecords of a log of several queues to somebody who asks for each batch by a byte.
func writeAsked(c net.Conn, mapping []byte) error {
	r := records{mapping: mapping, queues: askedQueues}
	var requests [64]byte
	for {
		n, err := c.Read(requests[:])
		for range n {
			if err := r.write(c); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// records are the messages of queues that stand in turn in a log.
type records struct {
	mapping []byte
	queues  int
	at      int // of the stretch that holds a batch of each queue
	queue   int
	batch   [recordsPerWrite][]byte
}

// write writes the next batch of the next queue.
func (r *records) write(c net.Conn) error {
	stretch := r.queues * recordsPerWrite * recordBytes
	if r.at+stretch > len(r.mapping) {
		r.at = 0
	}
	for i := range r.batch {
		r.batch[i] = r.mapping[r.at+(i*r.queues+r.queue)*recordBytes:][:recordBytes]
	}
	if r.queue++; r.queue == r.queues {
		r.queue, r.at = 0, r.at+stretch
	}
	batch := net.Buffers(r.batch[:]) // WriteTo consumes the slice, not what it stands on
	_, err := batch.WriteTo(c)
	return err
}

// drainLoad reads from serveWritev on all connections. A message is one record; there are no latencies.
type drainLoad struct{ asked bool }

func (l *drainLoad) run(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	if err := o.ValidateAs(generator.ModeSend); err != nil {
		return nil, err
	}
	usage := &measure.Usage{PID: o.PID}
	if err := usage.Check(); err != nil {
		return nil, err
	}
	start := time.Now()
	d := &drained{patience: o.AnswerTimeout, asked: l.asked}
	for range o.Connections {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.Addr)
		if err != nil {
			d.end()
			return nil, err
		}
		d.conns = append(d.conns, c)
		d.reading.Go(func() { d.read(c) })
	}
	wait(ctx, o.Warmup)
	usage.Begin()
	from, before := time.Now(), d.bytes.Load()
	wait(ctx, o.Duration)
	bytes, elapsed := d.bytes.Load()-before, time.Since(from)
	usage.End()
	d.end()

	r := o.NewReport(start)
	r.InFlight, r.SizeBytes = 0, recordBytes
	r.Latency = r.Keep("", measure.NewHistogram())
	r.Count(bytes/recordBytes, int64(elapsed))
	r.Use(usage)
	return r, d.err
}

// drained counts what comes on connections.
type drained struct {
	patience time.Duration
	asked    bool
	bytes    atomic.Int64
	conns    []net.Conn
	reading  sync.WaitGroup

	mu  sync.Mutex // guards err
	err error
}

func (d *drained) read(c net.Conn) {
	buffer := make([]byte, 256<<10)
	requests := make([]byte, askedAhead)
	unasked := int64(0) // bytes that came since the last request
	for {
		err := c.SetReadDeadline(time.Now().Add(d.patience))
		if err == nil && d.asked && len(requests) > 0 {
			_, err = c.Write(requests)
		}
		if err == nil {
			var n int
			n, err = c.Read(buffer)
			d.bytes.Add(int64(n))
			unasked += int64(n)
		}
		const batch = recordsPerWrite * recordBytes
		requests, unasked = requests[:min(unasked/batch, askedAhead)], unasked%batch
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("closed by the server")
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.err = errors.Join(d.err, err)
			return
		}
	}
}

// end closes the connections and waits for their goroutines. Err is final then.
func (d *drained) end() {
	for _, c := range d.conns {
		c.Close()
	}
	d.reading.Wait()
}

// wait returns when the time is over or ctx has ended.
func wait(ctx context.Context, d time.Duration) {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
	}
}
