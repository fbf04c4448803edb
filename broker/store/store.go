package store

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
	"github.com/gantry-mq/gantry/index"
)

// Store is a message store: the log and what is derived from it. All methods are safe for concurrent use.
type Store struct {
	// Log is the commit log. Reading from it is everybody's; what is written goes through Append.
	Log *commitlog.Log

	opts    Options
	log     *slog.Logger
	lock    io.Closer
	queues  *consumequeue.Store
	batches *consumequeue.BatchStore
	exts    *consumequeue.ExtStore // nil if there are no extensions and none are wanted
	index   *index.Index           // nil with NoIndex

	reg          registry
	dispatcher   dispatcher
	queueFollow  *queueFollower
	indexFollow  *indexFollower // nil with NoIndex
	refuse       refusals
	retention    atomic.Pointer[commitlog.Retention]
	crcFrom      int64
	unqueued     atomic.Int64
	recovery     Recovery
	indexFlushed time.Time     // the checkpointer's own
	indexFull    chan struct{} // the index has much in memory

	checkpointMu sync.Mutex           // guards peer and saved, and makes checkpoints one at a time. Taken before the dispatcher's locks
	peer         commitlog.Checkpoint // as it stands on disk
	saved        []byte               // the state, likewise

	closed atomic.Bool
	quit   chan struct{}
	wg     sync.WaitGroup // dispatcher, checkpointer, cleaner
}

// Recovery says what Open found and did.
type Recovery struct {
	Clean      bool // the last stop was in order
	Foreign    bool // somebody else than Gantry wrote the store last, or gantry.checkpoint is lost, or the store is new
	Log        commitlog.Recovery
	Dispatched int64 // log offset from which on the log was read again for the followers
	Took       time.Duration
}

// Recovery is what Open found and did.
func (s *Store) Recovery() Recovery { return s.recovery }

// Lock takes the lock of the store in root, which is made if it isn't there. It comes before anything is read: of two
// brokers that recover one directory, both would cut it. Somebody else's lock is vfs.ErrLocked.
func Lock(fs vfs.FS, root string) (io.Closer, error) {
	if err := fs.MkdirAll(root); err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	lock, err := fs.Lock(path.Join(root, "lock"), []byte("lock"))
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", root, err)
	}
	return lock, nil
}

// Open opens the store in o.Root, or makes one: it takes the lock, finds the end of the log, takes back what is derived from
// records beyond it, and shows the followers what they have not seen. Somebody else's lock is vfs.ErrLocked.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	s := &Store{opts: o, log: o.Logger, quit: make(chan struct{}), indexFull: make(chan struct{}, 1), lock: o.Lock}
	s.SetRetention(o.Retention)
	s.reg.init()
	began := time.Now()
	var err error
	if s.lock == nil {
		if s.lock, err = Lock(o.FS, o.Root); err != nil {
			return nil, err
		}
	}
	if err = s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", o.Root, err), s.closeParts(), s.lock.Close())
	}
	s.recovery.Took = time.Since(began)
	s.log.Info("store: open", "root", o.Root, "logMin", s.Log.Min(), "logMax", s.Log.Max(), "clean", s.recovery.Clean,
		"foreign", s.recovery.Foreign, "scannedFrom", s.recovery.Log.From, "dispatchedFrom", s.recovery.Dispatched, "took", s.recovery.Took)
	if o.ReadOnly {
		s.refuse.set("read-only", ErrReadOnly)
		return s, nil
	}
	if o.Log.Manual {
		return s, nil // the owner takes every step
	}
	s.wg.Go(s.dispatcher.run)
	s.wg.Go(s.checkpointer)
	s.wg.Go(s.cleaner)
	return s, nil
}

func (s *Store) path(name string) string { return path.Join(s.opts.Root, name) }

// Close stops the background work, makes everything durable, and marks the stop as clean. Nobody uses the store meanwhile but
// those who wait for messages: they are woken.
func (s *Store) Close() error {
	if !s.closed.CompareAndSwap(false, true) {
		return ErrClosed
	}
	close(s.quit)
	s.wg.Wait()
	complete, err := false, error(nil)
	if !s.opts.ReadOnly {
		complete, err = s.settle()
	}
	err = errors.Join(err, s.closeParts())
	s.wakeAll()
	if err == nil && complete {
		// Last: the parts have just written what they know.
		err = errors.Join(s.opts.FS.Remove(s.path(abortName)), s.opts.FS.SyncDir(s.opts.Root))
	}
	if err != nil {
		err = fmt.Errorf("store: close: %w", err)
	}
	return errors.Join(err, s.lock.Close())
}

// settle makes everything durable. complete tells whether the followers have seen the whole log.
func (s *Store) settle() (complete bool, err error) {
	if err := s.Log.Flush(); err != nil {
		return false, err
	}
	if err := s.dispatcher.catchUp(); err != nil {
		return false, err
	}
	complete = s.dispatcher.pos.Load() == s.Log.Max()
	return complete, s.checkpoint(true, complete)
}

// closeParts closes what was opened; after a failed open, that may be little.
func (s *Store) closeParts() error {
	var errs []error
	if s.exts != nil { // before the queues, which point into it
		errs = append(errs, s.exts.Close())
	}
	if s.queues != nil {
		errs = append(errs, s.queues.Close())
	}
	if s.batches != nil {
		errs = append(errs, s.batches.Close())
	}
	if s.index != nil {
		errs = append(errs, s.index.Close())
	}
	if s.Log != nil {
		errs = append(errs, s.Log.Close())
	}
	return errors.Join(errs...)
}

// wakeAll ends all waits for messages.
func (s *Store) wakeAll() {
	s.reg.each(func(q *Queue) {
		q.gone.Store(true)
		q.wake()
	})
}
