package meta

import "time"

// DataVersion tells two states of a table apart. It travels with registrations and lies in each file.
type DataVersion struct {
	StateVersion int64 `json:"stateVersion"` // epoch of the controller, 0 without one
	Timestamp    int64 `json:"timestamp"`    // of the last change, in Unix milliseconds
	Counter      int64 `json:"counter"`      // changes so far
}

// next is the version after one more change.
func (v DataVersion) next(now time.Time) DataVersion {
	v.Timestamp = now.UnixMilli()
	v.Counter++
	return v
}
