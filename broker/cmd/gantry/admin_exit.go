package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gantry-mq/gantry/broker/admin"
)

// Exit codes of `gantry admin`; the other commands end with 0 or 1.
const (
	exitFailed   = 1
	exitUsage    = 2 // the command line makes no sense
	exitNotFound = 3 // what it is about isn't there
)

// usageError is about the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error { return &usageError{err} }

// exitCode is what a process ends with whose command has returned err.
func exitCode(err error) int {
	var u *usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &u), errors.Is(err, admin.ErrInput):
		return exitUsage
	case errors.Is(err, admin.ErrUnreachable): // an answer is missing, so nothing is known to be absent
		return exitFailed
	case errors.Is(err, admin.ErrNotFound):
		return exitNotFound
	}
	return exitFailed
}

// advice is an error with what to do about it, where that isn't plain.
func advice(err error) string {
	if errors.Is(err, admin.ErrUnreachable) && !errors.Is(err, context.Canceled) {
		return fmt.Sprintf("%v\nIs the server running, and can it be reached from here? Name servers are given with -n or NAMESRV_ADDR; brokers are at the addresses that they tell the name server (brokerIP1, --advertise).", err)
	}
	return err.Error()
}
