package consumequeue

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gantry-mq/gantry/commitlog/seeded"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Options say how to open a Store or a BatchStore.
type Options struct {
	FS  vfs.FS
	Dir string // the directory of the topics' directories; made with the first Flush
	// FileSize is the size of a queue file in bytes, rounded up to whole units. 0 means 300,000 units.
	FileSize int64
	// MaxOpenFiles bounds the descriptors that the store holds at any moment. 0 means 1024.
	MaxOpenFiles int
	// Clean says that the last stop was orderly: files are trusted, and read when their queue is first used.
	// Otherwise Open reads the end of every queue and cuts what may not have survived.
	Clean bool
	// DurableTo is the log offset up to which units were durable, as the owner noted after the last Flush (0 if it never
	// did). Unless Clean, units that point at or beyond it are dropped: the owner appends them again.
	DurableTo int64
	// LogEnd is where the log ends. Units that point at or beyond it are dropped. 0 means not known.
	LogEnd int64
	// MinLog is where the log begins. Units below it can't be had from the log again and are kept.
	MinLog int64
	// Holds tells whether the log has the message of that queue offset in a record at logOffset, MinLog ≤ logOffset <
	// LogEnd. It is asked in the rare case that a unit can't be told from a torn one by itself. Without it, such a queue
	// is rebuilt from the log.
	Holds func(topic string, id int32, queueOffset, logOffset int64) bool
	// Bounds is the file of the durable table of next offsets. "" means Dir + ".bounds".
	Bounds string
	Logger *slog.Logger // nil means none
}

// Lost names a queue of which units are missing that the log before DurableTo may still have.
type Lost struct {
	Topic   string
	QueueID int32
	Err     error // what was found
}

// Stats is the size of a store at one moment.
type Stats struct {
	Queues      int   // known, on disk or not
	DirtyQueues int   // with something that isn't durable yet
	DirtyBytes  int64 // appended and not durable yet
	OpenFiles   int
}

type queueName struct {
	topic string
	id    int32
}

// core is what the stores of all layouts have in common: the registry of queues, the open files, the state of flushing.
type core struct {
	fs           vfs.FS
	dir          string
	layout       layout
	fileSize     int64
	boundsFile   string
	holds        func(topic string, id int32, queueOffset, logOffset int64) bool
	trusted      bool  // Options.Clean
	durableTo    int64 // Options.DurableTo
	logEnd       int64 // math.MaxInt64 if not known
	keepBelow    int64 // units that point below are kept whatever else holds: the log doesn't have them any more
	recoverBelow int64 // units that point at or beyond don't survive loading
	log          *slog.Logger
	fds          *descriptors
	buffers      buffers

	mu      sync.RWMutex // guards the map
	streams map[queueName]*stream

	// maintenance lets one of Flush, Truncate, SetMinLog, DeleteTopic and Close run at a time. Taken before any stream's mu.
	maintenance sync.Mutex
	savedMinLog int64 // what the table on disk says. Guarded by maintenance
	hadBounds   bool  // there was a table when the store was opened
	marked      bool  // dir is there. Guarded by maintenance
	told        bool  // the owner knows what is lost, and has noted it. Guarded by maintenance
	repairing   bool  // goes into the table, see there. Guarded by maintenance

	dirtyMu    sync.Mutex // guards dirty. Taken with or without a stream's mu, never the other way round
	dirty      []*stream  // streams with listed set
	dirtyBytes atomic.Int64

	minLog  atomic.Int64
	refusal atomic.Pointer[error] // why nothing more is taken: a failed sync or Close

	lostMu sync.Mutex // guards lost
	lost   []Lost
}

func newCore(o Options, l layout) (*core, error) {
	unit := l.unitSize()
	switch {
	case o.FS == nil || o.Dir == "":
		return nil, fmt.Errorf("%v: open: no file system or no directory given", l)
	case o.FileSize < 0 || o.FileSize > math.MaxInt32:
		return nil, fmt.Errorf("%v: open %s: file size %d, expected 1 … %d", l, o.Dir, o.FileSize, math.MaxInt32)
	case o.FileSize == 0:
		o.FileSize = l.defaultFileSize()
	}
	if o.MaxOpenFiles <= 0 {
		o.MaxOpenFiles = 1024
	}
	if o.LogEnd <= 0 {
		o.LogEnd = math.MaxInt64
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Bounds == "" {
		o.Bounds = o.Dir + ".bounds"
	}
	c := &core{
		fs:         o.FS,
		dir:        strings.TrimSuffix(o.Dir, "/"),
		layout:     l,
		fileSize:   (o.FileSize + unit - 1) / unit * unit,
		boundsFile: o.Bounds,
		holds:      o.Holds,
		trusted:    o.Clean,
		durableTo:  o.DurableTo,
		logEnd:     o.LogEnd,
		log:        o.Logger,
		streams:    make(map[queueName]*stream),
	}
	c.fds = newDescriptors(o.FS, o.MaxOpenFiles, func(err error) { c.fail(err) })
	c.minLog.Store(o.MinLog)
	return c, nil
}

// open reads the table of bounds and lists the directories; unless the last stop was clean it recovers every queue.
func (c *core) open() error {
	if err := c.loadBounds(); err != nil {
		return err
	}
	c.trusted = c.trusted && !c.repairing
	c.keepBelow = c.minLog.Load()
	c.recoverBelow = c.logEnd
	if !c.trusted && !seeded.Is(seeded.TornUnitAccepted) {
		c.recoverBelow = min(c.logEnd, max(c.durableTo, c.keepBelow))
	}
	found, err := c.list()
	if err != nil {
		return err
	}
	c.marked = found
	if err := c.checkFileSize(); err != nil {
		return err
	}
	for _, s := range c.snapshot() {
		if !s.onDisk {
			s.mu.Lock()
			s.missing()
			s.mu.Unlock()
		}
	}
	if !found && c.durableTo > 0 && (c.hadBounds || c.layout == simpleLayout) { // batch queues come with the first batch topic
		c.noteLost(Lost{Err: fmt.Errorf("%v: directory %s: not found, expected units up to log offset %d: %w", c.layout, c.dir, c.durableTo, ErrDamaged)})
	}
	if c.trusted {
		return nil
	}
	return c.recover()
}

// recover loads every queue and makes durable what it cuts.
func (c *core) recover() error {
	syncAll := c.repairing
	return c.repair(func() error {
		err := c.each(c.snapshot(), func(s *stream) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			err := s.load()
			if err == nil && syncAll && s.onDisk {
				s.renamed, s.cleared = true, true
				s.list()
			}
			return err
		})
		if err != nil {
			return err
		}
		return c.removeLost()
	})
}

// repair runs what cuts or removes files that are in use, and makes it durable. Only then the log may go on behind the
// cut: units or a table from before it, should they come back, would be taken for those of the new records.
func (c *core) repair(cut func() error) error {
	c.repairing = true
	if err := c.saveBounds(c.savedMinLog); err != nil {
		return err
	}
	if err := cut(); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	c.repairing = false
	return c.saveBounds(c.savedMinLog)
}

// list registers a stream for each queue directory. It reports whether there is a directory at all.
func (c *core) list() (found bool, err error) {
	topics, err := c.fs.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%v: open: %w", c.layout, err)
	}
	for _, topic := range topics {
		if !topic.IsDir() {
			continue
		}
		name := topic.Name()
		queues, err := c.fs.ReadDir(c.dir + "/" + name)
		if err != nil {
			return true, fmt.Errorf("%v: open: %w", c.layout, err)
		}
		for _, queue := range queues {
			id, err := strconv.ParseInt(queue.Name(), 10, 32)
			if err != nil || id < 0 || !queue.IsDir() || strconv.FormatInt(id, 10) != queue.Name() {
				c.log.Warn("not a queue directory, left alone", "store", c.layout.String(), "topic", name, "name", queue.Name())
				continue
			}
			c.stream(name, int32(id)).onDisk = true
		}
	}
	return true, nil
}

// stream returns the one stream of that name.
func (c *core) stream(topic string, id int32) *stream {
	if s := c.lookup(topic, id); s != nil {
		return s
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	name := queueName{topic, id}
	s := c.streams[name]
	if s == nil {
		s = &stream{core: c, topic: topic, id: id, last: -1, noted: -1}
		if !validName(topic, id) {
			s.state = unnameable // not registered: it has no place on disk
			return s
		}
		c.streams[name] = s
	}
	return s
}

func (c *core) lookup(topic string, id int32) *stream {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.streams[queueName{topic, id}]
}

// validName tells whether a topic can be a directory's name.
func validName(topic string, id int32) bool {
	return id >= 0 && topic != "" && topic != "." && topic != ".." && len(topic) <= 255 && !strings.ContainsAny(topic, "/\x00")
}

// snapshot returns the streams of the moment by topic and queue id.
func (c *core) snapshot() []*stream {
	c.mu.RLock()
	all := make([]*stream, 0, len(c.streams))
	for _, s := range c.streams {
		all = append(all, s)
	}
	c.mu.RUnlock()
	slices.SortFunc(all, func(a, b *stream) int {
		return cmp.Or(strings.Compare(a.topic, b.topic), cmp.Compare(a.id, b.id))
	})
	return all
}

// fail makes the store refuse all further writes.
func (c *core) fail(err error) {
	err = fmt.Errorf("%v: %w: %w", c.layout, ErrBroken, err)
	if c.refusal.CompareAndSwap(nil, &err) {
		c.log.Error("sync failed, the store takes nothing more until it is opened anew", "store", c.layout.String(), "err", err)
	}
}

// refused is nil as long as the store takes changes.
func (c *core) refused() error {
	if err := c.refusal.Load(); err != nil {
		return *err
	}
	return nil
}

func (c *core) noteLost(l Lost) {
	c.log.Warn("queue units were lost and have to come from the log again", "store", c.layout.String(), "topic", l.Topic, "queue", l.QueueID, "err", l.Err)
	c.lostMu.Lock()
	defer c.lostMu.Unlock()
	c.lost = append(c.lost, l)
}

func (c *core) lostQueues() []Lost {
	c.lostMu.Lock()
	defer c.lostMu.Unlock()
	return slices.Clone(c.lost)
}

func (c *core) replayFrom() int64 {
	c.lostMu.Lock()
	defer c.lostMu.Unlock()
	if len(c.lost) > 0 {
		return 0
	}
	return c.durableTo
}

func (c *core) stats() Stats {
	c.mu.RLock()
	queues := len(c.streams)
	c.mu.RUnlock()
	c.dirtyMu.Lock()
	dirty := len(c.dirty)
	c.dirtyMu.Unlock()
	return Stats{Queues: queues, DirtyQueues: dirty, DirtyBytes: c.dirtyBytes.Load(), OpenFiles: c.fds.count()}
}

func (c *core) queueDir(s *stream) string {
	return c.dir + "/" + s.topic + "/" + strconv.Itoa(int(s.id))
}

func (c *core) path(s *stream, base int64) string {
	return fmt.Sprintf("%s/%020d", c.queueDir(s), base)
}

// openFile opens the existing file at base of s, for descriptors.acquire.
func (c *core) openFile(s *stream, base int64) (vfs.File, error) {
	return c.fs.Open(c.path(s, base))
}

// createFile makes the file at base of s at its full size, as a hole, for descriptors.acquire.
func (c *core) createFile(s *stream, base int64) (vfs.File, error) {
	name := c.path(s, base)
	f, err := c.fs.Create(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := c.fs.MkdirAll(c.queueDir(s)); err != nil {
			return nil, err
		}
		f, err = c.fs.Create(name)
	}
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(c.fileSize); err != nil {
		return nil, errors.Join(err, f.Close(), c.fs.Remove(name))
	}
	return f, nil
}

// pread fills p from the file at base of s. A queue file has its full size from the start, so that less is an error.
func (c *core) pread(s *stream, base int64, p []byte, off int64) error {
	d, err := c.fds.acquire(s, base, c.openFile)
	if err != nil {
		return err
	}
	defer c.fds.release(d)
	if n, err := d.file.ReadAt(p, off); n < len(p) {
		return fmt.Errorf("%v: %s: %d bytes at %d, expected %d: %w", c.layout, d.file.Name(), n, off, len(p), err)
	}
	return nil
}
