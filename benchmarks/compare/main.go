// Command compare measures Gantry beside its peers and beside the limits of the machine, in one run, and writes a report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/procfs"
	"github.com/gantry-mq/gantry/benchmarks/report"
	"github.com/gantry-mq/gantry/benchmarks/runner"
)

// options are the command line.
type options struct {
	table          string
	rows, subjects string
	rounds         int
	duration       time.Duration
	short, list    bool
	name, out, dir string
	hdrDir         string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := compare(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func (o *options) parse(args []string, usage io.Writer) error {
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	fs.SetOutput(usage)
	fs.StringVar(&o.table, "table", "goals", "which `table` of loads: "+strings.Join(tableNames(), ", "))
	fs.StringVar(&o.rows, "rows", "", "only loads whose id matches this `regexp`")
	fs.StringVar(&o.subjects, "subjects", "", "only subjects whose name matches this `regexp`")
	fs.IntVar(&o.rounds, "rounds", 5, "`number` of rounds")
	fs.DurationVar(&o.duration, "duration", 8*time.Second, "how `long` a round measures, after its warm-up")
	fs.BoolVar(&o.short, "short", false, "one round with the smallest sizes: shows that everything runs, not how fast")
	fs.BoolVar(&o.list, "list", false, "print the loads and subjects, measure nothing")
	fs.StringVar(&o.name, "name", "", "`name` of the report, behind its date; the table's by default")
	fs.StringVar(&o.out, "out", "results", "`directory` of the reports")
	fs.StringVar(&o.dir, "dir", os.TempDir(), "`directory` for data while it runs")
	fs.StringVar(&o.hdrDir, "hdr-dir", "", "`directory` that keeps all latencies as HdrHistogram logs")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if o.rounds < 1 || o.duration <= 0 {
		return fmt.Errorf("rounds %d, duration %v: expected at least one, more than nothing", o.rounds, o.duration)
	}
	if o.name == "" {
		o.name = o.table
	}
	return nil
}

func compare(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	if err := o.parse(args, stderr); err != nil {
		return err
	}
	plan, err := o.plan()
	if err != nil {
		return err
	}
	if o.list {
		return list(stdout, plan)
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(o.dir, "compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) // a temporary directory
	plan.Dir, plan.Progress, plan.KeepLogs = work, stderr, o.hdrDir
	if o.hdrDir != "" {
		if err := os.MkdirAll(o.hdrDir, 0o755); err != nil {
			return err
		}
	}
	if err := build(ctx, root, filepath.Join(work, "bin"), plan, stderr); err != nil {
		return err
	}
	machine := procfs.Describe(work)
	commit, modified := revision(ctx, root)
	rep, err := plan.Run(ctx)
	rep.Name, rep.Machine, rep.Commit, rep.Modified = o.name, machine, commit, modified
	rep.Command = strings.Join(append([]string{"go run ./benchmarks/compare"}, quote(args)...), " ")
	if len(rep.Loads) == 0 {
		return errors.Join(err, errors.New("nothing was measured"))
	}
	dir, werr := report.Write(o.out, rep)
	if werr == nil {
		fmt.Fprintln(stdout, dir)
	}
	return errors.Join(err, failed(rep), werr)
}

// failed is an error if a round failed.
func failed(r *report.Report) error {
	n := 0
	for i := range r.Loads {
		for k := range r.Loads[i].Runs {
			n += len(r.Loads[i].Runs[k].Failures)
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d rounds failed; the report says why", n)
}

// plan selects what the options ask for.
func (o *options) plan() (*runner.Plan, error) {
	rows, err := regexp.Compile(o.rows)
	if err != nil {
		return nil, fmt.Errorf("-rows: %w", err)
	}
	names, err := regexp.Compile(o.subjects)
	if err != nil {
		return nil, fmt.Errorf("-subjects: %w", err)
	}
	size := full()
	size.measure = o.duration
	if o.short {
		size, o.rounds = short(), 1
	}
	plan := &runner.Plan{Rounds: o.rounds, CPUTimes: procfs.ReadCPUTimes}
	for _, l := range loads(o.table, size) {
		if rows.MatchString(l.ID) {
			plan.Loads = append(plan.Loads, l)
		}
	}
	if len(plan.Loads) == 0 {
		return nil, fmt.Errorf("no load of table %q matches %q; tables: %s", o.table, o.rows, strings.Join(tableNames(), ", "))
	}
	for _, s := range subjects() {
		if names.MatchString(s.Name) && wanted(plan.Loads, s.Name) {
			plan.Subjects = append(plan.Subjects, s)
		}
	}
	if len(plan.Subjects) == 0 {
		return nil, fmt.Errorf("no subject of these loads matches %q", o.subjects)
	}
	return plan, nil
}

func wanted(loads []runner.Load, subject string) bool {
	for _, l := range loads {
		for _, e := range l.Entries {
			if e.Subject == subject {
				return true
			}
		}
	}
	return false
}

func list(w io.Writer, plan *runner.Plan) error {
	var b []byte
	for _, s := range plan.Subjects {
		b = fmt.Appendf(b, "subject  %-12s %s\n", s.Name, s.Title)
	}
	for _, l := range plan.Loads {
		b = fmt.Appendf(b, "load     %-16s %s\n", l.ID, l.Title)
		for _, m := range l.Metrics {
			b = fmt.Appendf(b, "           %-14s %s, %s\n", m.ID, m.Title, m.Unit)
		}
	}
	_, err := w.Write(b)
	return err
}

func quote(args []string) []string {
	var out []string
	for _, a := range args {
		if strings.ContainsAny(a, " |()*$^?[]\\") {
			a = "'" + a + "'"
		}
		out = append(out, a)
	}
	return out
}
