package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
	"github.com/gantry-mq/gantry/index"
)

// Errors that callers branch on.
var (
	// ErrNoTopic: the topic, or its queue, is not there (any more).
	ErrNoTopic = errors.New("store: no such topic")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store: closed")
)

// Topics is what the store asks about topics. Its methods are called for every record: they must be fast, and safe for concurrent use.
type Topics interface {
	// BatchQueue tells whether the topic's queues hold inner batches (attribute queue.type=BatchCQ).
	BatchQueue(topic string) bool
	// Birth is the log offset below which records of the topic belong to an earlier one of the same name; 0 for most.
	Birth(topic string) int64
}

// Options configure a Store. Zero values mean the defaults of RocketMQ 5.5.
type Options struct {
	FS   vfs.FS
	Root string // the store directory

	Log          commitlog.Options // Dirs, FS and CRCPropertyFrom are set by the store; Dirs default to Root/commitlog
	QueueFile    int64             // bytes of a consume queue file
	BatchFile    int64             // bytes of a batch consume queue file
	OpenFiles    int               // descriptors that the queues may hold
	IndexSlots   int
	IndexEntries int
	NoIndex      bool // keep no index (messageIndexEnable=false)
	// DelayLevels are the delays of the levels 1, 2, …: queue units of the schedule topic say when they are due.
	DelayLevels []time.Duration
	// MultiDispatch makes messages stand in the light queues that they name (enableLmq and enableMultiDispatch).
	MultiDispatch bool
	Topics        Topics

	Retention          commitlog.Retention
	CheckpointInterval time.Duration // how often followers and checkpoint are made durable
	IndexInterval      time.Duration // the same for the index, whose flush writes more
	CleanInterval      time.Duration // how often retention looks
	ReadOnly           bool          // not used to write: no background work, nothing is checkpointed

	Now    func() time.Time
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if len(o.Log.Dirs) == 0 {
		o.Log.Dirs = []string{path.Join(o.Root, "commitlog")}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CheckpointInterval == 0 {
		o.CheckpointInterval = time.Second
	}
	if o.IndexInterval == 0 {
		o.IndexInterval = 5 * time.Second
	}
	if o.CleanInterval == 0 {
		o.CleanInterval = 10 * time.Second
	}
	if o.Retention.Age == 0 {
		o.Retention = commitlog.DefaultRetention()
	}
	if o.Topics == nil {
		o.Topics = noTopics{}
	}
	o.Log.FS, o.Log.Now, o.Log.Logger = o.FS, o.Now, o.Logger
	return o
}

type noTopics struct{}

func (noTopics) BatchQueue(string) bool { return false }
func (noTopics) Birth(string) int64     { return 0 }

// Store is a message store: the log and what is derived from it. All methods are safe for concurrent use.
type Store struct {
	// Log is the commit log. Reading from it is everybody's; what is written goes through Append.
	Log *commitlog.Log

	opts    Options
	log     *slog.Logger
	lock    io.Closer
	queues  *consumequeue.Store
	batches *consumequeue.BatchStore
	index   *index.Index

	reg          registry
	dispatcher   dispatcher
	queueFollow  *queueFollower
	indexFollow  *indexFollower
	refuse       refusals
	crcFrom      int64
	stats        counters
	recovery     Recovery
	indexFlushed time.Time

	checkpointMu sync.Mutex           // guards peer and saved, and makes checkpoints one at a time
	peer         commitlog.Checkpoint // as it stands on disk
	saved        []byte               // the state, likewise

	closed atomic.Bool
	quit   chan struct{}
	wg     sync.WaitGroup // dispatcher, checkpointer, retention
}

type counters struct {
	gaps atomic.Int64
}

// Recovery says what Open found and did.
type Recovery struct {
	Clean      bool // the last stop was in order
	Foreign    bool // somebody else than Gantry wrote the store last
	Log        commitlog.Recovery
	Dispatched int64 // log offset from which on the log was read again for the followers
	Took       time.Duration
}

// Recovery is what Open found and did.
func (s *Store) Recovery() Recovery { return s.recovery }

// Open opens the store in o.Root, or makes one: it takes the lock, finds the end of the log, takes back what is derived from
// records beyond it, and shows the followers what they have not seen.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	s := &Store{opts: o, log: o.Logger, quit: make(chan struct{})}
	s.reg.init()
	began := time.Now()
	if err := o.FS.MkdirAll(o.Root); err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	var err error
	// Before anything is read: two brokers that recover one directory would both cut it.
	if s.lock, err = o.FS.Lock(path.Join(o.Root, "lock"), []byte("lock")); err != nil {
		return nil, fmt.Errorf("store: open %s: %w", o.Root, err)
	}
	if err = s.open(); err == nil {
		err = s.markRunning()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", o.Root, err), s.closeParts())
	}
	s.recovery.Took = time.Since(began)
	if !o.ReadOnly {
		s.wg.Go(s.dispatcher.run)
		s.wg.Go(s.checkpointer)
		s.wg.Go(s.cleaner)
	}
	return s, nil
}

func (s *Store) path(name string) string { return path.Join(s.opts.Root, name) }

func (s *Store) open() error {
	_, err := s.opts.FS.Stat(s.path("abort"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	clean := err != nil
	if s.peer, err = commitlog.ReadCheckpoint(s.opts.FS, s.path("checkpoint")); err != nil {
		return err
	}
	st, found, err := readState(s.opts.FS, s.path(stateName))
	if errors.Is(err, errState) {
		s.log.Warn("store: state not usable, recover without it", "error", err)
	} else if err != nil {
		return err
	}
	own := found && st.fits(s.peer)
	s.crcFrom = -1
	if found {
		s.crcFrom = st.CRCFrom
	}
	s.recovery.Clean, s.recovery.Foreign = clean, !own
	if !own {
		st = state{Flushed: -1, Queues: -1}
	}
	if err := s.openLog(clean, st); err != nil {
		return err
	}
	return s.openFollowers(clean, own, st)
}

func (s *Store) openLog(clean bool, st state) error {
	o := s.opts.Log
	o.CRCPropertyFrom = s.crcFrom
	if s.crcFrom < 0 {
		o.CRCPropertyFrom = math.MaxInt64
	}
	var err error
	s.Log, s.recovery.Log, err = commitlog.Open(o, commitlog.Start{
		Clean: clean && (st.Flushed < 0 || st.Clean), From: st.Flushed, Checkpoint: s.peer,
	})
	if err != nil {
		return err
	}
	s.refuse.log = s.Log
	if r := s.recovery.Log; r.Cut != "" {
		s.log.Warn("store: the log was cut", "end", r.End, "reason", r.Cut)
	}
	if s.crcFrom > s.Log.Max() {
		s.crcFrom = s.Log.Max()
	}
	if o.CRCProperty && s.crcFrom < 0 {
		s.crcFrom = s.Log.Max()
	} else if !o.CRCProperty {
		s.crcFrom = -1
	}
	if s.crcFrom >= 0 {
		s.Log.VerifyCRCPropertyFrom(s.crcFrom)
	}
	return nil
}

// openFollowers opens queues and index, takes them back to the end of the log, and follows the log from where they stand.
func (s *Store) openFollowers(clean, own bool, st state) error {
	end, lowest := s.Log.Max(), s.Log.Min()
	from := st.Queues
	if !own {
		// The peer's rule: what lies before the segment where its recovery would begin is in the queues.
		from = s.recovery.Log.From
	}
	trusted := clean && (!own || st.Clean)
	var err error
	cq := consumequeue.Options{
		FS: s.opts.FS, Dir: s.path("consumequeue"), FileSize: s.opts.QueueFile, MaxOpenFiles: s.opts.OpenFiles,
		Clean: trusted, DurableTo: from, LogEnd: end, MinLog: lowest, Bounds: s.path("gantry.queues"), Logger: s.log,
	}
	if s.queues, err = consumequeue.Open(cq); err != nil {
		return err
	}
	if s.queues.Stats().Queues == 0 {
		from = lowest // lost, or never there
	}
	cq.Dir, cq.FileSize, cq.Bounds = s.path("batchconsumequeue"), s.opts.BatchFile, s.path("gantry.batchqueues")
	if s.batches, err = consumequeue.OpenBatch(cq); err != nil {
		return err
	}
	from = max(lowest, min(from, end, s.queues.ReplayFrom(), s.batches.ReplayFrom()))

	s.queueFollow = &queueFollower{s: s}
	s.queueFollow.seen.Store(from)
	s.queueFollow.durable.Store(from)
	s.dispatcher.s, s.dispatcher.followers = s, []Follower{s.queueFollow}
	if !s.opts.NoIndex {
		s.index, err = index.Open(index.Options{
			FS: s.opts.FS, Dir: s.path("index"), Slots: s.opts.IndexSlots, Entries: s.opts.IndexEntries, Now: s.opts.Now, Logger: s.log,
		}, st.Index, trusted)
		if err != nil {
			return err
		}
		if err := s.index.Truncate(end); err != nil {
			return err
		}
		s.indexFollow = &indexFollower{s: s}
		s.dispatcher.followers = append(s.dispatcher.followers, s.indexFollow)
		from = min(from, max(lowest, s.indexFollow.Durable()))
	}
	s.recovery.Dispatched = from
	s.dispatcher.pos.Store(from)
	s.noteForeignParts()
	return s.dispatcher.catchUp()
}

// noteForeignParts says which parts of a store Gantry doesn't read; what they hold is in the log.
func (s *Store) noteForeignParts() {
	for _, part := range []struct{ file, what string }{
		{"consumequeue/CURRENT", "consume queues in RocksDB"},
		{"consumequeue_rocksdb/CURRENT", "consume queues in RocksDB"},
		{"rocksdbstore/CURRENT", "index, timer or transaction tables in RocksDB"},
		{"kvStore/CURRENT", "pop state in RocksDB"},
		{"tier", "a local folder of the tiered store"},
	} {
		if _, err := s.opts.FS.Stat(s.path(part.file)); err == nil {
			s.log.Info("store: not read, the log has what it holds", "path", s.path(path.Dir(part.file)), "what", part.what)
		}
	}
}

// markRunning writes the abort file: while it is there, the store was not closed in order.
func (s *Store) markRunning() error {
	if s.opts.ReadOnly {
		return nil
	}
	return vfs.WriteFileAtomic(s.opts.FS, s.path("abort"), strconv.AppendInt(nil, int64(os.Getpid()), 10))
}

// Close stops the background work, makes everything durable, and marks the stop as clean.
func (s *Store) Close() error {
	if !s.closed.CompareAndSwap(false, true) {
		return ErrClosed
	}
	close(s.quit)
	s.wg.Wait()
	var err error
	if !s.opts.ReadOnly {
		err = s.closeClean()
	}
	s.wakeAll()
	return errors.Join(err, s.closeParts())
}

func (s *Store) closeClean() error {
	err := s.Log.Flush()
	if err == nil {
		err = s.dispatcher.catchUp()
	}
	if err == nil {
		err = s.checkpoint(func(Follower) bool { return true }, true)
	}
	if err == nil && s.dispatcher.pos.Load() == s.Log.Max() {
		err = errors.Join(s.opts.FS.Remove(s.path("abort")), s.opts.FS.SyncDir(s.opts.Root))
	}
	if err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

// closeParts closes what was opened; after a failed open, that may be little.
func (s *Store) closeParts() error {
	var errs []error
	if s.Log != nil {
		errs = append(errs, s.Log.Close())
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
	return errors.Join(append(errs, s.lock.Close())...)
}
