package generator

import "context"

// The kinds of load.
const (
	ModeSend = "send" // sends in a closed loop
)

// Modes returns the kinds of load.
func Modes() []string { return []string{ModeSend} }

func (o *Options) loadOf() func(context.Context, *run) (*Report, error) {
	switch o.Mode {
	case ModeSend:
		return runSend
	}
	return nil
}
