package commitlog

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Watch returns a channel that is signalled when the confirm offset may have moved. Signals coalesce: after one,
// look at Confirmed and work up to it. stop ends the subscription.
func (l *Log) Watch() (c <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	l.signals.add(ch)
	return ch, func() { l.signals.drop(ch) }
}

// signals are the subscribers of Watch.
type signals struct {
	mu   sync.Mutex // serialises changes of subs
	subs atomic.Pointer[[]chan struct{}]
}

func (s *signals) all() []chan struct{} {
	if p := s.subs.Load(); p != nil {
		return *p
	}
	return nil
}

func (s *signals) add(c chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := append(slices.Clone(s.all()), c)
	s.subs.Store(&next)
}

func (s *signals) drop(c chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(s.all()), func(x chan struct{}) bool { return x == c })
	s.subs.Store(&next)
}

func (s *signals) raise() {
	for _, c := range s.all() {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
