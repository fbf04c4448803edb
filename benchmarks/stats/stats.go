// Package stats sums up what the rounds of a measurement gave.
package stats

import (
	"errors"
	"math"
	"slices"
)

// Summary is where values lie.
type Summary struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Summarize returns the zero Summary for no values.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	sorted := slices.Sorted(slices.Values(values))
	return Summary{Median: median(sorted), Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// Spread is the distance from the smallest to the largest value as a part of the median.
func (s Summary) Spread() float64 {
	if s.Median == 0 {
		return 0
	}
	return (s.Max - s.Min) / math.Abs(s.Median)
}

func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// Ratio is how many times as large as something else something is.
type Ratio struct {
	Estimate   float64 `json:"estimate"`
	Low        float64 `json:"low"` // the true ratio is between Low and High
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"` // with this probability, if the rounds are independent
	Rounds     int     `json:"rounds"`
}

// wanted is the confidence that is sought. Five rounds allow 93.75 %, six 96.9 %.
const wanted = 0.95

// PairedRatio compares two sides that took turns: a[i] and b[i] are of one round, so that what changes slowly on the machine is
// the same for both. It takes the logarithms of the rounds' ratios; the estimate is that of Hodges and Lehmann, the median of the
// means of all pairs of them, and the interval is the one that belongs to Wilcoxon's signed-rank test, exactly. Neither assumes
// more of the noise than that it is symmetrical, and one round that went wrong moves neither far. Confidence says what the
// rounds allow where they are too few for 95 %. All values must be positive.
func PairedRatio(a, b []float64) (Ratio, error) {
	if len(a) != len(b) || len(a) == 0 {
		return Ratio{}, errors.New("stats: a ratio needs at least one round, with both sides in each")
	}
	logs := make([]float64, len(a))
	for i := range a {
		if !(a[i] > 0 && b[i] > 0) {
			return Ratio{}, errors.New("stats: a ratio needs positive values")
		}
		logs[i] = math.Log(a[i] / b[i])
	}
	var means []float64
	for i := range logs {
		for j := i; j < len(logs); j++ {
			means = append(means, (logs[i]+logs[j])/2)
		}
	}
	slices.Sort(means)
	drop, confidence := signedRankInterval(len(logs))
	return Ratio{
		Estimate: math.Exp(median(means)), Low: math.Exp(means[drop]), High: math.Exp(means[len(means)-1-drop]),
		Confidence: confidence, Rounds: len(a),
	}, nil
}

// signedRankInterval returns how many of the sorted means of pairs lie outside of the interval on each side, and the interval's
// confidence: the narrowest with the wanted one, or the widest if none has it.
func signedRankInterval(n int) (drop int, confidence float64) {
	// The statistic is the sum of a random subset of the ranks 1 … n: ways[s] subsets have the sum s.
	ways := make([]float64, n*(n+1)/2+1)
	ways[0] = 1
	for rank := 1; rank <= n; rank++ {
		for s := len(ways) - 1; s >= rank; s-- {
			ways[s] += ways[s-rank]
		}
	}
	all := math.Exp2(float64(n))
	below := 1.0 // subsets with a sum ≤ drop
	for below+ways[drop+1] <= (1-wanted)/2*all {
		drop++
		below += ways[drop]
	}
	return drop, 1 - 2*below/all
}
