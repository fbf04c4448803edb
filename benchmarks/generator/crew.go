package generator

import (
	"errors"
	"sync"
)

// crew is lanes at work, each in a goroutine.
type crew struct {
	lanes []*lane
	errs  []error       // by lane; read them after done
	done  chan struct{} // closed when all have ended
}

// begin puts the lanes to work. Whoever began them waits for done. A lane that fails calls failed.
func begin(lanes []*lane, failed func()) *crew {
	c := &crew{lanes: lanes, errs: make([]error, len(lanes)), done: make(chan struct{})}
	var working sync.WaitGroup
	for i, l := range lanes {
		working.Go(func() {
			if c.errs[i] = l.work(); c.errs[i] != nil {
				failed()
			}
		})
	}
	go func() { // ends with the lanes, whose reads have deadlines
		working.Wait()
		close(c.done)
	}()
	return c
}

// err joins what the lanes failed with. The crew must be done.
func (c *crew) err() error { return errors.Join(c.errs...) }

// answers is how many answers have come so far.
func (c *crew) answers() int64 {
	var n int64
	for _, l := range c.lanes {
		n += l.answers.Load()
	}
	return n
}

// unasked is how many answers nobody had asked for. The crew must be done.
func (c *crew) unasked() int64 {
	var n int64
	for _, l := range c.lanes {
		n += l.unasked
	}
	return n
}

// closeLanes closes the connections of lanes that are to send no more. It ends those that still wait for an answer.
func closeLanes(lanes []*lane) {
	for _, l := range lanes {
		l.conn.Close()
	}
}
