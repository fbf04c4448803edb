package telemetry

import (
	"runtime/metrics"
	"time"
)

// LockWait is how long goroutines of the process have waited for mutexes since it started, all added up. The Go runtime samples that.
func LockWait() time.Duration {
	s := []metrics.Sample{{Name: "/sync/mutex/wait/total:seconds"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindFloat64 {
		return 0 // another runtime, which doesn't know it
	}
	return time.Duration(s[0].Value.Float64() * float64(time.Second))
}
