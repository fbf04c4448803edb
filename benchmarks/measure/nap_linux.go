package measure

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Precise gives this goroutine a thread whose naps end when they should, until the caller calls release. Go's timers
// wait with a resolution of 1 ms when nothing else is to do; a thread's naps are late by 50 µs unless it asks for less.
func Precise() (release func()) {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // ns; without it naps are only less precise
	return func() {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // the default
		runtime.UnlockOSThread()
	}
}

// nap sleeps on this goroutine's thread. A signal may end it early.
func nap(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil)
}
