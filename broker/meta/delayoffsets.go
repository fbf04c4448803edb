package meta

import (
	"maps"
	"sync"
	"time"
)

// DelayState is how far the delay levels are delivered.
type DelayState struct {
	// Offsets has, per level, the queue offset of the first message that was not delivered.
	Offsets map[int32]int64
	// LogOffset is a record border: what was delivered by records below it is part of Offsets. Negative if that isn't known,
	// since another broker wrote the file.
	LogOffset int64
}

// DelayOffsets is the file of delivered offsets. All methods are safe for concurrent use.
type DelayOffsets struct {
	file file
	now  func() time.Time

	mu      sync.Mutex // guards what follows, and makes writes one at a time
	version DataVersion
	last    DelayState
}

type delayFile struct {
	Version   DataVersion     `json:"dataVersion"`
	Offsets   map[int32]int64 `json:"offsetTable"`
	LogOffset *int64          `json:"logOffset,omitempty"` // ours alone: another broker that writes the file drops it
}

// OpenDelayOffsets reads the file; without one nothing is delivered yet. now is nil for time.Now.
func OpenDelayOffsets(o Options, now func() time.Time) (*DelayOffsets, error) {
	if now == nil {
		now = time.Now
	}
	d := &DelayOffsets{file: o.file("delayOffset.json"), now: now, last: DelayState{LogOffset: -1}}
	d.version.Timestamp = now().UnixMilli()
	loaded, err := load[delayFile](d.file)
	if err != nil || loaded == nil {
		return d, err
	}
	d.version, d.last.Offsets = loaded.Version, loaded.Offsets
	if loaded.LogOffset != nil {
		d.last.LogOffset = *loaded.LogOffset
	}
	return d, nil
}

// Last is the state that was read or saved last, with its version.
func (d *DelayOffsets) Last() (DelayState, DataVersion) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return DelayState{maps.Clone(d.last.Offsets), d.last.LogOffset}, d.version
}

// Save replaces the file durably, unless there is nothing new in it.
func (d *DelayOffsets) Save(s DelayState) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed := !maps.Equal(s.Offsets, d.last.Offsets)
	if !changed && s.LogOffset == d.last.LogOffset {
		return nil
	}
	version := d.version
	if changed {
		version = version.next(d.now())
	}
	if err := d.file.save(&delayFile{version, s.Offsets, &s.LogOffset}); err != nil {
		return err
	}
	d.version, d.last = version, DelayState{maps.Clone(s.Offsets), s.LogOffset}
	return nil
}
