package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience is how long one run may take.
const patience = 2 * time.Minute

// errAbsent is what a side without the benchmark is measured as.
var errAbsent = errors.New("no such benchmark")

// samples are what was measured of one case on one side, by unit.
type samples map[string][]float64

// pair are the samples of one case.
type pair struct{ base, head samples }

// tries is how many runs make a sample. The least of them counts: whatever disturbs a run adds to what it measures.
const tries = 3

// measure runs a case on both sides by turns: base, head, head, base, … A slow minute of the machine falls on both.
func measure(ctx context.Context, c Case, sides [2]*side, k kind, rounds int) (pair, error) {
	p := pair{samples{}, samples{}}
	for range rounds {
		var least [2]map[string]float64
		for turn := range 2 * tries {
			which := (turn + turn/2) % 2
			got, err := sides[which].run(ctx, c, k)
			if err != nil {
				return p, err
			}
			if least[which] == nil {
				least[which] = got
			}
			for unit, v := range got {
				least[which][unit] = min(v, least[which][unit])
			}
		}
		for unit := range least[0] {
			p.base[unit] = append(p.base[unit], least[0][unit])
			p.head[unit] = append(p.head[unit], least[1][unit])
		}
	}
	return p, nil
}

// run runs the benchmark once and returns what it measured, by unit.
func (s *side) run(ctx context.Context, c Case, k kind) (map[string]float64, error) {
	bin := s.binary(k, c.Package)
	if _, err := os.Stat(bin); err != nil {
		return nil, fmt.Errorf("gate: %s: %s: %w", s.name, c, errAbsent)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, "-test.run=^$", "-test.bench="+c.pattern(), "-test.benchtime="+strconv.Itoa(c.Iterations)+"x",
		"-test.benchmem", "-test.cpu=1", "-test.short", "-test.timeout="+patience.String())
	cmd.Dir = filepath.Join(s.dir, c.Package)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("gate: %s: %s: %w\n%s", s.name, c, err, out)
	}
	all, err := parseBench(string(out), "Benchmark"+c.Name)
	if err != nil {
		return nil, fmt.Errorf("gate: %s: %s: %w", s.name, c, err)
	}
	got := map[string]float64{}
	for _, unit := range k.units() {
		v, ok := all[unit]
		if !ok {
			return nil, fmt.Errorf("gate: %s: %s: no %s in\n%s", s.name, c, unit, out)
		}
		got[unit] = v
	}
	return got, nil
}

// What package testing measures, and what counting adds that isn't a number of events.
const (
	unitTime   = "ns/op"
	unitAllocs = "allocs/op"
	unitBytes  = "B/op"
	unitCopied = "copied-B/op"
)

// parseBench finds the result of one benchmark in what a test binary prints.
func parseBench(out, name string) (map[string]float64, error) {
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		// With one processor, names have no suffix that tells how many there were.
		if len(fields) < 4 || len(fields)%2 != 0 || fields[0] != name {
			continue
		}
		all := make(map[string]float64, len(fields)/2)
		for i := 2; i < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%q of %q isn't a number", fields[i], strings.TrimSpace(line))
			}
			all[fields[i+1]] = v
		}
		return all, nil
	}
	return nil, errAbsent
}
