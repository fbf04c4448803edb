package consumequeue

import (
	"sync"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// descriptors are the open files of a store: at most max of them. A file that nobody uses stays open until its place is
// needed for another one, the one that was used longest ago first.
//
// Whoever has acquired a descriptor must release it without waiting for anything but the file system, and must not
// acquire another one before: an acquire that finds all places taken waits for a release.
type descriptors struct {
	fs  vfs.FS
	max int

	mu      sync.Mutex // guards everything below and all descriptor fields
	changed *sync.Cond // a descriptor was opened, released or closed
	open    int        // places taken, files being opened or closed included
	files   map[fileID]*descriptor
	idle    descriptor // head of the ring of unused ones: idle.next was used last, idle.prev longest ago
	closed  bool
	// closeFailed is told of errors of closing. Set before the first use.
	closeFailed func(error)
}

// fileID names a file by its queue and the position of its first byte.
type fileID struct {
	s    *stream
	base int64
}

type descriptor struct {
	id         fileID
	file       vfs.File // nil while it is being opened
	refs       int
	doomed     bool // to be closed with the last release
	prev, next *descriptor
}

func newDescriptors(fs vfs.FS, max int, closeFailed func(error)) *descriptors {
	d := &descriptors{fs: fs, max: max, files: make(map[fileID]*descriptor), closeFailed: closeFailed}
	d.changed = sync.NewCond(&d.mu)
	d.idle.prev, d.idle.next = &d.idle, &d.idle
	return d
}

// acquire returns the open file at base of s, which it opens with open if need be. Safe for concurrent use.
func (d *descriptors) acquire(s *stream, base int64, open func(*stream, int64) (vfs.File, error)) (*descriptor, error) {
	id := fileID{s, base}
	d.mu.Lock()
	for {
		if d.closed {
			d.mu.Unlock()
			return nil, ErrClosed
		}
		if f := d.files[id]; f != nil {
			if f.file == nil { // somebody else is opening it
				d.changed.Wait()
				continue
			}
			if f.refs == 0 {
				f.unlink()
			}
			f.refs++
			d.mu.Unlock()
			return f, nil
		}
		if d.open < d.max {
			break
		}
		if oldest := d.idle.prev; oldest != &d.idle {
			oldest.unlink()
			delete(d.files, oldest.id)
			d.close(oldest)
			continue
		}
		d.changed.Wait()
	}
	f := &descriptor{id: id, refs: 1}
	d.files[id] = f
	d.open++
	d.mu.Unlock()

	file, err := open(s, base)

	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed.Broadcast()
	if err != nil {
		d.open--
		if !f.doomed {
			delete(d.files, id)
		}
		return nil, err
	}
	f.file = file
	return f, nil
}

// release ends the use of a descriptor.
func (d *descriptors) release(f *descriptor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.refs--
	switch {
	case f.refs > 0:
		return
	case f.doomed:
		d.close(f)
		return
	}
	f.linkAfter(&d.idle)
	d.changed.Broadcast()
}

// forget makes sure that the file at base of s is closed soon and opened anew if it is acquired again.
func (d *descriptors) forget(s *stream, base int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[fileID{s, base}]
	if f == nil {
		return
	}
	delete(d.files, f.id)
	if f.refs > 0 {
		f.doomed = true
		return
	}
	f.unlink()
	d.close(f)
}

// close closes a file that is neither in use nor in the map, and gives its place back. It lets go of the lock meanwhile.
func (d *descriptors) close(f *descriptor) {
	d.mu.Unlock()
	err := f.file.Close()
	if err != nil {
		d.closeFailed(err)
	}
	d.mu.Lock()
	d.open--
	d.changed.Broadcast()
}

// closeAll refuses further acquires, waits for the releases of the current ones and closes all files.
func (d *descriptors) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.changed.Broadcast()
	for d.open > 0 {
		if f := d.idle.next; f != &d.idle {
			f.unlink()
			delete(d.files, f.id)
			d.close(f)
			continue
		}
		d.changed.Wait()
	}
}

func (d *descriptors) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

func (f *descriptor) unlink() {
	f.prev.next, f.next.prev = f.next, f.prev
	f.prev, f.next = nil, nil
}

func (f *descriptor) linkAfter(at *descriptor) {
	f.prev, f.next = at, at.next
	at.next.prev, at.next = f, f
}
