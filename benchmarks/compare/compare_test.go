package main

import (
	"flag"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/runner"
)

func allLoads(z *size) []runner.Load {
	var out []runner.Load
	for _, table := range tableNames() {
		out = append(out, loads(table, z)...)
	}
	return out
}

func TestEveryLoadIsOneThatItsDriversUnderstand(t *testing.T) {
	for _, z := range []*size{full(), short()} {
		for _, l := range allLoads(z) {
			for _, e := range l.Entries {
				if !slices.ContainsFunc(subjects(), func(s runner.Subject) bool { return s.Name == e.Subject }) {
					t.Errorf("%s: subject %s isn't declared", l.ID, e.Subject)
				}
				if e.Mode != "" || e.Subject == "jetstream-8" || l.Scenario == runner.Idle {
					continue // not a mode of gantry bench, or with a flag of its own
				}
				o := generator.Options{Mode: l.Mode}
				fs := flag.NewFlagSet("", flag.ContinueOnError)
				fs.SetOutput(io.Discard)
				o.Register(fs)
				if err := fs.Parse(append(slices.Clone(l.Flags), e.Flags...)); err != nil {
					t.Errorf("%s, %s: %v", l.ID, e.Subject, err)
				}
				if err := o.Validate(); err != nil {
					t.Errorf("%s, %s: %v", l.ID, e.Subject, err)
				}
				fs.Visit(func(f *flag.Flag) {
					if !generator.Applies(l.Mode, f.Name) {
						t.Errorf("%s, %s: mode %s doesn't look at --%s", l.ID, e.Subject, l.Mode, f.Name)
					}
				})
			}
		}
	}
}

func TestGoalsAreAboutGantryAndNameRowsThatExist(t *testing.T) {
	rows := make(map[string]runner.Load)
	for _, l := range allLoads(full()) {
		for _, m := range l.Metrics {
			id := l.ID + "/" + m.ID
			if _, twice := rows[id]; twice {
				t.Errorf("row %s is there twice", id)
			}
			rows[id] = l
		}
	}
	takesPart := func(l runner.Load, subject string) bool {
		return slices.ContainsFunc(l.Entries, func(e runner.Entry) bool { return e.Subject == subject })
	}
	for id, l := range rows {
		if l.Entries[0].Subject != "gantry" {
			t.Errorf("%s: the first subject is %s", l.ID, l.Entries[0].Subject)
		}
		for _, m := range l.Metrics {
			if m.Reference != "" && !takesPart(l, m.Reference) {
				t.Errorf("%s: its reference %s doesn't take part", id, m.Reference)
			}
			for _, g := range m.Goals {
				for _, term := range g.Terms {
					at := l
					if term.Row != "" {
						at = rows[term.Row]
					}
					if !takesPart(at, term.Subject) {
						t.Errorf("%s: goal %q: %s doesn't take part in %q", id, g.Text, term.Subject, term.Row)
					}
				}
			}
		}
	}
}

func TestEverySubjectIsMadeOfKnownPrograms(t *testing.T) {
	for _, s := range subjects() {
		for _, line := range [][]string{s.Serve, s.Drive} {
			if len(line) > 0 && programs()[line[0]].pkg == "" {
				t.Errorf("%s: program %s isn't declared", s.Name, line[0])
			}
		}
		if s.Title == "" || s.Config == "" {
			t.Errorf("%s: nothing is said of it", s.Name)
		}
	}
}

func TestASubjectThatCannotBeBuiltIsAbsent(t *testing.T) {
	p := &runner.Plan{Subjects: []runner.Subject{
		{Name: "a", Serve: []string{"jetstream", "serve"}, Drive: []string{"jetstream", "bench"}},
	}}
	if err := build(t.Context(), t.TempDir(), t.TempDir(), p, io.Discard); err != nil {
		t.Fatal(err)
	}
	if s := p.Subjects[0]; !strings.Contains(s.Absent, "benchmarks/jetstream") {
		t.Errorf("%+v", s)
	}
	if err := buildProgram(t.Context(), t.TempDir(), program{needs: []string{"no-such-command"}}, ""); err == nil || !strings.Contains(err.Error(), "no-such-command") {
		t.Errorf("%v", err)
	}
}

func TestOptionsSelectLoadsAndSubjects(t *testing.T) {
	var o options
	if err := o.parse(strings.Fields("-rows ^produce -subjects gantry|tcp -rounds 7"), io.Discard); err != nil {
		t.Fatal(err)
	}
	p, err := o.plan()
	if err != nil {
		t.Fatal(err)
	}
	if p.Rounds != 7 || len(p.Loads) != 2 || p.Loads[0].ID != "produce" || p.Loads[1].ID != "produce-1" || len(p.Subjects) != 2 || p.Subjects[1].Name != "tcp" {
		t.Errorf("%+v", p)
	}
	if !slices.Contains(p.Loads[0].Flags, "--duration=8s") {
		t.Errorf("%q", p.Loads[0].Flags)
	}
	o.short = true
	if p, err = o.plan(); err != nil || p.Rounds != 1 || !slices.Contains(p.Loads[0].Flags, "--duration=1s") {
		t.Errorf("short: %+v, %v", p, err)
	}
}

func TestOptionsThatMakeNoSenseAreNamed(t *testing.T) {
	for args, want := range map[string]string{
		"-rounds 0": "rounds 0", "-table odd": `table "odd"`, "-rows (": "-rows", "-subjects (": "-subjects", "-rows nothing": `matches "nothing"`, "-subjects nobody": `matches "nobody"`, "more": `"more"`,
	} {
		var o options
		err := o.parse(strings.Fields(args), io.Discard)
		if err == nil {
			_, err = o.plan()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %s in it", args, err, want)
		}
	}
}
