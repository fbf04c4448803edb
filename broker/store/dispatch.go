package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
)

const (
	// dispatchBytes is how much of the log one batch covers. It bounds how long a message that is queued already waits for the
	// wake-up of its consumer.
	dispatchBytes = 256 << 10
	// hotBytes is how far behind the end the log is taken to be in memory. Further behind, it is read by pread: a page
	// fault in the mapping would stop a whole P of the scheduler.
	hotBytes = 64 << 20
	// retryAfter is how long a follower that failed is left alone.
	retryAfter = 500 * time.Millisecond
)

// dispatcher shows the log to its followers, in one goroutine, record after record.
type dispatcher struct {
	s         *Store
	followers []Follower
	pos       atomic.Int64 // every record below was shown to all followers

	// maintenance lets one of flush, truncate and retired run at a time. Taken before mu.
	maintenance sync.Mutex

	mu      sync.Mutex // held while a batch is shown; guards what follows
	entries []Entry
	cold    []byte
	rec     record.Record
}

// run follows the log until the store closes.
func (d *dispatcher) run() {
	moved, stop := d.s.Log.Watch()
	defer stop()
	for {
		progress, err := d.step()
		switch {
		case err != nil:
			d.s.refuse.set("dispatch", err)
			d.s.log.Error("store: dispatch paused", "position", d.pos.Load(), "error", err)
			select {
			case <-d.s.quit:
				return
			case <-time.After(retryAfter):
			}
			continue
		case progress:
			d.s.refuse.clear("dispatch")
			continue
		}
		select {
		case <-d.s.quit:
			return
		case <-moved:
		}
	}
}

// catchUp follows the log to the present confirm offset.
func (d *dispatcher) catchUp() error {
	for {
		progress, err := d.step()
		if err != nil || !progress {
			return err
		}
	}
}

// step shows the next batch to the followers.
func (d *dispatcher) step() (progress bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, limit := d.pos.Load(), d.s.Log.Confirmed()
	if from >= limit {
		return false, nil
	}
	b, release, err := d.read(from, limit, dispatchBytes)
	if err != nil {
		return false, err
	}
	to, err := d.parse(b, from)
	if to == from && err == nil && int64(len(b)) < limit-from {
		// One record is larger than a batch.
		release()
		if b, release, err = d.read(from, limit, int(d.s.Log.SegmentSize())); err != nil {
			return false, err
		}
		to, err = d.parse(b, from)
	}
	defer release()
	if err != nil || to == from {
		return false, err // a replica's log may end in the middle of a record
	}
	for _, f := range d.followers {
		if err := f.Follow(d.entries); err != nil {
			return false, fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	d.pos.Store(to)
	return true, nil
}

// read returns what the log holds from off on: at most n bytes, not beyond limit or a segment's end.
func (d *dispatcher) read(off, limit int64, n int) (b []byte, release func(), err error) {
	v, err := d.s.Log.ViewUpTo(off, limit, n)
	if err != nil {
		return nil, nil, err
	}
	if d.s.Log.Max()-off <= hotBytes {
		return v.Bytes(), v.Release, nil
	}
	defer v.Release()
	if cap(d.cold) < len(v.Bytes()) {
		d.cold = make([]byte, len(v.Bytes()))
	}
	b = d.cold[:len(v.Bytes())]
	return b, func() {}, d.s.Log.Load(b, off)
}

// parse turns whole records at the start of b, which stands at log offset off, into entries. It returns the log offset behind the last one.
func (d *dispatcher) parse(b []byte, off int64) (int64, error) {
	d.entries = d.entries[:0]
	for len(b) >= record.BlankSize {
		n := int64(record.Size(b))
		if record.Magic(b) == record.MagicBlank {
			return off + n, nil // always the rest of the segment, which is where b ends at the latest
		}
		if n > int64(len(b)) && n <= d.s.Log.SegmentSize() {
			break
		}
		if err := record.Decode(b, &d.rec); err != nil {
			return off, fmt.Errorf("segment %s at log offset %d: %w", d.s.Log.SegmentPath(off), off, err)
		}
		d.entries = append(d.entries, Entry{})
		e := &d.entries[len(d.entries)-1]
		e.set(&d.rec)
		e.LogOffset = off
		d.s.place(e)
		b, off = b[n:], off+n
	}
	return off, nil
}

// flush makes the followers durable that due picks.
func (d *dispatcher) flush(due func(Follower) bool) error {
	d.maintenance.Lock()
	defer d.maintenance.Unlock()
	return d.each(func(f Follower) error {
		if !due(f) {
			return nil
		}
		return f.Flush()
	})
}

// each calls f for all followers and joins the errors.
func (d *dispatcher) each(f func(Follower) error) error {
	var errs []error
	for _, x := range d.followers {
		if err := f(x); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", x.Name(), err))
		}
	}
	return errors.Join(errs...)
}

// needs is the lowest log offset that a follower can't do without, and the follower's name.
func (d *dispatcher) needs() (int64, string) {
	lowest, name := d.pos.Load(), "dispatch"
	for _, f := range d.followers {
		if n := f.Needs(); n < lowest {
			lowest, name = n, f.Name()
		}
	}
	return lowest, name
}

// truncate takes the followers back to log offset to.
func (d *dispatcher) truncate(to int64) error {
	d.maintenance.Lock()
	defer d.maintenance.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.each(func(f Follower) error { return f.Truncate(to) })
	d.pos.Store(min(d.pos.Load(), to))
	return err
}

// retired tells the followers where the log will begin.
func (d *dispatcher) retired(minLog int64) error {
	d.maintenance.Lock()
	defer d.maintenance.Unlock()
	return d.each(func(f Follower) error { return f.Retired(minLog) })
}

// refusals collects the reasons for which the log takes no messages.
type refusals struct {
	log *commitlog.Log
	mu  sync.Mutex // guards why
	why map[string]error
}

func (r *refusals) set(who string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.why == nil {
		r.why = make(map[string]error)
	}
	r.why[who] = err
	r.apply()
}

func (r *refusals) clear(who string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.why[who]; ok {
		delete(r.why, who)
		r.apply()
	}
}

func (r *refusals) apply() {
	var errs []error
	for _, err := range r.why {
		errs = append(errs, err)
	}
	r.log.SetRefuse(errors.Join(errs...))
}
