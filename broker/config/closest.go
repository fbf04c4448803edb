package config

import "strings"

// closest returns the candidate that the fewest edits make of name, or "" if none is near.
func closest(name string, candidates []string) string {
	best, nearest := "", min(len(name)/3, 4)+1
	for _, c := range candidates {
		if len(c)-len(name) >= nearest || len(name)-len(c) >= nearest {
			continue // as many edits at least; a name may be megabytes of somebody else's bytes
		}
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < nearest {
			best, nearest = c, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete, replace, or swap with their neighbour, that make b of a.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
