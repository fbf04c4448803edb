package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
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
// record of its queue and offset, and no record of a queue is without a unit. CRC properties are checked from where the
// store says that it has them, if that is earlier than OpenLog was told.
func Verify(fsys vfs.FS, root string, l *Log, progress func(int64)) (*Report, error) {
	r := &Report{Problems: []Problem{}}
	known, err := readFacts(fsys, root, r)
	if err != nil {
		return nil, err
	}
	r.Clean, l.crcFrom = known.clean, min(l.crcFrom, known.crcFrom)
	v := verifier{fs: fsys, root: root, log: l, facts: known, report: r, held: map[queueKey]*held{}}
	c := newCounter()
	end, err := l.Scan(l.Min(), func(f *Found) error {
		if f.Warning != "" {
			r.add(f.Segment, "%s", f.Warning)
		}
		if t := f.SysFlag & record.SysTransactionMask; t == 0 || t == record.SysTransactionCommit {
			c.count(f)
			v.hold(f)
		}
		return nil
	}, progress)
	if err != nil {
		return nil, err
	}
	r.Stats, v.end = c.stats(l, end), end.Offset
	if end.Reason != "" && (r.Clean || l.writtenBehind(end.Offset) != "") {
		r.add("commitlog", "ends at log offset %d: %s", end.Offset, end.Reason)
	}
	return r, v.queues()
}

// held is what the log holds of one queue of a topic that lives.
type held struct {
	records      int64
	last, lastAt int64 // queue offset and log offset of the newest one
}

// hold notes a record that takes a place in a queue.
func (v *verifier) hold(f *Found) {
	if f.Offset < v.births[string(f.Topic)] { // of an earlier topic
		return
	}
	if v.batch[string(f.Topic)] && f.SysFlag&record.SysInnerBatch == 0 {
		return
	}
	key := queueKey{string(f.Topic), f.QueueID}
	h := v.held[key]
	if h == nil {
		h = &held{last: -1}
		v.held[key] = h
	}
	if f.QueueOffset <= h.last {
		v.report.add(f.Segment, "log offset %d: queue offset %d of %s/%d after %d", f.Offset, f.QueueOffset, key.topic, key.id, h.last)
	}
	h.records++
	h.last, h.lastAt = f.QueueOffset, f.Offset
}

// verifier compares queues with the log.
type verifier struct {
	fs   vfs.FS
	root string
	log  *Log
	facts
	end    int64 // of the log
	held   map[queueKey]*held
	report *Report
	rec    record.Record
}

// queues checks all queues that there are, and those that there should be.
func (v *verifier) queues() error {
	for _, kind := range []*unitKind{&simpleUnits, &batchUnits} {
		dirs, err := v.list(kind.dir)
		if err != nil {
			return err
		}
		for _, key := range dirs {
			if err := v.queue(kind, key); err != nil {
				return err
			}
			delete(v.held, key)
		}
	}
	if !v.report.Clean {
		return nil
	}
	for _, q := range v.report.Stats.Queues {
		if h := v.held[queueKey{q.Topic, q.QueueID}]; h != nil {
			v.report.add(path.Join(v.root, simpleUnits.dir, q.Topic, strconv.Itoa(int(q.QueueID))), "is missing; the log has %d records of it", h.records)
		}
	}
	return nil
}

// list returns the queues that have a directory, in the order of the directories.
func (v *verifier) list(dir string) (keys []queueKey, err error) {
	topics, err := v.names(path.Join(v.root, dir))
	if err != nil {
		return nil, err
	}
	for _, topic := range topics {
		ids, err := v.names(path.Join(v.root, dir, topic))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if n, err := strconv.ParseInt(id, 10, 32); err == nil && n >= 0 {
				keys = append(keys, queueKey{topic, int32(n)})
			}
		}
	}
	return keys, nil
}

// names are the directories in a directory.
func (v *verifier) names(dir string) (names []string, err error) {
	entries, err := v.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
