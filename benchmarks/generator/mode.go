package generator

import "context"

// The kinds of load.
const (
	ModeSend        = "send"        // sends in a closed loop
	ModePull        = "pull"        // pulls of a backlog
	ModeLatency     = "latency"     // sends at a fixed rate to consumers that wait for them
	ModeTopics      = "topics"      // many topics: their creation, a message for each, their routes
	ModeConnections = "connections" // idle connections
)

// Modes returns the kinds of load.
func Modes() []string { return []string{ModeSend, ModePull, ModeLatency, ModeTopics, ModeConnections} }

func (o *Options) loadOf() func(context.Context, *run) (*Report, error) {
	switch o.Mode {
	case ModeSend:
		return runSend
	case ModePull:
		return runPull
	case ModeLatency:
		return runLatency
	case ModeTopics:
		return runTopics
	case ModeConnections:
		return runConnections
	}
	return nil
}
