package consumequeue

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

type queueName struct {
	topic string
	id    int32
}

// core is what the stores of all layouts have in common: the registry of queues, the open files, the state of flushing.
type core struct {
	fs           vfs.FS
	volume       vfs.Volume // nil if files can only be synced one by one
	togetherFrom int        // Options.SyncTogetherFrom
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
	ahead        ahead

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
		s.number = uint32(len(c.streams))
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
	return c.topicDir(s.topic) + "/" + strconv.Itoa(int(s.id))
}

func (c *core) topicDir(topic string) string { return c.dir + "/" + topic }

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
		if err := c.makeDir(s); err != nil {
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

// makeDir makes the directory of s. A flush makes its name durable.
func (c *core) makeDir(s *stream) error {
	if err := c.fs.MkdirAll(c.dir); err != nil {
		return err
	}
	if err := c.fs.Mkdir(c.topicDir(s.topic)); err != nil {
		return err
	}
	return c.fs.Mkdir(c.queueDir(s))
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

// close flushes, saves the table of bounds and closes all files. What can't be flushed is left to recovery.
func (c *core) close() error {
	c.maintenance.Lock()
	defer c.maintenance.Unlock()
	err := c.refused()
	if errors.Is(err, ErrClosed) {
		return nil
	}
	if err == nil {
		err = c.flushAndMark()
	}
	if err == nil {
		err = c.loadAll(func(s *stream) bool { return !s.bounded })
	}
	if err == nil {
		err = c.saveBounds(c.savedMinLog)
	}
	closed := fmt.Errorf("%v: %s: %w", c.layout, c.dir, ErrClosed)
	c.refusal.Store(&closed)
	c.fds.closeAll()
	return errors.Join(err, c.closeVolume())
}
