package delay

import (
	"fmt"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
)

// readable is how much of the log a start may have to read although nothing was delivered.
const readable = 64 << 20

// saver saves the offsets from time to time until Close.
func (s *Service) saver() {
	tick := time.NewTicker(s.opts.SaveEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-tick.C:
			if err := s.save(readable); err != nil {
				s.opts.Logger.Error("delay: offsets not saved", "error", err)
			}
		}
	}
}

// save makes the offsets durable if they changed, or the log has grown by more than step.
func (s *Service) save(step int64) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	last, _ := s.opts.Offsets.Last()
	// In this order: a copy below end was appended before, and its level's offset is moved before the level's lock is free.
	state := meta.DelayState{Offsets: make(map[int32]int64, len(s.levels)), LogOffset: s.opts.Store.Log.Max()}
	changed := last.LogOffset < 0 || state.LogOffset < last.LogOffset || state.LogOffset-last.LogOffset > step
	for _, l := range s.levels {
		offset := l.delivered()
		if offset > 0 {
			state.Offsets[l.number] = offset
		}
		changed = changed || offset != last.Offsets[l.number]
	}
	if !changed {
		return nil
	}
	// Copies that the power could still take must not count as delivered.
	if err := s.opts.Store.Log.Flush(); err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	return s.opts.Offsets.Save(state)
}
