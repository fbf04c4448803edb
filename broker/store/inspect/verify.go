package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

// Problem is something in a store that isn't as it should be.
type Problem struct {
	Where string `json:"where"` // a file, with an offset in it
	What  string `json:"what"`  // what was found and what was expected
}

// Report is the outcome of a verification.
type Report struct {
	Clean    bool      `json:"clean"` // the last stop was in order; otherwise the ends of log and queues may differ until the next start
	Stats    *Stats    `json:"stats"`
	Units    int64     `json:"queueUnits"`
	Problems []Problem `json:"problems"`
	Dropped  int64     `json:"problemsDropped"` // beyond the first 1,000
}

// mostProblems is how many problems a report names.
const mostProblems = 1000

func (r *Report) add(where, format string, args ...any) {
	if len(r.Problems) >= mostProblems {
		r.Dropped++
		return
	}
	r.Problems = append(r.Problems, Problem{where, fmt.Sprintf(format, args...)})
}

// Verify checks the log record by record, and that log and consume queues say the same: every unit points at the
// record of its queue and offset, and no record of a queue is without a unit.
func Verify(fsys vfs.FS, root string, l *Log, progress func(int64)) (*Report, error) {
	r := &Report{}
	switch _, err := fsys.Stat(path.Join(root, "abort")); {
	case errors.Is(err, fs.ErrNotExist):
		r.Clean = true
	case err != nil:
		return nil, fmt.Errorf("inspect: %w", err)
	}
	c := newCounter()
	end, err := l.Scan(l.Min(), func(f *Found) error {
		if f.Warning != "" {
			r.add(f.Segment, "%s", f.Warning)
		}
		if t := f.SysFlag & record.SysTransactionMask; t == 0 || t == record.SysTransactionCommit {
			if q, fresh := c.queue(&f.Record); !fresh && f.QueueOffset <= q.Last && f.QueueOffset != 0 {
				r.add(f.Segment, "log offset %d: queue offset %d of %s/%d after %d", f.Offset, f.QueueOffset, q.Topic, q.QueueID, q.Last)
			}
			c.count(f)
		}
		return nil
	}, progress)
	if err != nil {
		return nil, err
	}
	r.Stats = c.stats(l, end)
	if end.Reason != "" && r.Clean {
		r.add("commitlog", "ends at log offset %d: %s", end.Offset, end.Reason)
	}
	v := verifier{fs: fsys, root: root, log: l, end: end.Offset, report: r}
	for _, q := range r.Stats.Queues {
		if err := v.queue(q); err != nil {
			return nil, err
		}
	}
	return r, nil
}

type verifier struct {
	fs     vfs.FS
	root   string
	log    *Log
	end    int64
	report *Report
	rec    record.Record
}

// queue checks the files of one simple queue. Batch queues, which have other units, are passed over.
func (v *verifier) queue(q *QueueStats) error {
	dir := path.Join(v.root, "consumequeue", q.Topic, strconv.Itoa(int(q.QueueID)))
	entries, err := v.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, e := v.fs.Stat(path.Join(v.root, "batchconsumequeue", q.Topic)); e == nil {
			return nil
		}
		if v.report.Clean {
			v.report.add(dir, "is missing; the log has %d records of it", q.Records)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("inspect: %w", err)
	}
	last := int64(-1)
	for _, e := range entries {
		base, ok := mapped.ParseName(e.Name())
		if !ok {
			continue
		}
		if last, err = v.file(q, path.Join(dir, e.Name()), base, last); err != nil {
			return err
		}
	}
	if v.report.Clean && last < q.lastLog {
		v.report.add(dir, "has no unit for the record at log offset %d, queue offset %d", q.lastLog, q.Last)
	}
	return nil
}

// file checks the units of one file and returns the log offset of its last one.
func (v *verifier) file(q *QueueStats, name string, base, last int64) (int64, error) {
	b, err := vfs.ReadFile(v.fs, name)
	if err != nil {
		return last, fmt.Errorf("inspect: %w", err)
	}
	for pos := 0; pos+consumequeue.UnitSize <= len(b); pos += consumequeue.UnitSize {
		u := consumequeue.DecodeUnit(b[pos:])
		if u.Size == 0 {
			break
		}
		if u.Filler() {
			continue
		}
		v.report.Units++
		offset := (base + int64(pos)) / consumequeue.UnitSize
		where := fmt.Sprintf("%s at %d (queue offset %d)", name, pos, offset)
		switch {
		case u.LogOffset <= last:
			v.report.add(where, "log offset %d after %d", u.LogOffset, last)
		case u.LogOffset >= v.end:
			if v.report.Clean {
				v.report.add(where, "log offset %d is behind the end of the log, %d", u.LogOffset, v.end)
			}
		case u.LogOffset >= v.log.Min():
			v.unit(q, where, u, offset)
		}
		last = u.LogOffset
	}
	return last, nil
}

func (v *verifier) unit(q *QueueStats, where string, u consumequeue.Unit, offset int64) {
	r := &v.rec
	switch err := v.log.at(u.LogOffset, r); {
	case err != nil:
		v.report.add(where, "log offset %d: %v", u.LogOffset, err)
	case r.Size != u.Size:
		v.report.add(where, "the record at log offset %d has %d bytes, the unit says %d", u.LogOffset, r.Size, u.Size)
	case string(r.Topic) != q.Topic || r.QueueID != q.QueueID:
		if _, multi := record.Property(r.Properties, record.PropMultiDispatch); !multi {
			v.report.add(where, "the record at log offset %d is of %s/%d", u.LogOffset, r.Topic, r.QueueID)
		}
	case r.QueueOffset != offset:
		v.report.add(where, "the record at log offset %d has queue offset %d", u.LogOffset, r.QueueOffset)
	}
}
