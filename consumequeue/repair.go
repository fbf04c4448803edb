package consumequeue

import "fmt"

// wholeFiles returns those of a queue's files that are of use: a run of whole ones.
//
// A power loss can leave files that were created or removed, or not, independently of each other; empty ones, whose size
// didn't become durable; ones that were being cleared. After an orderly stop only files can be left over that retention
// had removed. Everything else, and units that should be durable and are missing, is ErrDamaged.
func (s *stream) wholeFiles(files []queueFile) ([]queueFile, error) {
	c := s.core
	if n := len(files); c.trusted && n > 0 && files[n-1].size == 0 {
		if err := s.removeFiles(files[n-1:]); err != nil {
			return nil, err
		}
		files = files[:n-1]
	}
	for _, f := range files {
		unfinished := !c.trusted && (f.size == 0 || c.cutShort(f.size))
		if !unfinished {
			if err := s.checkFile(f); err != nil {
				return nil, err
			}
		}
	}
	for {
		run, err := s.firstRun(files)
		if err != nil || run == len(files) {
			return files, err
		}
		// The run ends too early. Either it had been removed as too old, and came back, or what follows it is younger
		// than the last flush.
		if run > 0 {
			old, err := s.retired(files[run-1].base)
			if err != nil {
				return nil, err
			}
			if old {
				if err := s.removeFiles(files[:run]); err != nil {
					return nil, err
				}
				files = files[run:]
				continue
			}
			if c.trusted {
				return nil, s.gap(files[run-1], files[run])
			}
		}
		if err := s.checkYoung(files, run); err != nil {
			return nil, err
		}
		return files[:run], s.removeFiles(files[run:])
	}
}

func (s *stream) checkFile(f queueFile) error {
	c := s.core
	if f.size != c.fileSize {
		return fmt.Errorf("%v: %s: %d bytes, expected %d: %w", c.layout, c.path(s, f.base), f.size, c.fileSize, ErrDamaged)
	}
	if f.base%c.fileSize != 0 {
		return fmt.Errorf("%v: %s: name is no multiple of the file size %d: %w", c.layout, c.path(s, f.base), c.fileSize, ErrDamaged)
	}
	return nil
}

func (s *stream) gap(before, after queueFile) error {
	return fmt.Errorf("%v: %s: follows %020d, expected %020d: %w",
		s.core.layout, s.core.path(s, after.base), before.base, before.base+s.core.fileSize, ErrDamaged)
}

// firstRun returns how many of the files are whole and follow each other. A file that was being cleared becomes whole,
// but nothing follows it: what was there, or has come since, wasn't durable.
func (s *stream) firstRun(files []queueFile) (int, error) {
	c := s.core
	for i := range files {
		f := &files[i]
		if i > 0 && f.base != files[i-1].base+c.fileSize {
			return i, nil
		}
		if f.size == c.fileSize {
			continue
		}
		if !c.cutShort(f.size) || f.base%c.fileSize != 0 {
			return i, nil
		}
		f.size = c.fileSize
		return i + 1, s.growBack(f.base)
	}
	return len(files), nil
}

// checkYoung returns ErrDamaged if one of the files from the run's end on has a unit that was durable.
func (s *stream) checkYoung(files []queueFile, run int) error {
	c := s.core
	for _, f := range files[run:] {
		if f.size != c.fileSize {
			continue
		}
		durable, err := s.headBelow(f.base, c.recoverBelow)
		switch {
		case err != nil:
			return err
		case durable && run > 0:
			return s.gap(files[run-1], f)
		case durable:
			return fmt.Errorf("%v: %s: %d bytes, expected %d: %w", c.layout, c.path(s, files[0].base), files[0].size, c.fileSize, ErrDamaged)
		}
	}
	return nil
}

// growBack gives a file that was being cleared its size again.
func (s *stream) growBack(base int64) error {
	d, err := s.core.fds.acquire(s, base, s.core.openFile)
	if err != nil {
		return err
	}
	defer s.core.fds.release(d)
	return d.file.Truncate(s.core.fileSize)
}

// retired tells whether a whole file lies before the log's begin.
func (s *stream) retired(base int64) (bool, error) {
	var unit [BatchUnitSize]byte
	u := unit[:s.core.layout.unitSize()]
	if err := s.core.pread(s, base, u, s.core.fileSize-int64(len(u))); err != nil {
		return false, err
	}
	return s.core.layout.valid(u) && decodeHead(u).logOffset < s.core.minLog.Load(), nil
}

// headBelow tells whether the first unit of a file is valid and points below a log offset.
func (s *stream) headBelow(base, below int64) (bool, error) {
	var unit [BatchUnitSize]byte
	u := unit[:s.core.layout.unitSize()]
	if err := s.core.pread(s, base, u, 0); err != nil {
		return false, err
	}
	return s.core.layout.valid(u) && decodeHead(u).logOffset < below, nil
}
