package report

import (
	"slices"
	"strings"
)

// inSeries are the loads of a series, by their number.
func (r *Report) inSeries(name string) []*Load {
	var out []*Load
	for i := range r.Loads {
		if r.Loads[i].Series == name {
			out = append(out, &r.Loads[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *Load) int { return int(a.X - b.X) })
	return out
}

// row returns the row with that id behind the load's own, or nil.
func (l *Load) row(id string) *Row {
	for i := range l.Rows {
		if l.Rows[i].ID == l.ID+"/"+id {
			return &l.Rows[i]
		}
	}
	return nil
}

// rowsOf are the ids of all rows of the loads, behind the loads' own.
func rowsOf(loads []*Load) []string {
	var out []string
	for _, l := range loads {
		for i := range l.Rows {
			out = appendNew(out, strings.TrimPrefix(l.Rows[i].ID, l.ID+"/"))
		}
	}
	return out
}

func appendNew(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}
