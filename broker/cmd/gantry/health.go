package main

import (
	"errors"
	"sync"

	"github.com/gantry-mq/gantry/broker/telemetry"
)

// health is what the roles of a process say of themselves. A role that is expected and says nothing yet is not ready.
type health struct {
	mu       sync.Mutex // guards what follows
	expected int
	roles    []checkup
}

type checkup struct {
	ready   func() error
	metrics func() []telemetry.Metric
}

// expect says that a role is about to start.
func (h *health) expect() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expected++
}

// report adds a role that runs.
func (h *health) report(ready func() error, metrics func() []telemetry.Metric) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.roles = append(h.roles, checkup{ready, metrics})
}

func (h *health) all() (roles []checkup, whole bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.roles, len(h.roles) == h.expected
}

func (h *health) ready() error {
	roles, whole := h.all()
	if !whole {
		return errors.New("the store is being recovered")
	}
	var errs []error
	for _, r := range roles {
		errs = append(errs, r.ready())
	}
	return errors.Join(errs...)
}

func (h *health) metrics() (all []telemetry.Metric) {
	roles, _ := h.all()
	for _, r := range roles {
		all = append(all, r.metrics()...)
	}
	return all
}
