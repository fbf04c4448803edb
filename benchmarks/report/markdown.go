package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/gantry-mq/gantry/benchmarks/stats"
)

// Markdown writes the report for people. Plots are the files of the plots, by load or series.
func (r *Report) Markdown(plots map[string]string) []byte {
	var b bytes.Buffer
	r.head(&b)
	r.goals(&b)
	series := ""
	for i := range r.Loads {
		l := &r.Loads[i]
		if l.Series == "" {
			l.section(&b, plots[l.ID])
		} else if l.Series != series {
			r.series(&b, l.Series, plots[l.Series])
		}
		series = l.Series
	}
	r.method(&b)
	return b.Bytes()
}

func (r *Report) head(b *bytes.Buffer) {
	fmt.Fprintf(b, "# %s, %s\n\n", r.Name, r.Started.Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(b, "```sh\n%s\n```\n\n", r.Command)
	commit := r.Commit
	if r.Modified {
		commit += ", with local changes"
	}
	fmt.Fprintf(b, "- commit %s; %s\n", commit, r.Machine.Go)
	fmt.Fprintf(b, "- %d × %s, %.0f GiB, Linux %s, %s\n", r.Machine.CPUs, r.Machine.CPU, float64(r.Machine.MemoryBytes)/(1<<30), r.Machine.Kernel, r.Machine.FileSystem)
	fmt.Fprintf(b, "- rounds: %d; it took %.0f min\n", r.Rounds, r.Seconds/60)
	if r.Ended != "" {
		fmt.Fprintf(b, "- **not complete**: %s\n", r.Ended)
	}
	b.WriteString("\n| subject | | configuration |\n| --- | --- | --- |\n")
	for _, s := range r.Subjects {
		config := s.Config
		if s.Version != "" {
			config = s.Version + "; " + config
		}
		if s.Serve != "" {
			config += "; `" + s.Serve + "`"
		}
		if s.Absent != "" {
			config = "**not measured**: " + cell(s.Absent)
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", s.Name, s.Title, config)
	}
}

// goals is the table of the rows that have goals.
func (r *Report) goals(b *bytes.Buffer) {
	first := true
	for i := range r.Loads {
		for k := range r.Loads[i].Rows {
			row := &r.Loads[i].Rows[k]
			for n, g := range row.Goals {
				if first {
					b.WriteString("\n## Goals\n\n| load | figure | Gantry | others | goal | limit | Gantry / limit | ratio | |\n| --- | --- | --- | --- | --- | ---: | ---: | --- | --- |\n")
					first = false
				}
				load := ""
				if k == 0 && n == 0 {
					load = r.Loads[i].Title
				}
				fmt.Fprintf(b, "| %s | %s | %s |%s\n", load, row.figures(n == 0), g.Text, g.verdict(row))
			}
		}
	}
}

// figures are the cells of a goal's line that say what was measured. They are empty but for a row's first goal.
func (row *Row) figures(first bool) string {
	if !first {
		return " | | "
	}
	own, others := "", ""
	for _, c := range row.Cells {
		if c.Subject == row.Subject {
			own = Number(c.Summary.Median) + " " + row.Unit
		} else {
			others += fmt.Sprintf("%s %s<br>", c.Subject, Number(c.Summary.Median))
		}
	}
	return fmt.Sprintf("%s | %s | %s", row.Title, own, strings.TrimSuffix(others, "<br>"))
}

// verdict are the last cells of a goal's line.
func (g *Goal) verdict(row *Row) string {
	if g.Met == nil {
		return fmt.Sprintf(" | | | not measured: %s |", g.Missing)
	}
	verdict := "**missed**"
	switch {
	case g.Only:
		verdict = "reported only"
	case *g.Met:
		verdict = "met"
	}
	if g.Unsure && !g.Only {
		verdict += ", within the noise"
	}
	return fmt.Sprintf(" %s %s | %s | %s | %s |", Number(g.Limit), row.Unit, Number(g.Share), ratioText(g.Ratio), verdict)
}

// section is what the report says of one load.
func (l *Load) section(b *bytes.Buffer, plot string) {
	fmt.Fprintf(b, "\n## %s\n", l.Title)
	for i := range l.Rows {
		l.Rows[i].table(b)
	}
	l.resources(b)
	if plot != "" {
		fmt.Fprintf(b, "\n![latency by percentile](%s)\n", plot)
	}
}

func (row *Row) table(b *bytes.Buffer) {
	better := "lower is better"
	if row.Higher {
		better = "higher is better"
	}
	ratio := ""
	if row.Reference != "" {
		ratio = "ratio to " + row.Reference
	}
	fmt.Fprintf(b, "\n**%s** (%s, %s)\n\n| subject | median | min … max | spread | rounds | %s |\n| --- | ---: | ---: | ---: | ---: | --- |\n", row.Title, row.Unit, better, ratio)
	for i := range row.Cells {
		c := &row.Cells[i]
		fmt.Fprintf(b, "| %s | %s | %s … %s | %.0f %% | %d | %s |\n",
			c.Subject, Number(c.Summary.Median), Number(c.Summary.Min), Number(c.Summary.Max), 100*c.Summary.Spread(), len(c.Values), ratioText(c.Ratio))
	}
}

// resources is the table of what a load took.
func (l *Load) resources(b *bytes.Buffer) {
	b.WriteString("\n| | ready | server CPU | client CPU | RssAnon before | at most | written | steal | |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for i := range l.Runs {
		u := &l.Runs[i]
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %.1f %% | %s |\n", u.Subject, unless0(u.ReadySeconds, "s", 1), unless0(u.ServerCPUSeconds, "s", 1),
			unless0(u.ClientCPUSeconds, "s", 1), unless0(u.RSSIdleBytes, "MB", 1e6), unless0(u.RSSPeakBytes, "MB", 1e6), unless0(u.WrittenBytes, "MB", 1e6), 100*u.Steal, u.remark())
	}
	for i := range l.Runs {
		u := &l.Runs[i]
		if u.Drive != "" {
			fmt.Fprintf(b, "\n- %s: %s", u.Subject, u.commands())
		}
	}
	b.WriteString("\n")
}

// commands are the command lines of a run.
func (u *Run) commands() string {
	if u.Serve == "" {
		return "`" + u.Drive + "`"
	}
	return fmt.Sprintf("`%s` against `%s`", u.Drive, u.Serve)
}

func (u *Run) remark() string {
	var out []string
	if u.Noisy > 0 {
		out = append(out, fmt.Sprintf("**%d noisy rounds**", u.Noisy))
	}
	if u.Repeats > 0 {
		out = append(out, fmt.Sprintf("%d repeats", u.Repeats))
	}
	if u.Refused > 0 {
		out = append(out, fmt.Sprintf("**%s requests refused**", group(fmt.Sprint(u.Refused))))
	}
	for _, f := range u.Failures {
		out = append(out, "**failed** in "+cell(f))
	}
	return strings.Join(out, "; ")
}

// series is what the report says of loads that differ in one number.
func (r *Report) series(b *bytes.Buffer, name, plot string) {
	loads := r.inSeries(name)
	fmt.Fprintf(b, "\n## By %s\n", name)
	for n, id := range rowsOf(loads) {
		var subjects []string
		var unit, title string
		for _, l := range loads {
			if row := l.row(id); row != nil {
				unit, title = row.Unit, row.Title
				for i := range row.Cells {
					subjects = appendNew(subjects, row.Cells[i].Subject)
				}
			}
		}
		fmt.Fprintf(b, "\n**%s** (%s), median (min … max)\n\n| %s | %s |\n| ---: |%s\n", title, unit, name, strings.Join(subjects, " | "), strings.Repeat(" ---: |", len(subjects)))
		for _, l := range loads {
			fmt.Fprintf(b, "| %s |", Number(l.X))
			for _, s := range subjects {
				fmt.Fprintf(b, " %s |", seriesCell(l, id, s))
			}
			b.WriteString("\n")
		}
		if n == 0 && loads[0].Line {
			fits(b, loads, id, subjects, unit)
		}
	}
	for _, l := range loads {
		for i := range l.Runs {
			if remark := l.Runs[i].remark(); remark != "" {
				fmt.Fprintf(b, "\n- %s, %s: %s", l.ID, l.Runs[i].Subject, remark)
			}
		}
	}
	if first := &loads[0].Runs[0]; first.Drive != "" {
		fmt.Fprintf(b, "\n- the first: %s\n", first.commands())
	}
	if plot != "" {
		fmt.Fprintf(b, "\n![%s](%s)\n", name, plot)
	}
}

// fits says what a figure is as a line of the series' number.
func fits(b *bytes.Buffer, loads []*Load, id string, subjects []string, unit string) {
	for _, s := range subjects {
		var xs, ys []float64
		for _, l := range loads {
			if row := l.row(id); row != nil && row.Cell(s) != nil {
				xs, ys = append(xs, l.X), append(ys, row.Cell(s).Summary.Median)
			}
		}
		if line, err := stats.FitLine(xs, ys); err == nil { // too few for a line: none is claimed
			fmt.Fprintf(b, "\n%s: %s + %s for each 1,000 (%s; least squares of relative errors)\n", s, Number(line.A), Number(line.B*1000), unit)
		}
	}
}

func seriesCell(l *Load, id, subject string) string {
	row := l.row(id)
	if row == nil {
		return ""
	}
	c := row.Cell(subject)
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s … %s)", Number(c.Summary.Median), Number(c.Summary.Min), Number(c.Summary.Max))
}

func (r *Report) method(b *bytes.Buffer) {
	b.WriteString(`
## How it was measured

Each round of a subject is a new process with an empty directory, driven from another process; subjects take turns, and each round another one begins. A ratio is the Hodges-Lehmann estimate over the
rounds' own ratios (median of the means of all pairs, of logarithms), with the exact interval of Wilcoxon's signed-rank test: 95 % from six rounds on, 93.75 % with five. Spread is (max − min) / median.
CPU seconds are of the measured part; memory is anonymous resident memory, looked at five times per second; written is what the server's process caused the device to be written. Steal is the largest
share of the CPUs' time that other machines took in a round; a round with more than 10 % is repeated at most three times, then counts as noisy. Requests that a server refuses, as a
busy one does, are counted, those of the warm-up among them, and not measured. Latency plots are of all rounds together.
`)
}

func ratioText(r *stats.Ratio) string {
	if r == nil {
		return ""
	}
	if r.Rounds == 1 {
		return fmt.Sprintf("%s (one round)", Number(r.Estimate))
	}
	return fmt.Sprintf("%s (%s … %s, %.4g %%)", Number(r.Estimate), Number(r.Low), Number(r.High), 100*r.Confidence)
}

func unless0(v float64, unit string, per float64) string {
	if v == 0 {
		return ""
	}
	return Number(v/per) + " " + unit
}

// cell makes a text fit into a table's cell.
func cell(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.ReplaceAll(s, "|", "\\|")
}
