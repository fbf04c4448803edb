package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/report"
	"github.com/gantry-mq/gantry/benchmarks/stats"
)

// sumUp is what the report says of a load.
func (l *Load) sumUp(p *Plan, entries []*Entry, outcomes []outcome) report.Load {
	out := report.Load{ID: l.ID, Title: l.Title, Series: l.Series, X: l.X, Line: l.Line}
	for i, e := range entries {
		out.Runs = append(out.Runs, l.run(p, e, &outcomes[i]))
	}
	for k := range l.Metrics {
		if row := l.row(&l.Metrics[k], entries, outcomes); len(row.Cells) > 0 {
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

// run says how a subject fared under the load.
func (l *Load) run(p *Plan, e *Entry, o *outcome) report.Run {
	s := p.subject(e.Subject)
	out := report.Run{Subject: e.Subject, Rounds: len(o.trials), Failures: o.failures, Repeats: o.repeats}
	if len(e.Serve) > 0 || len(e.Env) > 0 || e.Quota != nil {
		out.Serve = strings.Join(append(slices.Clone(e.Env), show(e.serve(s))), " ") + e.Quota.String()
	}
	if l.Scenario != Idle {
		out.Drive = show(slices.Concat(s.Drive, []string{e.mode(l)}, e.flags(l)))
	}
	middle := func(of func(*Trial) (float64, bool)) float64 {
		var values []float64
		for _, t := range o.trials {
			if v, ok := of(t); ok {
				values = append(values, v)
			}
		}
		return stats.Summarize(values).Median
	}
	out.ReadySeconds = middle(func(t *Trial) (float64, bool) { return t.Ready.Seconds(), true })
	out.ServerCPUSeconds = middle(ServerCPUSeconds)
	out.ClientCPUSeconds = middle(clientCPUSeconds)
	out.RSSIdleBytes = middle(func(t *Trial) (float64, bool) { return float64(t.RSSIdle), true })
	out.RSSPeakBytes = middle(func(t *Trial) (float64, bool) { return float64(t.RSSPeak), true })
	out.WrittenBytes = middle(func(t *Trial) (float64, bool) { return float64(t.Written), true })
	var all *hdrhistogram.Histogram
	for _, t := range o.trials {
		out.Refused += t.Refused
		out.Steal = max(out.Steal, t.Steal)
		if t.Steal > MaxSteal {
			out.Noisy++
		}
		switch h := t.Latencies; {
		case h != nil && all == nil:
			all = h.Clone()
		case h != nil:
			all.Merge(h)
		}
	}
	if all != nil {
		out.Latencies = curve(all)
	}
	return out
}

// ServerCPUSeconds is what the server used for the measured part of a load, or, where the driver doesn't say, for all of it.
func ServerCPUSeconds(t *Trial) (float64, bool) {
	if t.Report != nil && t.Report.ServerCPUSeconds != nil {
		return *t.Report.ServerCPUSeconds, true
	}
	return t.ServerCPU.Seconds(), t.ServerCPU > 0
}

func clientCPUSeconds(t *Trial) (float64, bool) {
	if t.Report == nil || t.Report.ClientCPUSeconds == nil {
		return 0, false
	}
	return *t.Report.ClientCPUSeconds, true
}

// row is what the report says of a metric.
func (l *Load) row(m *Metric, entries []*Entry, outcomes []outcome) report.Row {
	row := report.Row{ID: l.ID + "/" + m.ID, Subject: l.Entries[0].Subject, Title: m.Title, Unit: m.Unit, Higher: m.Higher, Reference: m.Reference}
	for i, e := range entries {
		c := report.Cell{Subject: e.Subject}
		for _, t := range outcomes[i].trials {
			if v, ok := m.Of(t); ok {
				c.Values, c.Rounds = append(c.Values, v), append(c.Rounds, t.Round)
			}
		}
		if len(c.Values) > 0 {
			c.Summary = stats.Summarize(c.Values)
			row.Cells = append(row.Cells, c)
		}
	}
	for i := range row.Cells {
		if c := &row.Cells[i]; c.Subject != m.Reference {
			c.Ratio = ratio(c, row.Cell(m.Reference))
		}
	}
	return row
}

// ratio compares two cells in the rounds that both have; nil if there are none.
func ratio(a, b *report.Cell) *stats.Ratio {
	if a == nil || b == nil {
		return nil
	}
	var as, bs []float64
	for i, round := range a.Rounds {
		if k := slices.Index(b.Rounds, round); k >= 0 {
			as, bs = append(as, a.Values[i]), append(bs, b.Values[k])
		}
	}
	r, err := stats.PairedRatio(as, bs)
	if err != nil {
		return nil // no common rounds, or a zero: there is no ratio
	}
	return &r
}

// judge adds to each row of the report what became of its goals.
func judge(p *Plan, r *report.Report) {
	for i := range r.Loads {
		for k := range r.Loads[i].Rows {
			row := &r.Loads[i].Rows[k]
			for _, g := range p.goals(row.ID) {
				row.Goals = append(row.Goals, g.judge(r, row))
			}
		}
	}
}

func (p *Plan) goals(rowID string) []Goal {
	for i := range p.Loads {
		for k := range p.Loads[i].Metrics {
			if m := &p.Loads[i].Metrics[k]; p.Loads[i].ID+"/"+m.ID == rowID {
				return m.Goals
			}
		}
	}
	return nil
}

func (g *Goal) judge(r *report.Report, row *report.Row) report.Goal {
	out := report.Goal{Text: g.Text, Only: g.Only}
	limit := g.Absolute
	own := row.Cell(row.Subject)
	if own == nil {
		out.Missing = row.Subject
		return out
	}
	for _, t := range g.Terms {
		at := row
		if t.Row != "" {
			at = r.Row(t.Row)
		}
		if at == nil || at.Cell(t.Subject) == nil {
			out.Missing = t.Subject
			if t.Row != "" {
				out.Missing = fmt.Sprintf("%s in %s", t.Subject, t.Row)
			}
			return out
		}
		limit += t.Factor * at.Cell(t.Subject).Summary.Median
		if len(g.Terms) == 1 && at == row {
			out.Ratio = ratio(own, row.Cell(t.Subject))
			out.Unsure = g.Absolute == 0 && out.Ratio != nil && out.Ratio.Rounds > 1 && out.Ratio.Low <= t.Factor && t.Factor <= out.Ratio.High
		}
	}
	met := own.Summary.Median <= limit
	if row.Higher {
		met = own.Summary.Median >= limit
	}
	out.Limit, out.Met = limit, &met
	if limit > 0 {
		out.Share = own.Summary.Median / limit
	}
	return out
}
