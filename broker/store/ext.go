package store

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/gantry-mq/gantry/consumequeue"
)

// extHeaderSize is an extension unit without its bitmap.
const extHeaderSize = 20

// openExts opens the extensions, if there are any or some are wanted.
func (s *Store) openExts() (err error) {
	dir := s.path("consumequeue_ext")
	if _, err := s.opts.FS.Stat(dir); !s.opts.QueueExt && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s.exts, err = consumequeue.OpenExt(consumequeue.Options{
		FS: s.opts.FS, Dir: dir, FileSize: s.opts.ExtFile, MaxOpenFiles: s.opts.OpenFiles, Logger: s.log,
	})
	return err
}

// extend gives a new Queue its extension. New units use it unless it has lost units that older ones point to: their addresses
// would be given to others.
func (s *Store) extend(q *Queue) {
	if s.exts == nil {
		return
	}
	q.ext = s.exts.Open(q.Topic, q.ID)
	if !s.opts.QueueExt {
		return
	}
	if err := cutExt(q.simple, q.ext); err != nil {
		s.log.Error("store: extension file not usable, new queue units do without", "topic", q.Topic, "queue", q.ID, "error", err)
		return
	}
	q.extended = true
}

// cutExt drops what an extension has behind the last unit that the queue points to.
func cutExt(q *consumequeue.Queue, x *consumequeue.Ext) error {
	first, next, err := x.Bounds()
	if err != nil {
		return err
	}
	_, last, ok, err := q.ExtRange()
	if err != nil {
		return err
	}
	if !ok {
		if next > first {
			return x.Truncate(0) // of everything: 0 is no address
		}
		return nil
	}
	var u consumequeue.ExtUnit
	if found, err := x.Get(last, &u); err != nil {
		return err
	} else if !found {
		return fmt.Errorf("nothing at address %d, which the queue points to: %w", last, ErrNoTagCode)
	}
	if next > last+extHeaderSize+int64(len(u.Bitmap)) {
		return x.Truncate(last)
	}
	return nil
}

// eachExt calls f for all queues and their extensions, if there are extensions.
func (s *Store) eachExt(f func(*consumequeue.Queue, *consumequeue.Ext) error) error {
	if s.exts == nil {
		return nil
	}
	var errs []error
	s.queues.Queues(func(q *consumequeue.Queue) bool {
		if err := f(q, s.exts.Open(q.Topic(), q.ID())); err != nil && !errors.Is(err, ErrNoTagCode) {
			errs = append(errs, err)
		}
		return true
	})
	return errors.Join(errs...)
}

// retireExt drops what only units point to that are gone.
func retireExt(q *consumequeue.Queue, x *consumequeue.Ext) error {
	first, _, ok, err := q.ExtRange()
	if err != nil || !ok {
		return err
	}
	return x.SetMin(first)
}

// TagCode is the tag code that a unit of the queue means by the TagCode that stands in it: another one only where that is
// the address of an extension unit. ErrNoTagCode says that the extension is lost.
func (s *Store) TagCode(q *Queue, code int64) (int64, error) {
	if !consumequeue.IsExtAddress(code) {
		return code, nil
	}
	var u consumequeue.ExtUnit
	found := false
	if q.ext != nil {
		var err error
		if found, err = q.ext.Get(code, &u); err != nil {
			return 0, fmt.Errorf("store: %w", err)
		}
	}
	if !found {
		return 0, fmt.Errorf("%w: %s/%d has nothing at address %d of its extension", ErrNoTagCode, q.Topic, q.ID, code)
	}
	return u.TagCode, nil
}
