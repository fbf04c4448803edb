package consumequeue

import (
	"errors"
	"fmt"
)

// load finds out what the stream's files hold. After an orderly stop they are trusted, and files that can't be right are
// an error. Otherwise what may not have survived is cut, and a queue whose files can't be right is emptied and reported
// as lost. The caller has mu.
func (s *stream) load() error {
	switch {
	case !s.onDisk:
		s.setEmpty(s.next)
		return nil
	case s.core.layout == extLayout:
		return s.loadExt()
	}
	files, err := s.core.listFiles(s)
	if err != nil {
		return err
	}
	if s.lost { // and the log hasn't filled it since
		s.reset(s.stillLost().Err)
		if s.core.trusted {
			return s.removeFiles(files)
		}
		return nil
	}
	files, err = s.wholeFiles(files)
	if err == nil && len(files) > 0 {
		var known bool
		if known, err = s.asInTable(files); known {
			s.setFiles(files, s.end)
		} else if err == nil {
			err = s.findEnd(files)
		}
	}
	switch {
	case errors.Is(err, ErrDamaged) && !s.core.trusted:
		s.reset(err)
		return nil
	case err != nil:
		return err
	case len(files) == 0:
		s.missing()
		return nil
	}
	s.state = loaded
	return nil
}

// setEmpty makes the stream one without files whose next unit gets the queue offset next.
func (s *stream) setEmpty(next int64) {
	s.restart(next)
	s.next, s.last, s.minFor = next, -1, 0
	s.state = loaded
}

// restart sets the positions of a stream without files to the beginning of the file that next belongs into.
func (s *stream) restart(next int64) {
	base := int64(0)
	if c := s.core; c.layout == simpleLayout {
		base = next * UnitSize
		base -= base % c.fileSize
	}
	s.first, s.files = base, base
	s.synced, s.written, s.end = base, base, base
	s.stale, s.cleared = false, false
	s.epoch++
}

// findEnd finds the last unit that counts in a run of whole files, and drops what follows it.
func (s *stream) findEnd(files []queueFile) error {
	c := s.core
	i := len(files) - 1
	for ; i > 0; i-- {
		ok, err := s.headBelow(files[i].base, c.recoverBelow)
		if err != nil {
			return err
		}
		if ok {
			break
		}
	}
	chain := chain{layout: c.layout, below: c.recoverBelow, last: -1, end: files[0].base}
	base := files[i].base
	if i > 0 {
		unit := make([]byte, c.layout.unitSize())
		pos := base - int64(len(unit))
		if err := c.pread(s, files[i-1].base, unit, c.fileSize-int64(len(unit))); err != nil {
			return err
		}
		if !chain.accept(unit, pos) {
			return fmt.Errorf("%v: %s: last unit is (%d, %d), expected one as there are later files: %w",
				c.layout, c.path(s, files[i-1].base), decodeHead(unit).logOffset, decodeHead(unit).size, ErrDamaged)
		}
	}
	end, err := s.scan(base, &chain)
	if err != nil {
		return err
	}
	next := c.layout.nextAt(end, chain)
	if !c.trusted && chain.last >= 0 {
		end = chain.end // fillers stand for nothing unless a unit follows
		next = c.layout.nextAt(end, chain)
		torn, err := s.lastIsTorn(base, end, chain)
		if err != nil {
			s.next, s.bounded = next, false // a message of that queue offset there was, in any case
			return err
		}
		if torn {
			end -= c.layout.unitSize()
			chain.last, chain.next = chain.lastBefore, chain.nextBefore
			next = c.layout.nextAt(end, chain)
		}
	}
	if !c.trusted && chain.last < 0 {
		return s.restartEmpty(files)
	}
	if next, err = s.reconcile(next, chain.last); err != nil {
		return err
	}
	if err := s.removeFiles(files[i+1:]); err != nil {
		return err
	}
	s.setFiles(files[:i+1], end)
	s.next, s.last, s.anywhere = next, chain.last, false
	return s.clearIfUsed()
}

// setFiles sets the positions of a stream whose units fill its files up to end.
func (s *stream) setFiles(files []queueFile, end int64) {
	s.first, s.files = files[0].base, files[len(files)-1].base+s.core.fileSize
	s.synced, s.written, s.end = end, end, end
	s.minFor = 0
	s.stale = end < s.files
	s.epoch++
}

// asInTable tells whether the files end where the table of bounds says, as they do after an orderly stop unless another
// broker had them in between. Then nothing has to be searched.
func (s *stream) asInTable(files []queueFile) (bool, error) {
	c := s.core
	unit := c.layout.unitSize()
	last := files[len(files)-1]
	if !c.trusted || !s.bounded || s.last < 0 || s.last >= c.recoverBelow || s.end < files[0].base+unit || s.end < last.base || s.end > last.base+c.fileSize {
		return false, nil
	}
	var buf [BatchUnitSize]byte
	u := buf[:unit]
	pos := s.end - unit
	if err := c.pread(s, pos-pos%c.fileSize, u, pos%c.fileSize); err != nil {
		return false, err
	}
	if !c.layout.valid(u) || decodeHead(u).logOffset != s.last || c.layout.ends(u, pos) != s.next {
		return false, nil
	}
	if s.end == last.base+c.fileSize {
		return true, nil
	}
	if err := c.pread(s, last.base, u, s.end-last.base); err != nil {
		return false, err
	}
	return allZero(u), nil
}

// reconcile compares the files' next queue offset, and the log offset of their last unit, with the table.
func (s *stream) reconcile(next, last int64) (int64, error) {
	c := s.core
	if !s.bounded || next >= s.next {
		return next, nil
	}
	switch whole := s.last >= c.keepBelow && s.last < c.recoverBelow; {
	case !whole && last >= c.keepBelow: // the log has messages of the queue, and they follow each other up to here
		return next, nil
	case s.last >= c.recoverBelow: // the table knew units that went with the end of the log
		return max(next, s.min), nil
	case s.last < c.keepBelow: // all of them were old: only the number counts
		return s.next, nil
	}
	return 0, fmt.Errorf("%v: units up to queue offset %d, expected up to %d: %w", s, next-1, s.next-1, ErrDamaged)
}

// clearIfUsed clears the rest of the last file at once if the place of the next unit isn't zeros. If it is, the first
// write can do that: until then recovery stops there, whatever follows, and an idle queue needs no write.
func (s *stream) clearIfUsed() error {
	c := s.core
	if !s.stale {
		return nil
	}
	base := s.end - s.end%c.fileSize
	unit := make([]byte, c.layout.unitSize())
	if err := c.pread(s, base, unit, s.end-base); err != nil {
		return err
	}
	if allZero(unit) {
		return nil
	}
	d, err := c.fds.acquire(s, base, c.openFile)
	if err != nil {
		return err
	}
	defer c.fds.release(d)
	if err := c.clear(d.file, s.end-base); err != nil {
		return fmt.Errorf("%v: clear from position %d: %w", s, s.end, err)
	}
	s.stale, s.cleared = false, true
	s.list()
	return nil
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
