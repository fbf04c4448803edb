package store

import (
	"cmp"
	"fmt"
	"sync"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/seeded"
)

// Append stores messages whose Queue is a *Queue of this store, in order. See commitlog.Log.Append for what comes back,
// and Log.OnAcked for when a message may be acknowledged.
func (s *Store) Append(ds []record.Draft) error {
	return s.Log.Append(ds, numbering{s})
}

// AppendQuiet is Append for those who answer first and have an Announce follow. admit, if it isn't nil, is asked when it is the messages'
// turn: its error refuses them all.
func (s *Store) AppendQuiet(ds []record.Draft, admit func() error) error {
	if admit == nil {
		return s.Log.AppendQuiet(ds, numbering{s})
	}
	a := admissions.Get().(*admission)
	a.numbering, a.admit = numbering{s}, admit
	err := s.Log.AppendQuiet(ds, a)
	*a = admission{}
	admissions.Put(a)
	return err
}

// admission is a numbering that lets its owner decide at the last moment. It implements commitlog.Admitter.
type admission struct {
	numbering
	admit func() error
}

func (a *admission) Admit() error { return a.admit() }

var admissions = sync.Pool{New: func() any { return new(admission) }}

// Announce shows the followers what was appended quietly and is confirmed by now, on the goroutine of the caller if nobody else is
// at it: that is cheaper than to wake another one, and a consumer that waits hears of it sooner. Otherwise whoever is at it does so. own is what
// the caller has appended last, whatever became of it, if he still has it: it need not be read back then. Of what others have
// appended he shows what they have announced, and of that a batch at most.
func (s *Store) Announce(own []record.Draft) {
	s.Log.FlushSoon()
	s.dispatcher.announce(own)
}

// FlushHere is for those whose waiter is Alone, before Announce: see commitlog.Log.FlushHere.
func (s *Store) FlushHere() { s.Log.FlushHere() }

// OnAcked calls w.Done when what it waits for has come: see commitlog.Log.OnAcked.
func (s *Store) OnAcked(w *commitlog.Waiter) { s.Log.OnAcked(w) }

// AppendRaw is a replica's append: see commitlog.Log.AppendRaw. Queue offsets come with the records, so Append needs a
// Renumber after it.
func (s *Store) AppendRaw(at int64, b []byte) error { return s.Log.AppendRaw(at, b) }

// Truncate cuts the log back to a record border and takes everything with it that was derived from what lay behind.
// Nobody may append meanwhile. An error that wraps commitlog.ErrNotBorder or ErrOutOfRange has changed nothing; after any other
// one the store takes no messages until it is opened anew.
//
// First the state ceases to vouch for what is to go, which is whole no longer if the power fails in the middle of the cut. Then goes
// the log: recovery takes followers back that are ahead of it. At last the state is saved again, before the log grows beyond
// what the former one said of it.
func (s *Store) Truncate(to int64) error {
	s.checkpointMu.Lock()
	defer s.checkpointMu.Unlock()
	var changed bool
	vouched := min(s.Log.Flushed(), to)
	if seeded.Is(seeded.TruncationNotNoted) {
		vouched = s.Log.Flushed()
	}
	err := s.saveUpTo(vouched, s.peer, false)
	if err == nil {
		changed, err = s.dispatcher.truncate(to)
	}
	if err == nil {
		err = s.save(s.peer, false)
	}
	if err != nil {
		err = fmt.Errorf("store: truncate to %d: %w", to, err)
		if changed {
			s.refuse.set("truncate", err)
		}
		return err
	}
	// Numbers go on behind what the queues have, and they have only what is confirmed.
	if err := cmp.Or(s.Log.Flush(), s.dispatcher.catchUp()); err != nil {
		return fmt.Errorf("store: truncate to %d: %w", to, err)
	}
	s.Renumber()
	return nil
}

// Renumber makes every queue go on behind its last unit. A replica that becomes a master calls it when its
// followers have caught up with the log; nobody may append meanwhile.
func (s *Store) Renumber() {
	s.reg.each(func(q *Queue) { _, q.next = q.Bounds() })
}
