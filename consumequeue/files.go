package consumequeue

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// queueFile is a file as a directory lists it.
type queueFile struct {
	base, size int64
}

// listFiles lists the files of a stream by position. Names that aren't 20 digits are not ours.
func (c *core) listFiles(s *stream) ([]queueFile, error) {
	dir := c.queueDir(s)
	entries, err := c.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", s, err)
	}
	files := make([]queueFile, 0, len(entries))
	for _, e := range entries {
		base, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil || len(e.Name()) != 20 || e.IsDir() || base < 0 {
			c.log.Warn("not a queue file, left alone", "store", c.layout.String(), "path", dir+"/"+e.Name())
			continue
		}
		info, err := c.fs.Stat(dir + "/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("%v: %w", s, err)
		}
		files = append(files, queueFile{base, info.Size})
	}
	return files, nil // ReadDir sorts
}

// checkFileSize refuses a store whose files all have another size than the configured one. Single ones are damage.
func (c *core) checkFileSize() error {
	const enough = 16 // queues to look at; the first file of the right size ends it anyway
	var wrong error
	looked := 0
	for _, s := range c.snapshot() {
		if !s.onDisk {
			continue
		}
		files, err := c.listFiles(s)
		if err != nil {
			return err
		}
		for _, f := range files {
			switch {
			case f.size == c.fileSize && f.base%c.fileSize == 0:
				return nil
			case f.size == 0 || c.cutShort(f.size):
			case wrong == nil:
				wrong = fmt.Errorf("%v: %s: %d bytes, expected %d: %w", c.layout, c.path(s, f.base), f.size, c.fileSize, ErrFileSize)
			}
		}
		if looked++; looked == enough {
			break
		}
	}
	return wrong
}

// removeFiles removes files, the last one first. A flush makes it durable.
func (s *stream) removeFiles(files []queueFile) error {
	for i := len(files) - 1; i >= 0; i-- {
		s.core.fds.forget(s, files[i].base)
		if err := s.core.fs.Remove(s.core.path(s, files[i].base)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%v: %w", s, err)
		}
		s.renamed = true
		s.list()
	}
	return nil
}

// cutShort tells from its size whether a file was being cleared (see clear) when the power failed.
func (c *core) cutShort(size int64) bool {
	return size < c.fileSize && size%c.layout.unitSize() == 1
}

// clear makes everything in a file from off on zeros, and holes where it can. It cuts the file and grows it again: a
// queue file is mostly holes, which zeroing in place would fill with blocks. Should the power fail between the two
// steps, the odd byte tells a file that was cut from one of another configured size.
func (c *core) clear(f vfs.File, off int64) error {
	unit := c.layout.unitSize()
	cut := off - off%unit + 1
	if cut <= off {
		cut += unit
	}
	if cut < c.fileSize {
		if err := f.Truncate(cut); err != nil {
			return err
		}
	}
	if _, err := f.WriteAt(make([]byte, cut-off), off); err != nil {
		return err
	}
	return f.Truncate(c.fileSize)
}
