package main

import (
	"errors"
	"maps"
	"testing"
)

func TestTheLineOfTheBenchmarkIsFound(t *testing.T) {
	const out = `goos: linux
BenchmarkEncode/1024-off 	      10	      99 ns/op
BenchmarkEncode/1024 	  100000	      399.5 ns/op	3076.22 MB/s	      16 B/op	       1 allocs/op
BenchmarkEncode/1024/more 	      10	      98 ns/op
PASS
`
	got, err := parseBench(out, "BenchmarkEncode/1024")
	want := map[string]float64{"ns/op": 399.5, "MB/s": 3076.22, "B/op": 16, "allocs/op": 1}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v, expected %v", got, err, want)
	}
	if _, err := parseBench(out, "BenchmarkDecode"); !errors.Is(err, errAbsent) {
		t.Errorf("a benchmark that isn't there: %v", err)
	}
	if _, err := parseBench("BenchmarkX 10 fast ns/op\n", "BenchmarkX"); err == nil || errors.Is(err, errAbsent) {
		t.Errorf("a result that isn't a number: %v", err)
	}
}
