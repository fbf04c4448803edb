package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestDifferKnowsTheTables(t *testing.T) {
	upTo := func(from, to int) (v []float64) {
		for i := from; i <= to; i++ {
			v = append(v, float64(i))
		}
		return v
	}
	for _, c := range []struct {
		name string
		a, b []float64
		want float64
	}{
		// 2/C(n+m, n), the least that there is.
		{"three apart from three", upTo(1, 3), upTo(4, 6), 2.0 / 20},
		{"five apart from five", upTo(1, 5), upTo(6, 10), 2.0 / 252},
		{"ten apart from ten", upTo(11, 20), upTo(1, 10), 2.0 / 184756},
		// U = 2 of 4 × 4: 1+1+2 ways below on each side, of 70.
		{"four with two out of order", []float64{1, 2, 3, 6}, []float64{4, 5, 7, 8}, 8.0 / 70},
		// U = 1 of 2 × 3.
		{"one out of order", []float64{1, 3}, []float64{2, 4, 5}, 4.0 / 10},
		{"all the same", []float64{4, 4, 4}, []float64{4, 4, 4}, 1},
		{"each value doubled", []float64{4, 4, 4, 4, 4}, []float64{5, 5, 5, 5, 5}, 2.0 / 252},
		{"interleaved", []float64{1, 4, 5, 8}, []float64{2, 3, 6, 7}, 1},
	} {
		if got := differ(c.a, c.b); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, expected %v", c.name, got, c.want)
		}
		if got := differ(c.b, c.a); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s, the other way round: %v, expected %v", c.name, got, c.want)
		}
	}
}

// The definition itself: how many of all ways to deal the values out are as far apart as this one, by the U that counts pairs.
func TestDifferIsTheShareOfAllWaysToDealTheValuesOut(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n, m := 1+r.IntN(5), 1+r.IntN(5)
		all := make([]float64, n+m)
		for i := range all {
			all[i] = float64(r.IntN(6)) // with ties
		}
		far := func(set int) float64 {
			var u float64
			for i := range all {
				for k := range all {
					if set>>i&1 == 1 && set>>k&1 == 0 {
						switch {
						case all[i] > all[k]:
							u++
						case all[i] == all[k]:
							u += 0.5
						}
					}
				}
			}
			return math.Abs(u - float64(n*m)/2)
		}
		want, ways := 0.0, 0.0
		for set := range 1 << (n + m) {
			ones := 0
			for i := range all {
				ones += set >> i & 1
			}
			if ones != n {
				continue
			}
			ways++
			if far(set) >= far(1<<n-1) {
				want++
			}
		}
		if got := differ(all[:n], all[n:]); math.Abs(got-want/ways) > 1e-9 {
			t.Fatalf("%v and %v: %v, expected %v", all[:n], all[n:], got, want/ways)
		}
	}
}

// A gate that looks at many measures must not cry wolf: of samples of one distribution it calls as many different as it says.
func TestDifferIsRarelyWrongAboutEqualSides(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const tries = 2000
	wrong := 0
	for range tries {
		a, b := make([]float64, 10), make([]float64, 10)
		for i := range a {
			a[i], b[i] = r.ExpFloat64(), r.ExpFloat64()
		}
		if differ(a, b) < 0.01 {
			wrong++
		}
	}
	if share := float64(wrong) / float64(tries); share > 0.015 {
		t.Errorf("%.1f %% of equal sides differ with p < 0.01", 100*share)
	}
}

func TestQuantilesLieWhereTheyShould(t *testing.T) {
	for _, c := range []struct {
		v           []float64
		share, want float64
	}{
		{[]float64{3, 1, 2}, 0.5, 2}, {[]float64{4, 1, 3, 2}, 0.5, 2.5}, {[]float64{7}, 0.5, 7}, {nil, 0.5, 0},
		{[]float64{8, 7, 6, 5, 4, 3, 2, 1}, 0.25, 2.5}, {[]float64{6, 5, 4, 3, 2, 1}, 0.25, 2}, {[]float64{7}, 0.25, 7}, {[]float64{1, 2}, 1, 2},
	} {
		if got := quantile(c.v, c.share); got != c.want {
			t.Errorf("%v at %v: %v, expected %v", c.v, c.share, got, c.want)
		}
	}
}
