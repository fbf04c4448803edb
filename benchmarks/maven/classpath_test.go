package maven

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeMaven puts an mvn into the path that notes how it was called and answers with the class path, which it takes from a file, but
// fails with --offline if offline is false.
func fakeMaven(t *testing.T, classPath string, offline bool) (calls func() []string) {
	dir := t.TempDir()
	fail := ""
	if !offline {
		fail = `case "$*" in *--offline*) echo nothing there; exit 1;; esac` + "\n"
	}
	script := "#!/bin/sh\necho \"$*\" >>" + dir + "/calls\n" + fail +
		"for a; do case $a in -Dmdep.outputFile=*) printf %s '" + classPath + "' >\"${a#-Dmdep.outputFile=}\";; esac; done\n"
	if err := os.WriteFile(filepath.Join(dir, "mvn"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("HOME", dir)
	return func() []string {
		text, _ := os.ReadFile(filepath.Join(dir, "calls"))
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}

func TestMavenIsAskedOnceAsLongAsTheJarsAreThere(t *testing.T) {
	jar := filepath.Join(t.TempDir(), "a.jar")
	if err := os.WriteFile(jar, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	calls := fakeMaven(t, jar, true)
	ask := func(pom string) {
		t.Helper()
		if got, err := ClassPathOf(t.Context(), []byte(pom), false); err != nil || got != jar {
			t.Fatalf("%q, %v, expected %q", got, err, jar)
		}
	}
	ask("<a/>")
	ask("<a/>")
	if n := len(calls()); n != 1 {
		t.Errorf("asked %d times for the same project", n)
	}
	ask("<b/>")
	if n := len(calls()); n != 2 {
		t.Errorf("asked %d times for two projects", n)
	}
	if err := os.Remove(jar); err != nil {
		t.Fatal(err)
	}
	ask("<a/>")
	if n := len(calls()); n != 3 {
		t.Errorf("asked %d times, expected again for a jar that is gone", n)
	}
}

func TestJarsAreDownloadedOnlyWhenThatIsWanted(t *testing.T) {
	calls := fakeMaven(t, "x.jar", false)
	if got, err := ClassPathOf(t.Context(), []byte("<a/>"), false); err == nil || !strings.Contains(err.Error(), "nothing there") {
		t.Errorf("%q, %v, expected what Maven said", got, err)
	}
	if got, err := ClassPathOf(t.Context(), []byte("<a/>"), true); err != nil || got != "x.jar" {
		t.Errorf("%q, %v", got, err)
	}
	if all := calls(); len(all) != 3 || strings.Contains(all[2], "--offline") {
		t.Errorf("calls: %q", all)
	}
}
