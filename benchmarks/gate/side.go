package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// side is one of the two that are compared.
type side struct {
	name string // base or head
	what string // the commit, or the working tree, for people
	dir  string // its sources
	work string // where its binaries are
}

// kind is what a test binary is built for.
type kind string

const (
	timed   kind = "timed"   // time and allocations
	counted kind = "counted" // system calls, locks and wake-ups
)

// units are what a binary of the kind measures.
func (k kind) units() []string {
	if k == counted {
		return counts
	}
	return []string{unitTime, unitAllocs, unitBytes}
}

// kindOf is the kind of binary that measures a unit.
func kindOf(unit string) kind {
	if slices.Contains(counts, unit) {
		return counted
	}
	return timed
}

// binary is the file of a package's tests.
func (s *side) binary(k kind, pkg string) string {
	return filepath.Join(s.work, string(k), strings.ReplaceAll(path.Clean(pkg), "/", "-")+".test")
}

// checkout makes a side of a commit, or of the working tree if ref is empty, with a directory of its own below work. The repository isn't changed.
func checkout(ctx context.Context, root, work, name, ref string) (*side, error) {
	s := &side{name: name, dir: root, work: filepath.Join(work, name)}
	for _, k := range []kind{timed, counted} {
		if err := os.MkdirAll(filepath.Join(s.work, string(k)), 0o777); err != nil {
			return nil, fmt.Errorf("gate: %s: %w", name, err)
		}
	}
	if ref == "" {
		head, err := output(ctx, root, "git", "rev-parse", "--short=12", "HEAD")
		s.what = "the working tree at " + head
		return s, err
	}
	commit, err := output(ctx, root, "git", "rev-parse", "--short=12", "--verify", ref+"^{commit}")
	if err != nil {
		return nil, err
	}
	s.what = commit
	if commit != ref {
		s.what = fmt.Sprintf("%s (%s)", ref, commit)
	}
	s.dir = filepath.Join(s.work, "source")
	if err := os.Mkdir(s.dir, 0o777); err != nil {
		return nil, fmt.Errorf("gate: %s: %w", name, err)
	}
	tree := filepath.Join(s.work, "source.tar")
	if _, err := output(ctx, root, "git", "archive", "--format=tar", "-o", tree, commit); err != nil {
		return nil, err
	}
	_, err = output(ctx, s.dir, "tar", "-xf", tree)
	return s, errors.Join(err, os.Remove(tree))
}

// build builds the tests of packages. Those that the side doesn't have are left out.
func (s *side) build(ctx context.Context, k kind, overlay string, pkgs []string) error {
	for _, p := range pkgs {
		if _, err := os.Stat(filepath.Join(s.dir, p)); errors.Is(err, os.ErrNotExist) {
			continue
		}
		// One by one: go test names binaries after the last part of the path, which packages may share.
		_, err := output(ctx, s.dir, "go", "test", "-c", "-vet=off", "-trimpath", "-buildvcs=false", "-overlay", overlay, "-o", s.binary(k, p), "./"+p)
		if err != nil {
			return fmt.Errorf("gate: %s: %w", s.name, err)
		}
	}
	return nil
}

// sameBinary tells whether two sides' tests of a package are the same to the byte: then there is nothing to compare. As the paths of the
// sources are left out of binaries, that is so where no package has changed that the tests need.
func sameBinary(a, b string) (bool, error) {
	var sums [2][sha256.Size]byte
	for i, name := range []string{a, b} {
		f, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("gate: %w", err)
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return false, fmt.Errorf("gate: %w", err)
		}
		h.Sum(sums[i][:0])
	}
	return sums[0] == sums[1], nil
}

// output runs a command and returns what it says, without the last line's end. What it complains about is in the error.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var out, complaint strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out.String(), complaint.String())
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
