package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }

func TestASummaryHasTheMedianAndTheEnds(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   Summary
		spread float64
	}{
		{nil, Summary{}, 0},
		{[]float64{7}, Summary{7, 7, 7}, 0},
		{[]float64{3, 1, 2}, Summary{2, 1, 3}, 1},
		{[]float64{8, 1, 4, 2}, Summary{3, 1, 8}, 7.0 / 3},
	} {
		if got := Summarize(test.values); got != test.want || !near(got.Spread(), test.spread) {
			t.Errorf("%v: %+v, spread %v, expected %+v, %v", test.values, got, got.Spread(), test.want, test.spread)
		}
	}
}

// The numbers of the tables of Wilcoxon's signed-rank test.
func TestIntervalsHaveTheTabulatedConfidence(t *testing.T) {
	for n, want := range map[int]struct {
		drop       int
		confidence float64
	}{
		1: {0, 0}, 2: {0, 0.5}, 4: {0, 0.875}, 5: {0, 0.9375}, 6: {0, 0.96875}, 8: {3, 0.9609375}, 10: {8, 0.9512}, 20: {52, 0.95156},
	} {
		if drop, confidence := signedRankInterval(n); drop != want.drop || math.Abs(confidence-want.confidence) > 5e-5 {
			t.Errorf("%d rounds: %d dropped, confidence %v, expected %+v", n, drop, confidence, want)
		}
	}
}

func TestARatioIsTheHodgesLehmannEstimateOfItsRounds(t *testing.T) {
	// Logarithms to the base 2 of the rounds' ratios: 0, 1, 4. Means of pairs: 0, ½, 1, 2, 2½, 4.
	r, err := PairedRatio([]float64{1, 2, 16}, []float64{1, 1, 1})
	if err != nil || !near(r.Estimate, math.Exp2(1.5)) || !near(r.Low, 1) || !near(r.High, 16) || !near(r.Confidence, 0.75) || r.Rounds != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatBothSidesOfARoundHaveInCommonDoesNotCount(t *testing.T) {
	r, err := PairedRatio([]float64{2, 20, 200, 2000, 20_000}, []float64{1, 10, 100, 1000, 10_000})
	if err != nil || !near(r.Low, 2) || !near(r.High, 2) || !near(r.Confidence, 0.9375) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestTheIntervalHoldsTheTruthAsOftenAsItSays(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	const turns, n, truth = 4000, 8, 3.0
	held := 0
	for range turns {
		var a, b []float64
		for range n {
			drift := math.Exp(rnd.NormFloat64())
			a = append(a, truth*drift*math.Exp(rnd.NormFloat64()/10))
			b = append(b, drift*math.Exp(rnd.NormFloat64()/10))
		}
		r, err := PairedRatio(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if r.Low <= truth && truth <= r.High {
			held++
		}
	}
	if share := float64(held) / turns; share < 0.95 || share > 0.97 { // 0.9609 ± 3σ
		t.Errorf("%v of the intervals hold the truth, expected 0.961", share)
	}
}

func TestThereIsNoRatioOfNothing(t *testing.T) {
	for _, sides := range [][2][]float64{{nil, nil}, {{1}, {1, 2}}, {{1}, {0}}, {{-1}, {1}}, {{math.NaN()}, {1}}} {
		if r, err := PairedRatio(sides[0], sides[1]); err == nil {
			t.Errorf("%v: %+v, expected an error", sides, r)
		}
	}
}

func TestALineIsFoundAgain(t *testing.T) {
	xs := []float64{128, 1024, 65536, 1 << 20}
	var ys []float64
	for _, x := range xs {
		ys = append(ys, 3+0.0005*x)
	}
	l, err := FitLine(xs, ys)
	if err != nil || !near(l.A, 3) || !near(l.B, 0.0005) {
		t.Errorf("%+v, %v", l, err)
	}
	// 10 % off counts as much at the small end as at the large one.
	for _, at := range []int{0, 3} {
		off := append([]float64(nil), ys...)
		off[at] *= 1.1
		if got, err := FitLine(xs, off); err != nil || math.Abs(got.A-3) > 0.35 || math.Abs(got.B-0.0005) > 0.00006 {
			t.Errorf("point %d 10 %% off: %+v, %v", at, got, err)
		}
	}
	for _, bad := range [][2][]float64{{nil, nil}, {{1}, {1}}, {{2, 2}, {1, 3}}, {{1, 2}, {1, 0}}, {{1}, {1, 2}}} {
		if l, err := FitLine(bad[0], bad[1]); err == nil {
			t.Errorf("%v: %+v, expected an error", bad, l)
		}
	}
}
