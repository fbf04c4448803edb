package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// report is what a comparison came to.
type report struct {
	baseIs, headIs string
	measured       int       // rounds
	verdicts       []verdict // of the first measurement
	suspects       []verdict // worse at first, and how they were when they were measured again
	same           []string  // packages whose tests are the same binary on both sides
	skipped        []string  // cases that can't be compared, with the reason
	took           time.Duration
	machine        string
}

// worse are the measures that have become worse: what was suspicious and is worse when it is measured again.
func (r *report) worse() (all []verdict) {
	for _, v := range r.suspects {
		if v.worse() {
			all = append(all, v)
		}
	}
	return all
}

// markdown is the report as people read it.
func (r *report) markdown() string {
	var b strings.Builder
	worse := r.worse()
	switch len(worse) {
	case 0:
		fmt.Fprintf(&b, "# No regression\n\n")
	case 1:
		fmt.Fprintf(&b, "# A regression\n\n")
	default:
		fmt.Fprintf(&b, "# %d regressions\n\n", len(worse))
	}
	fmt.Fprintf(&b, "%s against %s, %d samples of each by turns, in %s. %s\n", r.headIs, r.baseIs, r.measured, r.took.Round(time.Second), r.machine)
	if len(worse) > 0 {
		fmt.Fprintf(&b, "\n## Worse, also when measured again\n\n")
		table(&b, worse)
	}
	if chance := without(r.suspects, worse); len(chance) > 0 {
		fmt.Fprintf(&b, "\n## Suspicious at first, but not when measured again\n\n")
		table(&b, chance)
	}
	time, other := split(r.verdicts)
	if len(time) > 0 {
		fmt.Fprintf(&b, "\n## Processor time\n\n")
		table(&b, time)
	}
	if len(other) > 0 {
		changed := slices.DeleteFunc(slices.Clone(other), func(v verdict) bool { return v.base == v.head })
		fmt.Fprintf(&b, "\n## Counted\n\n%d measures of allocations, system calls, locks and wake-ups; %d differ", len(other), len(changed))
		if len(changed) > 0 {
			fmt.Fprintf(&b, ":\n\n")
			table(&b, changed)
		} else {
			fmt.Fprintf(&b, ".\n")
		}
		counters(&b, other)
	}
	list(&b, "Not measured: the same binary on both sides", r.same)
	list(&b, "Not compared", r.skipped)
	return b.String()
}

func table(b *strings.Builder, vs []verdict) {
	fmt.Fprintf(b, "| benchmark | unit | base | head | change | p | |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n")
	for _, v := range vs {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %.2g | %s |\n", v.c, v.unit, number(v.base), number(v.head), percent(v.change()), v.p, v.remark())
	}
}

// remark says what to think of a difference.
func (v verdict) remark() string {
	switch {
	case v.worse():
		return "worse"
	case !v.significant():
		return ""
	case v.change() > 0:
		return fmt.Sprintf("within %s", percent(v.tolerance))
	case v.change() < 0:
		return "better"
	}
	return ""
}

// counters are the exact figures of head, a row for each counted case.
func counters(b *strings.Builder, vs []verdict) {
	rows := map[string][]string{}
	var names []string
	for _, v := range vs {
		if kindOf(v.unit) != counted {
			continue
		}
		name := v.c.String()
		if rows[name] == nil {
			names = append(names, name)
		}
		rows[name] = append(rows[name], number(v.head))
	}
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(b, "\nPer operation at head, the benchmark's own client included:\n\n| benchmark | %s |\n| --- |%s\n",
		strings.ReplaceAll(strings.Join(counts, " | "), "/op", ""), strings.Repeat(" ---: |", len(counts)))
	for _, n := range names {
		fmt.Fprintf(b, "| %s | %s |\n", n, strings.Join(rows[n], " | "))
	}
}

func list(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", title)
	for _, l := range lines {
		fmt.Fprintf(b, "- %s\n", l)
	}
}

// split tells times from what is exact.
func split(vs []verdict) (time, other []verdict) {
	for _, v := range vs {
		if v.unit == unitTime {
			time = append(time, v)
		} else {
			other = append(other, v)
		}
	}
	return time, other
}

func without(all, some []verdict) []verdict {
	return slices.DeleteFunc(slices.Clone(all), func(v verdict) bool {
		return slices.ContainsFunc(some, func(w verdict) bool { return v.c == w.c && v.unit == w.unit })
	})
}

func number(v float64) string {
	switch {
	case v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

func percent(share float64) string {
	switch {
	case math.IsInf(share, 1):
		return "from none"
	case share == 0:
		return "0"
	}
	return fmt.Sprintf("%+.1f %%", 100*share)
}
