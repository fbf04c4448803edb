package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// minRounds is the least with which samples that are wholly apart differ significantly: 2/C(12, 6) = 0.002.
const minRounds = 6

// compare builds both sides, measures them and judges. How far it is goes to progress.
func compare(ctx context.Context, o options, progress *log.Logger) (r *report, err error) {
	began, machine := time.Now(), watchMachine()
	work, err := os.MkdirTemp("", "gate-")
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	g := &gate{options: o, progress: progress, work: work, report: &report{measured: o.rounds}}
	for _, c := range o.cases {
		if o.only.MatchString(c.String()) {
			g.chosen = append(g.chosen, c)
		}
	}
	if err := g.prepare(ctx); err != nil {
		return nil, err
	}
	if err := g.measure(ctx); err != nil {
		return nil, err
	}
	if err := g.confirm(ctx); err != nil {
		return nil, err
	}
	g.took, g.machine = time.Since(began), machine()
	return g.report, nil
}

// gate is one comparison under way.
type gate struct {
	options
	*report
	progress *log.Logger
	work     string // a directory of its own
	sides    [2]*side
	chosen   []Case // of the cases those that are to be measured
}

// prepare builds both sides, and leaves out what needn't be measured.
func (g *gate) prepare(ctx context.Context) error {
	root, err := output(ctx, g.root, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	goroot, err := output(ctx, root, "go", "env", "GOROOT")
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	for i, ref := range []string{g.base, g.head} {
		if i == 0 && ref == "" {
			return errors.New("gate: no base to compare with")
		}
		if g.sides[i], err = checkout(ctx, root, g.work, []string{"base", "head"}[i], ref); err != nil {
			return fmt.Errorf("gate: %w", err)
		}
	}
	g.baseIs, g.headIs = g.sides[0].what, g.sides[1].what
	g.progress.Printf("building the benchmarks of %s and %s", g.baseIs, g.headIs)
	if err := g.build(ctx, timed, cpuClock(), goroot, g.chosen); err != nil {
		return err
	}
	if err := g.leaveOutTheSame(); err != nil {
		return err
	}
	if !canCount() {
		g.skipped = append(g.skipped, "system calls, locks and wake-ups: this system's aren't known")
		return nil
	}
	g.progress.Printf("building those that are counted")
	return g.build(ctx, counted, counting(), goroot, g.counted())
}

func (g *gate) build(ctx context.Context, k kind, o overlay, goroot string, cs []Case) error {
	dir := filepath.Join(g.work, string(k))
	if err := os.Mkdir(dir, 0o777); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	file, err := o.write(goroot, dir)
	if err != nil {
		return err
	}
	for _, s := range g.sides {
		if err := s.build(ctx, k, file, packages(cs)); err != nil {
			return err
		}
	}
	return nil
}

// counted are the cases with counters.
func (g *gate) counted() []Case {
	if !canCount() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(g.chosen), func(c Case) bool { return !c.Counted })
}

func (g *gate) leaveOutTheSame() error {
	if g.identical {
		return nil
	}
	for _, p := range packages(g.chosen) {
		same, err := sameBinary(g.sides[0].binary(timed, p), g.sides[1].binary(timed, p))
		if err != nil {
			return err
		}
		if same {
			g.same = append(g.same, p)
			g.chosen = slices.DeleteFunc(g.chosen, func(c Case) bool { return c.Package == p })
		}
	}
	return nil
}

// countRounds is how often exact counters are counted: enough to tell what is the same each time from what isn't.
const countRounds = minRounds

// measure measures all cases for the first time.
func (g *gate) measure(ctx context.Context) error {
	for i, c := range g.chosen {
		g.progress.Printf("%d of %d: %s", i+1, len(g.chosen), c)
		vs, err := g.one(ctx, c, timed, g.rounds)
		if errors.Is(err, errAbsent) {
			g.skipped = append(g.skipped, g.absent(ctx, c))
			continue
		}
		if err != nil {
			return err
		}
		g.verdicts = append(g.verdicts, vs...)
	}
	for _, c := range g.counted() {
		g.progress.Printf("counting %s", c)
		vs, err := g.one(ctx, c, counted, countRounds)
		if errors.Is(err, errAbsent) {
			continue // it's said above
		}
		if err != nil {
			return err
		}
		g.verdicts = append(g.verdicts, vs...)
	}
	return nil
}

func (g *gate) one(ctx context.Context, c Case, k kind, rounds int) ([]verdict, error) {
	p, err := measure(ctx, c, g.sides, k, rounds)
	if err != nil {
		return nil, err
	}
	return judge(c, k, p), nil
}

// absent says who doesn't have a case.
func (g *gate) absent(ctx context.Context, c Case) string {
	who := "neither side has it"
	for _, s := range g.sides {
		if _, err := s.run(ctx, c, timed); err == nil {
			who = "only " + s.name + " has it"
		}
	}
	return fmt.Sprintf("%s: %s", c, who)
}

// moreSamples is how many times as many samples decide about what is suspicious.
const moreSamples = 3

// confirm measures again what looks worse, and takes the new figures of just those measures.
func (g *gate) confirm(ctx context.Context) error {
	type binaries struct {
		c Case
		k kind
	}
	again := map[binaries][]verdict{}
	for _, v := range g.verdicts {
		if !v.suspicious() {
			continue
		}
		x := binaries{v.c, kindOf(v.unit)}
		if again[x] == nil {
			g.progress.Printf("%s may be worse (%s %s), measuring it again", v.c, v.unit, percent(v.change()))
			vs, err := g.one(ctx, v.c, x.k, moreSamples*v.runs)
			if err != nil {
				return err
			}
			again[x] = vs
		}
		for _, w := range again[x] {
			if w.unit == v.unit {
				g.suspects = append(g.suspects, w)
			}
		}
	}
	return nil
}
