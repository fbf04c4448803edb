package main

import (
	"slices"
	"strings"
	"testing"
)

// around are ten samples about a value, the later ones further off.
func around(v float64) (all []float64) {
	for i := range 10 {
		all = append(all, v*(1+0.002*float64(i)))
	}
	return all
}

func same(v float64) []float64 { return slices.Repeat([]float64{v}, 10) }

func TestWhatIsWorse(t *testing.T) {
	c := Case{Package: "p", Name: "B", Tolerance: 0.08}
	for _, x := range []struct {
		name       string
		unit       string
		base, head []float64
		worse      bool
	}{
		{"time within the tolerance", unitTime, around(100), around(107), false},
		{"time beyond it", unitTime, around(100), around(115), true},
		{"less time", unitTime, around(115), around(100), false},
		{"time that is all over the place", unitTime, []float64{100, 200, 100, 210, 90, 190, 105, 205, 95, 195}, []float64{110, 220, 120, 190, 100, 205, 115, 210, 120, 120}, false},
		{"one allocation more", unitAllocs, same(4), same(5), true},
		{"an allocation where there was none", unitAllocs, same(0), same(1), true},
		{"an allocation less", unitAllocs, same(1), same(0), false},
		{"a buffer more", unitBytes, same(4096), same(4096 + 128), true},
		{"what a collection costs", unitBytes, same(34), same(44), false},
		{"as many", unitBytes, same(0), same(0), false},
		{"a disturbed run", unitAllocs, same(4), append(same(4)[:9], 5), false},
		{"a system call more in a hundred operations", "writes/op", same(2), same(2.02), true},
		{"one in a thousand", "writes/op", same(2), same(2.001), false},
		{"a system call more in sixteen messages", "writes/op", same(2), same(3), true},
	} {
		vs := judge(c, kindOf(x.unit), pair{samples{x.unit: x.base}, samples{x.unit: x.head}})
		i := slices.IndexFunc(vs, func(v verdict) bool { return v.unit == x.unit })
		if i < 0 || vs[i].worse() != x.worse {
			t.Errorf("%s: %+v, expected worse = %v", x.name, vs, x.worse)
		}
	}
}

// Half of the samples of both sides were disturbed, by as much as it happens on a core that is shared.
func TestTimesThatScatterAreMeasuredAgain(t *testing.T) {
	c := Case{Tolerance: 0.08}
	base := []float64{100, 101, 170, 102, 180, 160, 103, 175}
	head := []float64{115, 190, 116, 160, 117, 185, 118, 170}
	if v := judge(c, timed, pair{samples{unitTime: base}, samples{unitTime: head}})[0]; v.worse() || !v.suspicious() {
		t.Errorf("few samples: %+v, expected it to be suspicious, no more", v)
	}
	base, head = slices.Repeat(base, 6), slices.Repeat(head, 6)
	if v := judge(c, timed, pair{samples{unitTime: base}, samples{unitTime: head}})[0]; !v.worse() {
		t.Errorf("many samples: %+v, expected it to be worse", v)
	}
	if v := judge(c, timed, pair{samples{unitTime: base}, samples{unitTime: base}})[0]; v.suspicious() {
		t.Errorf("the same: %+v", v)
	}
}

func TestOnlyWhatIsWorseTwiceIsARegression(t *testing.T) {
	c := Case{Package: "p", Name: "B", Tolerance: 0.08}
	once := verdict{c: c, unit: unitTime, base: 100, head: 101, p: 0.5, tolerance: 0.08}
	twice := verdict{c: c, unit: unitAllocs, base: 1, head: 2, p: 0.001}
	r := report{suspects: []verdict{once}, verdicts: []verdict{once, twice}}
	if text := r.markdown(); len(r.worse()) != 0 || !strings.HasPrefix(text, "# No regression\n") || !strings.Contains(text, "Suspicious at first") {
		t.Errorf("%v\n%s", r.worse(), text)
	}
	r.suspects = append(r.suspects, twice)
	if text := r.markdown(); len(r.worse()) != 1 || !strings.HasPrefix(text, "# A regression\n") || !strings.Contains(text, "| p B | allocs/op | 1 | 2 | +100.0 % | 0.001 | worse |") {
		t.Errorf("%v\n%s", r.worse(), text)
	}
}
