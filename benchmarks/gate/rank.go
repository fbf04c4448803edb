package main

import (
	"cmp"
	"slices"
)

// differ is the p-value of the two-sided Mann–Whitney U test: how probable it is, if both samples were drawn from one distribution,
// that the sum of ranks is at least as far from its mean as it is here. It is exact, with ties, too: all ways to choose which of the values are a's
// are counted. With values that are all different, that is what benchstat computes.
func differ(a, b []float64) float64 {
	ranks := doubledRanks(a, b)
	total := 0
	for _, r := range ranks {
		total += r
	}
	// ways[k][s] is how many choices of k values have the sum s of doubled ranks.
	ways := make([][]float64, len(a)+1)
	for k := range ways {
		ways[k] = make([]float64, total+1)
	}
	ways[0][0] = 1
	for _, r := range ranks {
		for k := len(a); k > 0; k-- {
			for s := total; s >= r; s-- {
				ways[k][s] += ways[k-1][s-r]
			}
		}
	}
	sum := 0
	for _, r := range ranks[:len(a)] {
		sum += r
	}
	// The distribution is symmetric about its mean, total·len(a)/len(ranks); distances are multiplied out to stay whole.
	n := len(ranks)
	distance := abs(sum*n - total*len(a))
	as, all := 0.0, 0.0
	for s, w := range ways[len(a)] {
		all += w
		if abs(s*n-total*len(a)) >= distance {
			as += w
		}
	}
	return as / all
}

// doubledRanks are twice the ranks of a's values and then b's among all of them, whole numbers even where equal values share the mean of their ranks.
func doubledRanks(a, b []float64) []int {
	all := slices.Concat(a, b)
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, k int) int { return cmp.Compare(all[i], all[k]) })
	ranks := make([]int, len(all))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && all[order[to]] == all[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			ranks[i] = from + 1 + to
		}
		from = to
	}
	return ranks
}

func abs(n int) int { return max(n, -n) }

// quantile is the smallest value that at least the share of the values doesn't exceed, or the mean with the next one if exactly so many don't.
func quantile(v []float64, share float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	at := share * float64(len(s))
	i := min(int(at), len(s)-1)
	if at == float64(i) && i > 0 {
		return (s[i-1] + s[i]) / 2
	}
	return s[i]
}
