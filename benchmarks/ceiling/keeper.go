package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
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
