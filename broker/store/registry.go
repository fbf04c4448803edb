package store

import (
	"hash/maphash"
	"sync"
)

// registry finds a Queue by name. Lookups are many and changes few.
type registry struct {
	seed   maphash.Seed
	shards [64]shard
}

type shard struct {
	mu sync.RWMutex // guards m
	m  map[queueKey]*Queue
}

type queueKey struct {
	topic string
	id    int32
}

func (r *registry) init() {
	r.seed = maphash.MakeSeed()
	for i := range r.shards {
		r.shards[i].m = make(map[queueKey]*Queue)
	}
}

// find returns a queue, nil if it isn't there.
func (r *registry) find(topic []byte, id int32) *Queue {
	s := r.shard(maphash.Bytes(r.seed, topic), id)
	s.mu.RLock()
	q := s.m[queueKey{string(topic), id}] // no copy: the compiler knows that the key isn't kept
	s.mu.RUnlock()
	return q
}

// lookup is find for a string.
func (r *registry) lookup(topic string, id int32) *Queue {
	s := r.shard(maphash.String(r.seed, topic), id)
	s.mu.RLock()
	q := s.m[queueKey{topic, id}]
	s.mu.RUnlock()
	return q
}

func (r *registry) shard(hash uint64, id int32) *shard {
	return &r.shards[(hash+uint64(id))%uint64(len(r.shards))]
}

// open finds a queue or makes it.
func (r *registry) open(topic string, id int32, make func() *Queue) *Queue {
	s := r.shard(maphash.String(r.seed, topic), id)
	s.mu.Lock()
	defer s.mu.Unlock()
	k := queueKey{topic, id}
	q := s.m[k]
	if q == nil {
		q = make()
		s.m[k] = q
	}
	return q
}

// drop takes the queues out that match.
func (r *registry) drop(match func(*Queue) bool) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for k, q := range s.m {
			if match(q) {
				delete(s.m, k)
			}
		}
		s.mu.Unlock()
	}
}

// each calls f for every queue.
func (r *registry) each(f func(*Queue)) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.RLock()
		all := make([]*Queue, 0, len(s.m))
		for _, q := range s.m {
			all = append(all, q)
		}
		s.mu.RUnlock()
		for _, q := range all {
			f(q)
		}
	}
}
