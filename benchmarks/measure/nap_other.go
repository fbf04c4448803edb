//go:build !linux

package measure

import "time"

// Precise has no effect on this system: waits are as precise as its timers.
func Precise() (release func()) { return func() {} }

func nap(d time.Duration) { time.Sleep(d) }
