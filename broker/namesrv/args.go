package namesrv

import (
	"fmt"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// args reads fields and keeps the first error.
type args struct {
	fields remoting.Fields
	err    error
}

// str reads a field that must be there.
func (a *args) str(name string) string {
	value := a.fields.Str(name)
	if value == "" && a.err == nil {
		a.err = fmt.Errorf("namesrv: %w: %s is missing", remoting.ErrField, name)
	}
	return value
}

// int reads a number that must be there.
func (a *args) int(name string) int64 {
	if a.str(name) == "" {
		return 0
	}
	return a.optional(name)
}

// optional reads a number, 0 if it is missing.
func (a *args) optional(name string) int64 {
	n, err := a.fields.Int64(name, 0)
	if err != nil && a.err == nil {
		a.err = err
	}
	return n
}

// bool reads a flag, false if it is missing.
func (a *args) bool(name string) bool {
	v, err := a.fields.Bool(name, false)
	if err != nil && a.err == nil {
		a.err = err
	}
	return v
}
