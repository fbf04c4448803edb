package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write writes files below dir, by their paths.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnEditThatDoesNotFitIsRefused(t *testing.T) {
	goroot := t.TempDir()
	write(t, goroot, map[string]string{"src/sync/mutex.go": "one two two"})
	if _, err := (overlay{edits: []edit{{"sync/mutex.go", "two", "2", 2}, {"sync/mutex.go", "one", "1", 1}}}).write(goroot, t.TempDir()); err != nil {
		t.Error(err)
	}
	for _, e := range []edit{{"sync/mutex.go", "two", "2", 1}, {"sync/mutex.go", "three", "3", 1}, {"sync/none.go", "one", "1", 1}} {
		_, err := overlay{edits: []edit{e}}.write(goroot, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), e.file) {
			t.Errorf("%q → %q: %v", e.old, e.new, err)
		}
	}
}

// known does known things: 3 locks, one of which another goroutine waits for, and a pipe that takes 5 bytes by one call and gives them back by two.
const known = `package counted

import (
	"os"
	"sync"
	"testing"
)

func BenchmarkKnown(b *testing.B) {
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	var rw sync.RWMutex
	buf := make([]byte, 3)
	asked, answer := make(chan bool), make(chan bool)
	go func() {
		for range asked {
			answer <- true
		}
	}()
	for b.Loop() {
		mu.Lock()
		mu.Unlock()
		rw.RLock()
		rw.RUnlock()
		rw.Lock()
		rw.Unlock()
		w.Write(make([]byte, 5))
		r.Read(buf)
		r.Read(buf)
		asked <- true
		<-answer
	}
	close(asked)
}
`

func TestWhatIsCountedIsWhatIsDone(t *testing.T) {
	if testing.Short() || !canCount() {
		t.Skip("builds the standard library, for Linux")
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"go.mod": "module counted\n\ngo 1.26\n", "a/known_test.go": known})
	goroot, err := output(t.Context(), dir, "go", "env", "GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	file, err := counting().write(goroot, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &side{name: "head", dir: dir, work: t.TempDir()}
	if err := s.build(t.Context(), counted, file, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	got, err := s.run(t.Context(), Case{Package: "a", Name: "Known", Iterations: 1000, Counted: true}, counted)
	if err != nil {
		t.Fatal(err)
	}
	for unit, want := range map[string]float64{"reads/op": 2, "writes/op": 1, "syncs/op": 0, "syscalls/op": 3, "copied-B/op": 10, "locks/op": 3} {
		// What package testing itself does at the end is no more than a few locks.
		if got[unit] < want || got[unit] > want+0.01 {
			t.Errorf("%v %s, expected %v", got[unit], unit, want)
		}
	}
	if w := got["wakeups/op"]; w < 1 || w > 2.01 { // either side of a channel may find the other one there already
		t.Errorf("%v wake-ups per operation, expected 1 to 2", w)
	}
}
