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

// FlushSoon has a synchronous log flush what was appended. It never waits.
func (l *Log) FlushSoon() {
	if l.opts.SyncFlush && l.unflushed() {
		l.kickFlusher()
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
	l.flushing.Lock()
	moved, err := l.syncWritten()
	l.flushing.Unlock()
	if err != nil {
		return l.flushFailed(err)
	}
	if moved {
		l.advanced()
	}
	return nil
}

func (l *Log) flushFailed(err error) error {
	if seeded.Is(seeded.FailedSyncRetried) {
		return err
	}
	return l.fail(err)
}

func (l *Log) unflushed() bool { return l.flushed.Load() < l.written.Load() }

// syncWritten syncs the segments between the flushed and the written end. A failure is final: the kernel may have
// dropped the dirty pages, so a second fdatasync that succeeds would prove nothing. The caller holds flushing.
func (l *Log) syncWritten() (moved bool, err error) {
	if p := l.failed.Load(); p != nil {
		return false, *p
	}
	storedAt, messages := l.storedAt.Load(), l.stats.messages.Load() // before written: the messages that they speak of lie below
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
	ended := time.Now()
	l.stats.flushed(ended.Sub(began))
	l.gatherer.flushed(messages, l.stats.messages.Load(), began, ended)
	l.flushed.Store(to)
	l.flushedAt.Store(storedAt)
	return true, nil
}

// syncFlusher is the group commit: while one flush runs, the writers that it doesn't cover gather for the next. If that is to begin
// at once, it is for the teller to let those go that the last one was for: neither the disk nor they wait for the other.
func (l *Log) syncFlusher() {
	for {
		select {
		case <-l.quit:
			return
		case <-l.kick:
		}
		for l.unflushed() && l.flushCrowd() == nil {
		}
	}
}

func (l *Log) flushCrowd() error {
	l.flushing.Lock()
	l.gather()
	moved, err := l.syncWritten()
	apart := moved && l.unflushed() && l.gatherer.patience(l.opts.Gather) <= 0
	l.flushing.Unlock()
	switch {
	case err != nil:
		return l.flushFailed(err) // it is in Err, and with the waiters
	case apart:
		select {
		case l.moved <- struct{}{}:
		default: // the teller hasn't looked yet
		}
	case moved:
		l.advanced()
	}
	return nil
}

// teller lets go those whom a flush was for while the flusher is at the next one.
func (l *Log) teller() {
	for {
		select {
		case <-l.quit:
			return
		case <-l.moved:
			l.advanced()
		}
	}
}

// FlushHere makes what was appended durable on the caller's goroutine if there is nobody but him whom the flush is for: to wake the
// flusher, and be woken by it, would be a good part of the time. In every other case it leaves it to the flusher and returns at once. Those who
// Watch aren't signalled of it: Announce has to follow. The caller has called AppendQuiet, and OnAcked with a waiter that is Alone.
func (l *Log) FlushHere() {
	if !l.opts.SyncFlush || l.opts.Manual || !l.unflushed() {
		return
	}
	if l.waiting() != 1 || !l.flushing.TryLock() {
		l.kickFlusher()
		return
	}
	if !l.gatherer.single(l.stats.messages.Load()) {
		l.flushing.Unlock()
		l.kickFlusher()
		return
	}
	_, err := l.syncWritten()
	l.flushing.Unlock()
	if err != nil {
		_ = l.flushFailed(err) // it is in Err, and with the waiter
		return
	}
	l.settle()
	l.FlushSoon() // for who came meanwhile
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
