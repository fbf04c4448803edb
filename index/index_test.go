package index

import (
	"math"
	"slices"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

const always = math.MaxInt64

func small() Options {
	return Options{FS: vfs.NewMem(), Dir: "store/index", Slots: 7, Entries: 16, MaxPending: 8}
}

func mustOpen(t testing.TB, o Options, saved State, clean bool) *Index {
	t.Helper()
	x, err := Open(o, saved, clean)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func mustClose(t testing.TB, x *Index) {
	t.Helper()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, x *Index, logOffset, storeTime int64, hashes ...int32) {
	t.Helper()
	if err := x.PutRecord(logOffset, storeTime, hashes); err != nil {
		t.Fatal(err)
	}
}

func flush(t testing.TB, x *Index) State {
	t.Helper()
	s, err := x.Flush()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func query(t testing.TB, x *Index, h int32, begin, end int64, limit int) []int64 {
	t.Helper()
	got, err := x.Query(h, begin, end, limit, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func expect(t testing.TB, got []int64, want ...int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("found %v, expected %v", got, want)
	}
}

func fileNames(t testing.TB, o Options) (names []string) {
	t.Helper()
	entries, err := o.FS.ReadDir(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
