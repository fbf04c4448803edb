package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/procfs"
)

// idleTime is how long Idle leaves a server alone before it looks at its memory.
const idleTime = 3 * time.Second

// attempt is one attempt at a round of an entry.
type attempt struct {
	plan    *Plan
	load    *Load
	entry   *Entry
	subject *Subject
	round   int
	dir     string // for this attempt alone
	trial   Trial
}

// try does a round once.
func (p *Plan) try(ctx context.Context, load *Load, entry *Entry, round int) (*Trial, error) {
	dir, err := os.MkdirTemp(p.Dir, "round-")
	if err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	defer p.leave(dir)
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	a := &attempt{plan: p, load: load, entry: entry, subject: p.subject(entry.Subject), round: round, dir: dir, trial: Trial{Round: round}}
	if q := entry.Quota; q != nil {
		name := filepath.Base(dir)
		defer q.remove(name) // after the server's end; an empty group that is left over harms nobody
		if err := q.make(name); err != nil {
			return nil, err
		}
	}
	before, err := p.CPUTimes()
	if err != nil {
		return nil, err
	}
	switch {
	case len(a.subject.Serve) == 0:
		err = a.drive(ctx, nil, a.flags())
	case load.Scenario == Idle:
		err = a.idle(ctx)
	case load.Scenario == Restart:
		err = a.restart(ctx)
	default:
		err = a.serve(ctx)
	}
	if err != nil {
		return nil, err
	}
	if entry.Quota != nil {
		if a.trial.Throttled, err = entry.Quota.throttled(filepath.Base(dir)); err != nil {
			return nil, err
		}
	}
	after, err := p.CPUTimes()
	a.trial.Steal = after.StealSince(before)
	return &a.trial, err
}

// start starts the server and waits until it is ready.
func (a *attempt) start(ctx context.Context) (*process, time.Duration, error) {
	args := a.entry.Quota.wrap(a.place(a.entry.serve(a.subject)), filepath.Base(a.dir))
	began := time.Now()
	s, err := launch(args, a.entry.Env)
	if err != nil {
		return nil, 0, err
	}
	at, err := s.waitReady(ctx, a.load.within())
	if err != nil {
		s.end()
		return nil, 0, err
	}
	return s, at.Sub(began), nil
}

// serve starts the server and drives it.
func (a *attempt) serve(ctx context.Context) error {
	s, ready, err := a.start(ctx)
	if err != nil {
		return err
	}
	defer s.end()
	a.trial.Ready, a.trial.Version = ready, s.words["version"]
	return a.drive(ctx, s, a.flags())
}

// idle lets the server be.
func (a *attempt) idle(ctx context.Context) error {
	s, ready, err := a.start(ctx)
	if err != nil {
		return err
	}
	defer s.end()
	a.trial.Ready = ready
	pid, err := s.pid()
	if err != nil {
		return err
	}
	before, err := procfs.ReadProcess(pid)
	if err != nil {
		return err
	}
	over := time.NewTimer(idleTime)
	defer over.Stop()
	select {
	case <-over.C:
	case <-s.exited:
		return s.fault("ended by itself: %v", s.err)
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := procfs.ReadProcess(pid)
	if err != nil {
		return err
	}
	a.trial.RSSIdle, a.trial.RSSPeak = after.RSSAnonBytes, after.RSSAnonBytes
	a.trial.ServerCPU, a.trial.Written = after.CPU-before.CPU, after.WrittenBytes
	return nil
}

// restart fills the server and measures its ends and beginnings.
func (a *attempt) restart(ctx context.Context) error {
	s, _, err := a.start(ctx)
	if err != nil {
		return err
	}
	if err := a.drive(ctx, s, a.flags()); err != nil {
		s.end()
		return err
	}
	if a.trial.Stop, err = s.finish(a.load.within()); err != nil {
		return err
	}
	if s, a.trial.CleanStart, err = a.start(ctx); err != nil {
		return err
	}
	s.end()
	if s, a.trial.KilledStart, err = a.start(ctx); err != nil {
		return err
	}
	s.end()
	a.trial.Ready = a.trial.CleanStart
	return nil
}

// drive runs the driver against the server, or by itself, and looks at the server meanwhile.
func (a *attempt) drive(ctx context.Context, s *process, flags []string) error {
	jsonFile, hdrFile := filepath.Join(a.dir, "report.json"), filepath.Join(a.dir, "latencies.hlog")
	args := slices.Concat(a.subject.Drive, []string{a.entry.mode(a.load)}, flags, []string{"--json=" + jsonFile, "--hdr=" + hdrFile})
	var watch *watch
	if s != nil {
		pid, err := s.pid()
		if err != nil {
			return err
		}
		target, err := s.target(a.entry.mode(a.load))
		if err != nil {
			return err
		}
		args = append(args, target...)
		if watch, err = watchProcess(pid); err != nil {
			return s.fault("%w", err)
		}
	}
	driver, err := run(ctx, a.place(args), a.load.within(), s)
	seen, watchErr := watch.end()
	if err != nil && s.ended() {
		return s.fault("ended under the load: %v; the driver: %w", s.ending(), err)
	}
	if err = errors.Join(err, watchErr); err != nil && !a.refused(driver, jsonFile) {
		return err
	}
	a.trial.RSSIdle, a.trial.RSSPeak, a.trial.Written, a.trial.ServerCPU = seen.idle, seen.peak, seen.written, seen.cpu
	if a.trial.Report, err = readReport(jsonFile); err != nil {
		return driver.fault("%w", err)
	}
	for _, f := range a.trial.Report.Failures {
		a.trial.Refused += f.Count
	}
	if a.trial.Latencies, err = a.latencies(hdrFile); err != nil {
		return driver.fault("%w", err)
	}
	return nil
}

// refused tells whether all that was wrong with a load is that the server refused some of it, as servers do that are asked for too
// much. That is a result.
func (a *attempt) refused(driver *process, jsonFile string) bool {
	if driver == nil || !driver.ended() {
		return false
	}
	r, err := readReport(jsonFile)
	return err == nil && r.Error == "" && r.Messages > 0 && len(r.Problems) == 0 && len(r.Failures) > 0
}

func readReport(name string) (*generator.Report, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("no report: %w", err)
	}
	var r generator.Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return &r, nil
}

// target are the driver's flags that say where to go.
func (p *process) target(mode string) ([]string, error) {
	addr, err := p.addr()
	if err != nil {
		return nil, err
	}
	pid, err := p.pid()
	if err != nil {
		return nil, err
	}
	flags := []string{"--addr=" + addr, fmt.Sprint("--pid=", pid)}
	if names := p.words["namesrv"]; names != "" && mode == generator.ModeTopics {
		flags = append(flags, "--namesrv="+names)
	}
	return flags, nil
}

// place puts the directory of this attempt's data into a command line.
func (a *attempt) place(args []string) []string {
	args = slices.Clone(args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{data}", filepath.Join(a.dir, "data"))
	}
	return args
}

func (a *attempt) flags() []string { return a.entry.flags(a.load) }

func (e *Entry) serve(s *Subject) []string { return slices.Concat(s.Serve, e.Serve) }

func (e *Entry) mode(l *Load) string {
	if e.Mode != "" {
		return e.Mode
	}
	return l.Mode
}

func (e *Entry) flags(l *Load) []string {
	if e.Mode != "" {
		return e.Flags
	}
	return slices.Concat(l.Flags, e.Flags)
}

func (l *Load) within() time.Duration {
	if l.Within > 0 {
		return l.Within
	}
	return DefaultWithin
}
