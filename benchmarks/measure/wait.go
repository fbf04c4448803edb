package measure

import "time"

// wakeEarly is how long before the end of a wait a thread wakes and spins: about what a wake-up costs. With 5,000 waits a second it
// spins for a tenth of the time at most.
const wakeEarly = int64(20 * time.Microsecond)

// WaitUntil returns how many ns have passed since start once they are due, at once if that is over. Its goroutine has called Precise.
func WaitUntil(start time.Time, due int64) int64 {
	for {
		now := int64(time.Since(start))
		if now >= due {
			return now
		}
		if d := due - now - wakeEarly; d > 0 {
			nap(time.Duration(d))
		}
	}
}
