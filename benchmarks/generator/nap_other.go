//go:build !linux

package generator

import "time"

func precise() (release func()) { return func() {} }

func nap(d time.Duration) { time.Sleep(d) }
