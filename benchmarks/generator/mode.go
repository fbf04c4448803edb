package generator

import "context"

// The kinds of load.
const (
	ModeSend    = "send"    // sends in a closed loop
	ModePull    = "pull"    // pulls of a backlog
	ModeLatency = "latency" // sends at a fixed rate to consumers that wait for them
)

// Modes returns the kinds of load.
func Modes() []string { return []string{ModeSend, ModePull, ModeLatency} }

func (o *Options) loadOf() func(context.Context, *run) (*Report, error) {
	switch o.Mode {
	case ModeSend:
		return runSend
	case ModePull:
		return runPull
	case ModeLatency:
		return runLatency
	}
	return nil
}
