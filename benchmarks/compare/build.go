package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gantry-mq/gantry/benchmarks/runner"
)

// program is a program of this repository that subjects consist of.
type program struct {
	module string   // directory with its go.mod
	pkg    string   // in the module
	needs  []string // commands that it runs
}

// programs are named as in the command lines of subjects.
func programs() map[string]program {
	return map[string]program{
		"gantry":    {module: ".", pkg: "./broker/cmd/gantry"},
		"ceiling":   {module: ".", pkg: "./benchmarks/ceiling"},
		"java":      {module: ".", pkg: "./benchmarks/java", needs: []string{"java", "mvn"}},
		"kafka":     {module: "benchmarks/kafka", pkg: ".", needs: []string{"java", "mvn"}},
		"jetstream": {module: "benchmarks/jetstream", pkg: "."},
	}
}

// build builds what the plan's subjects need and puts its path into their command lines. A subject whose programs can't be built
// is absent.
func build(ctx context.Context, root, bin string, plan *runner.Plan, progress io.Writer) error {
	built := make(map[string]error)
	for i := range plan.Subjects {
		s := &plan.Subjects[i]
		for _, line := range [][]string{s.Serve, s.Drive} {
			if len(line) == 0 {
				continue
			}
			name := line[0]
			if _, done := built[name]; !done {
				fmt.Fprintf(progress, "building %s\n", name)
				built[name] = buildProgram(ctx, root, programs()[name], filepath.Join(bin, name))
			}
			if err := built[name]; err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				s.Absent = err.Error()
			}
			line[0] = filepath.Join(bin, name)
		}
	}
	return nil
}

func buildProgram(ctx context.Context, root string, p program, to string) error {
	for _, name := range p.needs {
		if _, err := exec.LookPath(name); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, p.pkg)
	cmd.Dir = filepath.Join(root, p.module)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s in %s: %w: %.300s", p.pkg, p.module, err, strings.Join(strings.Fields(string(out)), " "))
	}
	return nil
}

// moduleRoot is the directory of this module's go.mod, in which or below which the command is run.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}} {{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	path, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if path != "github.com/gantry-mq/gantry" {
		return "", errors.New("run it in Gantry's source directory: it builds what it measures")
	}
	return dir, nil
}

// revision is the commit of the source, and whether it has local changes.
func revision(ctx context.Context, root string) (commit string, modified bool) {
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	commit, err := git("rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "unknown", false // a copy without its history
	}
	changes, err := git("status", "--porcelain", "--untracked-files=no")
	return commit, err != nil || changes != ""
}
