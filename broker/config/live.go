package config

import (
	"errors"
	"sync"
	"sync/atomic"
)

// Live is a configuration that changes while it is in use. It is safe for concurrent use.
type Live struct {
	current atomic.Pointer[Config]

	mu sync.Mutex // held by who changes current
}

// NewLive makes one that is c until it is changed.
func NewLive(c *Config) *Live {
	l := new(Live)
	l.current.Store(c)
	return l
}

// Load is the configuration as it is now. Who needs several values that go together loads it once. It must not be changed.
func (l *Live) Load() *Config { return l.current.Load() }

// Update makes changes that come as properties from a place: all of them, or none if one is of a key that isn't known, that is fixed
// (then the error wraps ErrFixed) or that only a restart changes, or a value that its key doesn't take. It returns the names of the keys
// whose values are others now. apply is called with what holds then, one call at a time; its error takes nothing back.
func (l *Live) Update(place string, text []byte, fixed []string, apply func(c *Config, changed []string) error) (changed []string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, warnings, err := l.Load().With(place, text, fixed...)
	if err != nil {
		return nil, err
	}
	merged, changed, unfit := l.Load().Reload(next)
	var errs []error
	for _, w := range append(warnings, unfit...) {
		errs = append(errs, errors.New(w.Message))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	l.current.Store(merged)
	return changed, apply(merged, changed)
}
