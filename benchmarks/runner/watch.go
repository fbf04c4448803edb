package runner

import (
	"sync"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/procfs"
)

const lookEvery = 200 * time.Millisecond

// watch looks at a process again and again: memory that was given back before the end shows no other way.
type watch struct {
	pid   int
	first procfs.Process
	peak  int64 // of anonymous memory; read it after the goroutine's end
	stop  chan struct{}
	done  sync.WaitGroup
}

// seen is what a watch saw.
type seen struct {
	idle, peak int64
	written    int64
	cpu        time.Duration
}

// watchProcess begins to look. Whoever calls it calls end.
func watchProcess(pid int) (*watch, error) {
	first, err := procfs.ReadProcess(pid)
	if err != nil {
		return nil, err
	}
	w := &watch{pid: pid, first: first, peak: first.RSSAnonBytes, stop: make(chan struct{})}
	w.done.Go(w.look)
	return w, nil
}

func (w *watch) look() {
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-again.C:
			if p, err := procfs.ReadProcess(w.pid); err == nil { // one that has ended is noticed by end
				w.peak = max(w.peak, p.RSSAnonBytes)
			}
		}
	}
}

// end looks for the last time. A nil watch has seen nothing.
func (w *watch) end() (seen, error) {
	if w == nil {
		return seen{}, nil
	}
	close(w.stop)
	w.done.Wait()
	last, err := procfs.ReadProcess(w.pid)
	if err != nil {
		return seen{}, err
	}
	return seen{
		idle: w.first.RSSAnonBytes, peak: max(w.peak, last.RSSAnonBytes),
		written: last.WrittenBytes - w.first.WrittenBytes, cpu: last.CPU - w.first.CPU,
	}, nil
}
