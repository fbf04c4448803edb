package commitlog

import (
	"fmt"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// Start is what the owner of a store knows about the log before it is opened.
type Start struct {
	// Clean says that the last process stopped in an orderly way: its Close returned nil.
	Clean bool
	// From is a record border below which everything is known to be whole and durable; negative if there is no such
	// knowledge. After a clean stop it is the end of the log.
	From int64
	// Checkpoint is the peer's. It tells where to begin when From is not known and the stop was not clean.
	Checkpoint Checkpoint
}

// Recovery says what Open found.
type Recovery struct {
	From     int64  // log offset at which the scan began
	End      int64  // end of the log
	Records  int64  // messages between the two
	Cut      string // why the log ends at End, when that is not simply where nothing was written any more
	StaleCRC int64  // messages whose CRC property is wrong although everything else is right
}

// recover finds the end and makes the log ready to append there.
func (l *Log) recover(s Start) (Recovery, error) {
	if l.set.First() == nil {
		return Recovery{}, nil
	}
	// The last process may have died between deleting a segment and syncing that. Were the name to come back after the next
	// ones, in other directories, are durably gone, there would be a gap.
	for _, dir := range l.opts.Dirs {
		if err := l.opts.FS.SyncDir(dir); err != nil {
			return Recovery{}, fmt.Errorf("commitlog: recover: %w", err)
		}
	}
	rec, err := l.findEnd(s)
	if err != nil {
		return Recovery{}, err
	}
	if rec.Cut != "" {
		l.opts.Logger.Warn("commit log: cut", "end", rec.End, "found", rec.Cut)
	}
	// The death of a process leaves pages that were written and not synced: they count as flushed only now.
	for _, seg := range l.set.All() {
		if seg.End() > rec.From && seg.Base() < rec.End && !seeded.Is(seeded.RecoveryNotSynced) {
			if err := seg.Datasync(); err != nil {
				return Recovery{}, fmt.Errorf("commitlog: recover: %w", err)
			}
		}
	}
	if s.Clean && rec.End == s.From && l.set.Last().Base() <= rec.End {
		l.tail, l.end = l.set.Last(), rec.End // only zeros follow
		l.zero.enter(l.tail, l.end)
	} else if err := l.cut(rec.End); err != nil {
		return Recovery{}, err
	}
	if l.tail != nil {
		// A crash may have come before its maker did it.
		if err := l.tail.SyncName(); err != nil {
			return Recovery{}, fmt.Errorf("commitlog: recover: %w", err)
		}
	}
	l.written.Store(rec.End)
	l.flushed.Store(rec.End)
	l.writebackFrom.Store(rec.End)
	return rec, nil
}

// findEnd scans for the end of the log.
func (l *Log) findEnd(s Start) (Recovery, error) {
	all := l.set.All()
	rest := l.opts.SegmentSize - s.From%l.opts.SegmentSize // no record leaves less than a blank
	if s.From < all[0].Base() || s.From > all[len(all)-1].End() || rest < record.BlankSize {
		sc, err := l.scan(l.scanStart(s), -1)
		return sc.Recovery, err
	}
	sc, err := l.scan(s.From, -1)
	if err != nil || sc.Records > 0 || s.Clean && sc.Cut == "" {
		// A record that names its own place stands only at a border.
		return sc.Recovery, err
	}
	// Nothing follows From. That may be the end of the log, or From is nonsense. The records before it tell.
	walk, err := l.scan(l.baseOf(s.From), s.From)
	switch {
	case err != nil:
		return Recovery{}, err
	case walk.passed:
		return walk.Recovery, nil
	case walk.End < s.From && walk.Cut != "":
		// Bytes that were known to be good have gone bad since. That is for whoever reads them; what lies behind them is good.
		l.opts.Logger.Error("commit log: damage", "found", walk.Cut, "flushed", s.From)
		return sc.Recovery, nil
	}
	l.opts.Logger.Warn("commit log: no border where the last checkpoint says", "offset", s.From, "end", walk.End)
	return walk.Recovery, nil
}

// baseOf is the start of the segment that holds off, or that ends there if it is the last one.
func (l *Log) baseOf(off int64) int64 {
	all := l.set.All()
	for _, seg := range all {
		if off < seg.End() {
			return seg.Base()
		}
	}
	return all[len(all)-1].Base()
}

// scanStart is where the scan begins when nothing but the peer's checkpoint is known: the start of the newest
// segment whose first record is whole and, after a crash, not newer than the checkpoint.
func (l *Log) scanStart(s Start) int64 {
	all := l.set.All()
	for i := len(all) - 1; i > 0; i-- {
		first := scanner{log: l, limit: 1}
		first.From, first.End = all[i].Base(), all[i].Base()
		if _, err := first.segment(all[i]); err != nil || first.Records == 0 {
			continue
		}
		if s.Clean || s.Checkpoint.covers(all[i].Base(), first.storedAt) {
			return all[i].Base()
		}
	}
	return all[0].Base()
}

// covers tells whether a record was flushed, with its queue unit, when the checkpoint was written.
func (c Checkpoint) covers(off, storeTimestamp int64) bool {
	if c.QueueLogOffset > 0 {
		return off <= c.QueueLogOffset
	}
	return c.QueueTimestamp > 0 && storeTimestamp <= c.QueueTimestamp
}
