package stats

import (
	"hash/maphash"
	"sync"
	"time"
)

// interval is how often Sample is meant to be called.
const interval = 10 * time.Second

// clock is the time that a Broker's counters go by: monotonic, and as of the last sample.
type clock struct {
	began, last time.Time
	now         func() time.Time
}

func (c *clock) read() (last, now time.Duration) { return c.last.Sub(c.began), c.now().Sub(c.began) }

// table has the counters of one kind by key.
type table struct {
	seed   maphash.Seed
	shards [16]shard
}

type shard struct {
	mu sync.RWMutex // guards m
	m  map[string]*Counter
}

func newTable() *table {
	t := &table{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].m = map[string]*Counter{}
	}
	return t
}

// find returns the counter of a key, or nil.
func (t *table) find(key []byte) *Counter {
	s := &t.shards[maphash.Bytes(t.seed, key)%uint64(len(t.shards))]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.m[string(key)]
}

// findString is find for a string.
func (t *table) findString(key string) *Counter {
	s := &t.shards[maphash.String(t.seed, key)%uint64(len(t.shards))]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.m[key]
}

// add returns the counter of a key, after adding the one that create makes if there is none.
func (t *table) add(key string, create func() *Counter) *Counter {
	s := &t.shards[maphash.String(t.seed, key)%uint64(len(t.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.m[key]
	if c == nil {
		c = create()
		s.m[key] = c
	}
	return c
}

// each calls f for every counter, in no order.
func (t *table) each(f func(key string, c *Counter)) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		for key, c := range s.m {
			f(key, c)
		}
		s.mu.RUnlock()
	}
}

// dropIf forgets counters. Who has one in hand may add to it once more, which nobody sees.
func (t *table) dropIf(match func(key string, c *Counter) bool) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for key, c := range s.m {
			if match(key, c) {
				delete(s.m, key)
			}
		}
		s.mu.Unlock()
	}
}
