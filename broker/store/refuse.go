package store

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/gantry-mq/gantry/commitlog"
)

// refusals collects the reasons for which the log takes no messages.
type refusals struct {
	log *commitlog.Log
	mu  sync.Mutex // guards why
	why map[string]error
}

func (r *refusals) set(who string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.why == nil {
		r.why = make(map[string]error)
	}
	r.why[who] = err
	r.apply()
}

func (r *refusals) clear(who string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.why[who]; ok {
		delete(r.why, who)
		r.apply()
	}
}

func (r *refusals) apply() {
	var errs []error
	for _, who := range slices.Sorted(maps.Keys(r.why)) {
		errs = append(errs, r.why[who])
	}
	r.log.SetRefuse(errors.Join(errs...))
}
