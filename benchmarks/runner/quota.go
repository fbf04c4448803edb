package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Quota bounds what a server may use, by a control group.
type Quota struct {
	CPUs        float64
	MemoryBytes int64
}

// cgroupRoot is where control groups are.
const cgroupRoot = "/sys/fs/cgroup"

// String says it, behind a command line.
func (q *Quota) String() string {
	if q == nil {
		return ""
	}
	return fmt.Sprintf(" (in a control group: %g CPU, %d MiB)", q.CPUs, q.MemoryBytes>>20)
}

// groups are the directories to make, with what to write into each.
func (q *Quota) groups(root, name string) map[string][][2]string {
	const periodMicros = 100_000
	quota := strconv.FormatInt(int64(q.CPUs*periodMicros), 10)
	memory := strconv.FormatInt(q.MemoryBytes, 10)
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		return map[string][][2]string{filepath.Join(root, name): {
			{"cpu.max", fmt.Sprint(quota, " ", periodMicros)}, {"memory.max", memory},
		}}
	}
	return map[string][][2]string{
		filepath.Join(root, "cpu", name):    {{"cpu.cfs_period_us", strconv.Itoa(periodMicros)}, {"cpu.cfs_quota_us", quota}},
		filepath.Join(root, "memory", name): {{"memory.limit_in_bytes", memory}},
	}
}

func (q *Quota) make(name string) error {
	for dir, settings := range q.groups(cgroupRoot, name) {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("runner: control group: %w", err)
		}
		for _, s := range settings {
			if err := os.WriteFile(filepath.Join(dir, s[0]), []byte(s[1]), 0o644); err != nil {
				return fmt.Errorf("runner: control group: %w", err)
			}
		}
	}
	return nil
}

// remove removes the groups. No process may be in them.
func (q *Quota) remove(name string) error {
	var errs []error
	for dir := range q.groups(cgroupRoot, name) {
		if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("runner: control group: %w", err))
		}
	}
	return errors.Join(errs...)
}

// throttled is the part of the groups' periods in which their processes had used up their time.
func (q *Quota) throttled(name string) (float64, error) {
	for dir := range q.groups(cgroupRoot, name) {
		text, err := os.ReadFile(filepath.Join(dir, "cpu.stat"))
		if errors.Is(err, os.ErrNotExist) {
			continue // the group of the memory
		}
		if err != nil {
			return 0, fmt.Errorf("runner: control group: %w", err)
		}
		return parseThrottled(string(text))
	}
	return 0, errors.New("runner: control group: no cpu.stat")
}

// parseThrottled reads the lines "nr_periods N" and "nr_throttled N".
func parseThrottled(text string) (float64, error) {
	var periods, throttled float64
	for line := range strings.Lines(text) {
		for name, to := range map[string]*float64{"nr_periods ": &periods, "nr_throttled ": &throttled} {
			if value, ok := strings.CutPrefix(line, name); ok {
				if _, err := fmt.Sscan(value, to); err != nil {
					return 0, fmt.Errorf("runner: control group: cpu.stat: %q: %w", line, err)
				}
			}
		}
	}
	if periods == 0 {
		return 0, errors.New("runner: control group: cpu.stat says of no periods")
	}
	return throttled / periods, nil
}

// wrap returns a command line that joins the groups before it becomes the program, so that all of its memory counts.
func (q *Quota) wrap(args []string, name string) []string {
	if q == nil {
		return args
	}
	script := ""
	for dir := range q.groups(cgroupRoot, name) {
		script += "echo $$ >" + filepath.Join(dir, "cgroup.procs") + " && "
	}
	return append([]string{"/bin/sh", "-c", script + `exec "$@"`, filepath.Base(args[0])}, args...)
}
