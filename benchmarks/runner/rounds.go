package runner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/report"
)

// outcome is what the rounds of an entry gave.
type outcome struct {
	trials   []*Trial // of the rounds that went well
	failures []string
	repeats  int
}

// maxFailures is how often an entry may fail before it is left out of a load.
const maxFailures = 2

// Run does what the plan says. When ctx ends, so do all processes; the report then has what was done until then, and says so.
func (p *Plan) Run(ctx context.Context) (*report.Report, error) {
	r := &report.Report{Started: time.Now().Round(time.Second), Rounds: p.Rounds, Subjects: p.describe()}
	progress := newProgress(p)
	defer func() { r.Seconds = time.Since(r.Started).Round(time.Second).Seconds() }()
	defer p.remove()
	for i := range p.Loads {
		load := &p.Loads[i]
		entries := p.present(load)
		if len(entries) == 0 {
			continue
		}
		outcomes, err := p.rounds(ctx, load, entries, progress)
		if anything(outcomes) {
			r.Loads = append(r.Loads, load.sumUp(p, entries, outcomes))
			noteVersions(r.Subjects, entries, outcomes)
		}
		if err != nil {
			r.Ended = err.Error()
			judge(p, r)
			return r, err
		}
	}
	judge(p, r)
	return r, nil
}

// present are the entries whose subjects can be measured.
func (p *Plan) present(l *Load) []*Entry {
	var out []*Entry
	for i := range l.Entries {
		if s := p.subject(l.Entries[i].Subject); s != nil && s.Absent == "" {
			out = append(out, &l.Entries[i])
		}
	}
	return out
}

func (p *Plan) rounds(ctx context.Context, load *Load, entries []*Entry, progress *progress) ([]outcome, error) {
	outcomes := make([]outcome, len(entries))
	for round := range p.Rounds {
		for turn := range entries {
			i := (round + turn) % len(entries) // each round another one begins
			e, o := entries[i], &outcomes[i]
			if len(o.failures) >= maxFailures || (e.Rounds > 0 && round >= e.Rounds) {
				progress.skip()
				continue
			}
			progress.begin(load, e, round)
			trial, err := p.settle(ctx, load, e, round)
			if ctx.Err() != nil {
				return outcomes, fmt.Errorf("runner: stopped in round %d of %s: %w", round+1, load.ID, ctx.Err())
			}
			if err != nil {
				o.failures = append(o.failures, fmt.Sprintf("round %d: %v", round+1, err))
			} else {
				o.trials = append(o.trials, trial)
				o.repeats += trial.Attempts - 1
			}
			progress.end(load, e, trial, err)
		}
	}
	return outcomes, nil
}

// settle does a round until other machines leave this one alone, at most maxAttempts times, and returns the quietest attempt.
func (p *Plan) settle(ctx context.Context, load *Load, e *Entry, round int) (*Trial, error) {
	var best *Trial
	for n := 1; n <= maxAttempts; n++ {
		t, err := p.try(ctx, load, e, round)
		if err != nil {
			return nil, err
		}
		if best == nil || t.Steal < best.Steal {
			best = t
		}
		best.Attempts = n
		if best.Steal <= MaxSteal {
			break
		}
	}
	return best, nil
}

// noteVersions adds to the subjects which versions of them were measured.
func noteVersions(subjects []report.Subject, entries []*Entry, outcomes []outcome) {
	for i, e := range entries {
		at := slices.IndexFunc(subjects, func(s report.Subject) bool { return s.Name == e.Subject })
		for _, t := range outcomes[i].trials {
			if t.Version != "" {
				subjects[at].Version = t.Version
			}
		}
	}
}

func anything(outcomes []outcome) bool {
	for _, o := range outcomes {
		if len(o.trials) > 0 || len(o.failures) > 0 {
			return true
		}
	}
	return false
}
