package consumequeue

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// mustOpen opens a store in memory or fails the test.
func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = "/cq"
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustClose(t testing.TB, s interface{ Close() error }) {
	t.Helper()
	must(t, s.Close())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, expected %v", err, want)
	}
}

func wantBounds(t testing.TB, q interface{ Bounds() (int64, int64) }, first, next int64) {
	t.Helper()
	if f, n := q.Bounds(); f != first || n != next {
		t.Fatalf("bounds are %d, %d, expected %d, %d", f, n, first, next)
	}
}

// unitAt is the unit that tests put at a queue offset: message i is 100 bytes long and at log offset 100·i.
func unitAt(i int64) Unit { return Unit{LogOffset: 100 * i, Size: 100, TagCode: i % 7} }

// appendUnits appends unitAt(from) … unitAt(to-1).
func appendUnits(t testing.TB, q *Queue, from, to int64) {
	t.Helper()
	us := make([]Unit, 0, to-from)
	for i := from; i < to; i++ {
		us = append(us, unitAt(i))
	}
	must(t, q.Append(from, us...))
}

// wantUnits checks that the queue has unitAt(from) … unitAt(to-1) and nothing else.
func wantUnits(t testing.TB, q *Queue, from, to int64) {
	t.Helper()
	wantBounds(t, q, from, to)
	for i, u := range readAll(t, q) {
		if want := unitAt(from + int64(i)); u != want {
			t.Fatalf("unit %d is %v, expected %v", from+int64(i), u, want)
		}
	}
}

// readAll reads what lies within Bounds, in pieces of changing size.
func readAll(t testing.TB, q *Queue) []Unit {
	t.Helper()
	first, next := q.Bounds()
	all := make([]Unit, 0, next-first)
	for size := 1; first < next; size = size%300 + 7 {
		piece := make([]Unit, size)
		n, err := q.Read(piece, first)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Fatalf("nothing at %d, expected units up to %d", first, next)
		}
		all = append(all, piece[:n]...)
		first += int64(n)
	}
	if first != next {
		t.Fatalf("read up to %d, expected %d", first, next)
	}
	return all
}

// fileNames lists the files of a queue.
func fileNames(t testing.TB, fs vfs.FS, dir string) []string {
	t.Helper()
	entries, err := fs.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// seeds is how many seeds the tests with simulated power losses go through.
func seeds(t testing.TB) int {
	if s := os.Getenv("GANTRY_SEEDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("GANTRY_SEEDS is %q, expected a number", s)
		}
		return n
	}
	return 250
}
