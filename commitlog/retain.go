package commitlog

import (
	"fmt"
	"slices"
	"time"

	"github.com/gantry-mq/gantry/commitlog/seeded"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Retention says when old segments go. Ratios are used/(used+available) of a disk, 0 … 1, as df counts.
// The three of them are RocketMQ's diskMaxUsedSpaceRatio, diskSpaceCleanForciblyRatio and diskSpaceWarningLevelRatio.
type Retention struct {
	Age     time.Duration // segments whose file wasn't changed for longer are expired
	Hours   []int         // hours of the local day at which expired segments are deleted
	Clean   float64       // above: expired segments are deleted at any hour
	Force   float64       // above: the oldest are deleted whether expired or not, if Forced
	Refuse  float64       // above: no messages are taken
	Forced  bool          // deleting what has not expired is allowed
	PerPass int           // at most so many segments go in one pass; 0 is no limit
}

// DefaultRetention is RocketMQ's: three days, deleted at four in the morning or when the disk is used beyond 75 %,
// by force beyond 85 %, with no messages taken beyond 90 %.
func DefaultRetention() Retention {
	return Retention{Age: 72 * time.Hour, Hours: []int{4}, Clean: 0.75, Force: 0.85, Refuse: 0.90, Forced: true, PerPass: 10}
}

// Pass is what Retention asks for at one moment.
type Pass struct {
	Expired bool // delete expired segments
	Forced  bool // delete the oldest, expired or not
	Refuse  bool // take no messages
}

// Decide is the policy, a pure function. usage are the disks of the log's writable directories: what counts for
// deleting is the fullest of them, and for refusing the emptiest, since new segments avoid full ones.
func (r Retention) Decide(now time.Time, usage []vfs.Usage, onDemand bool) Pass {
	fullest, emptiest := 0.0, 1.0
	for _, u := range usage {
		fullest, emptiest = max(fullest, u.Ratio()), min(emptiest, u.Ratio())
	}
	if len(usage) == 0 {
		emptiest = 0
	}
	return Pass{
		Expired: onDemand || fullest > r.Clean || slices.Contains(r.Hours, now.Hour()),
		Forced:  r.Forced && fullest > r.Force,
		Refuse:  emptiest > r.Refuse,
	}
}

// Usage is the use of the disks of the log's writable directories, in the order of Options.Dirs.
func (l *Log) Usage() ([]vfs.Usage, error) {
	all := make([]vfs.Usage, 0, len(l.opts.Dirs))
	for _, dir := range l.opts.Dirs {
		u, err := l.opts.FS.Usage(dir)
		if err != nil {
			return nil, fmt.Errorf("commitlog: %w", err)
		}
		all = append(all, u)
	}
	return all, nil
}

// AvoidFull makes new segments avoid the directories whose disk is used beyond ratio, as long as there is another.
func (l *Log) AvoidFull(usage []vfs.Usage, ratio float64) {
	dirs := make([]string, 0, len(l.opts.Dirs))
	for i, u := range usage {
		if u.Ratio() <= ratio {
			dirs = append(dirs, l.opts.Dirs[i])
		}
	}
	if len(dirs) == 0 {
		dirs = l.opts.Dirs
	}
	l.roomy.Store(&dirs)
}

// Expirable lists the segments that a pass would delete now: the log offset that would be the new Min. The segment
// that holds keep and all later ones stay, and so does the last one. It deletes nothing: whoever depends on the
// log must hear of its new start first.
func (l *Log) Expirable(r Retention, p Pass, now time.Time, keep int64) (int64, error) {
	all := l.set.All()
	to := l.Min()
	if !p.Expired && !p.Forced {
		return to, nil
	}
	for i, s := range all {
		if i == len(all)-1 || s.End() > keep || r.PerPass > 0 && i >= r.PerPass {
			break
		}
		if !p.Forced {
			info, err := l.opts.FS.Stat(s.Path())
			if err != nil {
				return to, fmt.Errorf("commitlog: retention: %w", err)
			}
			if now.Sub(info.ModTime) < r.Age {
				break
			}
		}
		to = s.End()
	}
	return to, nil
}

// Retire deletes the segments that end at or before to, oldest first, each durably before the next, so that neither a
// power loss nor a failure leaves a gap. It says how many. Readers that hold a view of one keep it until they release it.
func (l *Log) Retire(to int64) (int, error) {
	l.retiring.Lock()
	defer l.retiring.Unlock()
	n := 0
	if seeded.Is(seeded.SegmentRetiredFirst) {
		for _, s := range slices.Backward(l.set.All()) {
			if s.End() <= to && s != l.set.Last() {
				_ = s.Unlink()
			}
		}
	}
	for all := l.set.All(); n < len(all)-1 && all[n].End() <= to; n++ {
		if err := all[n].Unlink(); err != nil {
			return n, fmt.Errorf("commitlog: retention: %w", err)
		}
		l.setMu.Lock()
		l.set.DropFront(all[n].End())
		l.setMu.Unlock()
		_ = all[n].Retire(false) // fails only where there is something to remove
	}
	return n, nil
}
