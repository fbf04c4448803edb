package commitlog

import (
	"time"

	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// kickFlusher says that there is something to flush, or to start writing back. It never waits.
func (l *Log) kickFlusher() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// Flush makes everything that was appended before the call durable.
func (l *Log) Flush() error {
	if l.closed.Load() {
		return ErrClosed
	}
	return l.flush()
}

func (l *Log) flush() error {
	moved, err := l.syncWritten()
	if err != nil && seeded.Is(seeded.FailedSyncRetried) {
		return err
	}
	if err != nil {
		return l.fail(err)
	}
	if moved {
		l.gatherer.crowd.Store(l.waiting()) // before they are let go
		l.advanced()
	}
	return nil
}

// syncWritten syncs the segments between the flushed and the written end. A failure is final: the kernel may have
// dropped the dirty pages, so a second fdatasync that succeeds would prove nothing.
func (l *Log) syncWritten() (moved bool, err error) {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	if p := l.failed.Load(); p != nil {
		return false, *p
	}
	storedAt := l.storedAt.Load() // before written: the message that it speaks of lies below
	from, to := l.flushed.Load(), l.written.Load()
	if from >= to {
		return false, nil
	}
	began := time.Now()
	for _, s := range l.set.All() {
		if s.End() <= from || s.Base() >= to || !s.Acquire() {
			continue
		}
		err := s.Datasync()
		s.Release()
		if err != nil {
			return false, err
		}
	}
	took := time.Since(began)
	l.stats.flushed(took)
	l.gatherer.last.Store(int64(took))
	l.flushed.Store(to)
	l.flushedAt.Store(storedAt)
	return true, nil
}

// syncFlusher is the group commit: while one flush runs, the writers that it doesn't cover gather for the next.
func (l *Log) syncFlusher() {
	for {
		select {
		case <-l.quit:
			return
		case <-l.kick:
		}
		for l.flushed.Load() < l.written.Load() {
			l.gather()
			// What fails here is in Err and with the waiters.
			if l.flush() != nil {
				break
			}
		}
	}
}

// asyncFlusher syncs every FlushInterval; in between it keeps writeback going in small steps,
// so that neither the sync nor the kernel's own limits meet a mountain of dirty pages.
func (l *Log) asyncFlusher() {
	tick := time.NewTicker(l.opts.FlushInterval)
	defer tick.Stop()
	for {
		select {
		case <-l.quit:
			return
		case <-tick.C:
			// What fails here is in Err.
			_ = l.flush()
		case <-l.kick:
			l.startWriteback()
		}
	}
}

// startWriteback hands the bytes since the last step to the kernel for writing.
func (l *Log) startWriteback() {
	from, to := l.writebackFrom.Load(), l.written.Load()
	if to-from < l.opts.WritebackStep {
		return
	}
	for _, s := range l.set.All() {
		lo, hi := max(from, s.Base()), min(to, s.End())
		if lo < hi && s.Acquire() {
			s.StartWriteback(lo-s.Base(), hi-lo)
			s.Release()
		}
	}
	l.writebackFrom.Store(to)
}
