package meta

import (
	"hash/maphash"
	"maps"
	"sync/atomic"
)

// shardCount bounds the cost of a write, which copies one shard: 40 entries of a table of 10,000.
const shardCount = 256

// table is a map from names that is read without locks and without allocations: each shard is an immutable map that
// a write replaces. Writers hold a lock of the owner.
type table[V any] struct {
	seed   maphash.Seed
	shards [shardCount]atomic.Pointer[map[string]V]
}

func newTable[V any]() *table[V] { return &table[V]{seed: maphash.MakeSeed()} }

func (t *table[V]) get(name string) (v V, ok bool) {
	if m := t.shards[maphash.String(t.seed, name)%shardCount].Load(); m != nil {
		v, ok = (*m)[name]
	}
	return v, ok
}

func (t *table[V]) getBytes(name []byte) (v V, ok bool) {
	if m := t.shards[maphash.Bytes(t.seed, name)%shardCount].Load(); m != nil {
		v, ok = (*m)[string(name)]
	}
	return v, ok
}

func (t *table[V]) put(name string, v V) {
	shard, m := t.copyShard(name)
	m[name] = v
	shard.Store(&m)
}

func (t *table[V]) delete(name string) {
	shard, m := t.copyShard(name)
	delete(m, name)
	shard.Store(&m)
}

func (t *table[V]) copyShard(name string) (*atomic.Pointer[map[string]V], map[string]V) {
	shard := &t.shards[maphash.String(t.seed, name)%shardCount]
	old := shard.Load()
	if old == nil {
		return shard, make(map[string]V, 1)
	}
	m := make(map[string]V, len(*old)+1)
	maps.Copy(m, *old)
	return shard, m
}

// all copies the table. It is one state of it only under the owner's lock.
func (t *table[V]) all() map[string]V {
	all := make(map[string]V)
	for i := range t.shards {
		if m := t.shards[i].Load(); m != nil {
			maps.Copy(all, *m)
		}
	}
	return all
}
