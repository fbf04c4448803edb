package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/driver"
)

// keptBytes is how long the file of a keeper is: longer than a round writes, since blocks that were written before are cheaper.
const keptBytes = 1 << 30

// keeper stores frames in a file as a broker's log does by default: by a write each, into blocks that were allocated before, synced at an
// interval. It has no other state.
type keeper struct {
	f *os.File

	mu sync.Mutex // guards at
	at int64
}

// serveRemoting is an empty broker, or one that keeps what it is sent.
func serveRemoting(ctx context.Context, args []string) (err error) {
	fs := flag.NewFlagSet("serve remoting", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	dir := fs.String("data", "", "`directory` for a file that every send is written to before it is answered; none: they are forgotten")
	every := fs.Duration("sync", 500*time.Millisecond, "how `often` that file is synced")
	if err := driver.Parse(fs, args); err != nil {
		return err
	}
	if *every <= 0 {
		return fmt.Errorf("-sync %v, expected more than nothing", *every)
	}
	b := &emptyBroker{}
	if *dir != "" {
		if b.keep, err = newKeeper(filepath.Join(*dir, "ceiling-remoting")); err != nil {
			return err
		}
		stop := b.keep.syncEvery(*every)
		defer func() { err = errors.Join(err, stop(), b.keep.close()) }()
	}
	return listen(ctx, *addr, func(c net.Conn) error { return frames(c, b.answer) })
}

func newKeeper(name string) (*keeper, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := allocate(f, keptBytes); err != nil {
		return nil, errors.Join(fmt.Errorf("allocate %s: %w", name, err), f.Close(), os.Remove(name))
	}
	return &keeper{f: f}, nil
}

func (k *keeper) close() error { return errors.Join(k.f.Close(), os.Remove(k.f.Name())) }

// write writes a frame behind the one before, at the end of the file from the beginning again.
func (k *keeper) write(frame []byte) error {
	k.mu.Lock()
	if k.at+int64(len(frame)) > keptBytes {
		k.at = 0
	}
	at := k.at
	k.at += int64(len(frame))
	k.mu.Unlock()
	_, err := k.f.WriteAt(frame, at)
	return err
}

// syncEvery syncs the file until stop is called, which returns what went wrong.
func (k *keeper) syncEvery(d time.Duration) (stop func() error) {
	quit, done := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				done <- nil
				return
			case <-tick.C:
				if err := dataSync(k.f); err != nil {
					done <- fmt.Errorf("sync %s: %w", k.f.Name(), err)
					return
				}
			}
		}
	}()
	return func() error {
		close(quit)
		return <-done
	}
}
