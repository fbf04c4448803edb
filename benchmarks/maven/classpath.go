// Package maven turns a Maven project into the class path of what it depends on. Nothing is compiled or packaged by Maven.
package maven

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Project is a Maven project.
type Project struct {
	File    string   // its pom.xml
	Args    []string // for Maven: profiles, properties
	Offline bool     // download nothing: what isn't there is an error
}

// ClassPath is the class path of the project's dependencies, which Maven downloads if they aren't there. It is kept where the user's
// caches are, as long as the project's file stays as it is and all its jars are there: Maven takes seconds to say the same again.
func (p *Project) ClassPath(ctx context.Context) (string, error) {
	text, err := os.ReadFile(p.File)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(fmt.Append(text, p.Args))
	cached := filepath.Join(cache, "gantry-interop", "classpath-"+hex.EncodeToString(sum[:8]))
	if b, err := os.ReadFile(cached); err == nil && allThere(string(b)) {
		return string(b), nil
	}
	b, err := p.ask(ctx)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(cached), 0o755); err == nil {
		_ = os.WriteFile(cached, b, 0o644) // the next run asks Maven again
	}
	return string(b), nil
}

func (p *Project) ask(ctx context.Context) ([]byte, error) {
	if _, err := exec.LookPath("mvn"); err != nil {
		return nil, err
	}
	out, err := os.CreateTemp("", "classpath")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	args := append([]string{"-q", "-B", "-f", p.File}, p.Args...)
	if p.Offline {
		args = append(args, "--offline")
	}
	args = append(args, "dependency:build-classpath", "-Dmdep.outputFile="+out.Name())
	if said, err := exec.CommandContext(ctx, "mvn", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("maven: mvn %s: %w\n%.500s", strings.Join(args, " "), err, said)
	}
	return os.ReadFile(out.Name())
}

func allThere(classPath string) bool {
	for _, jar := range filepath.SplitList(classPath) {
		if _, err := os.Stat(jar); err != nil {
			return false
		}
	}
	return classPath != ""
}

// ClassPathOf is the class path of a project that is this text. What isn't there is downloaded, if that is wanted.
func ClassPathOf(ctx context.Context, pom []byte, download bool) (string, error) {
	dir, err := os.MkdirTemp("", "maven")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	p := Project{File: filepath.Join(dir, "pom.xml"), Offline: true}
	if err := os.WriteFile(p.File, pom, 0o644); err != nil {
		return "", err
	}
	path, err := p.ClassPath(ctx)
	if err != nil && download && ctx.Err() == nil {
		p.Offline = false
		path, err = p.ClassPath(ctx)
	}
	return path, err
}
