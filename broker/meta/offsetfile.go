package meta

import (
	"maps"
	"strings"
	"time"
)

type offsetsFile struct {
	Version DataVersion                `json:"dataVersion"`
	Offsets map[string]map[int32]int64 `json:"offsetTable"`
	LMQ     map[string]int64           `json:"lmqOffsetTable,omitempty"` // of groups with LMQPrefix, their queue 0
}

const (
	offsetsName = "consumerOffset.json"
	lmqName     = "lmqConsumerOffset.json"
)

// OpenOffsets reads the table; without a file it is empty. lmq is whether lightweight queues are on, which decides
// about the file's name: when only the other one is there, because that was switched, it is read once. now is nil for
// time.Now.
func OpenOffsets(opt Options, lmq bool, now func() time.Time) (*Offsets, error) {
	if now == nil {
		now = time.Now
	}
	mine, other := opt.file(offsetsName), opt.file(lmqName)
	if lmq {
		mine, other = other, mine
	}
	o := &Offsets{file: mine, lmq: lmq, now: now, pairs: newTable[*pair](), pulled: newTable[*pair]()}
	o.version.Timestamp = now().UnixMilli()
	from := mine
	if other.exists() {
		if mine.exists() {
			mine.log.Warn("meta: two files of consumer offsets, enableLmq decides", "used", mine.name, "ignored", other.name)
		} else {
			mine.log.Info("meta: consumer offsets are taken over", "from", other.name, "to", mine.name)
			from = other
			o.dirty.Store(true)
		}
	}
	loaded, err := load[offsetsFile](from)
	if err != nil || loaded == nil {
		return o, err
	}
	o.version = loaded.Version
	for key, queues := range loaded.Offsets {
		p := newPair()
		maps.Copy(p.queues, queues)
		o.pairs.put(key, p)
	}
	for key, offset := range loaded.LMQ {
		p := newPair()
		p.queues[0] = offset
		o.pairs.put(key, p)
	}
	return o, nil
}

// Persist returns after every commit that was made before the call is durable.
func (o *Offsets) Persist() error {
	o.persisting.Lock()
	defer o.persisting.Unlock()
	// Taken down before the copy: a commit that the copy misses puts it up again.
	if !o.dirty.Swap(false) {
		return nil
	}
	o.mu.Lock()
	o.version = o.version.next(o.now())
	pairs, version := o.pairs.all(), o.version
	o.mu.Unlock()

	out := offsetsFile{Version: version, Offsets: make(map[string]map[int32]int64, len(pairs)), LMQ: map[string]int64{}}
	for key, p := range pairs {
		queues := p.clone()
		if offset, ok := lmqOffset(key, queues); ok && o.lmq {
			out.LMQ[key] = offset
		} else {
			out.Offsets[key] = queues
		}
	}
	err := o.file.save(&out)
	if err != nil {
		o.dirty.Store(true)
	}
	return err
}

// lmqOffset is the offset of a pair that fits into the table of lightweight queues.
func lmqOffset(key string, queues map[int32]int64) (int64, bool) {
	_, group, _ := strings.Cut(key, string(separator))
	offset, ok := queues[0]
	return offset, ok && len(queues) == 1 && strings.HasPrefix(group, LMQPrefix)
}

// Version returns the version of the state that was last persisted.
func (o *Offsets) Version() DataVersion {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.version
}

// All returns a copy of what is committed, by topic@group and queue, with the version that was last persisted.
func (o *Offsets) All() (map[string]map[int32]int64, DataVersion) {
	o.mu.Lock()
	pairs, version := o.pairs.all(), o.version
	o.mu.Unlock()
	all := make(map[string]map[int32]int64, len(pairs))
	for key, p := range pairs {
		all[key] = p.clone()
	}
	return all, version
}
