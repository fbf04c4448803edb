package report

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/gantry-mq/gantry/benchmarks/plot"
)

// writePlots draws latency by percentile for each load, and each series, into dir. It returns the files by load or series.
func (r *Report) writePlots(dir string) (map[string]string, error) {
	files := make(map[string]string)
	draw := func(key string, c *plot.Chart) error {
		if len(c.Lines) == 0 {
			return nil
		}
		name := strings.NewReplacer("/", "-", " ", "-").Replace(key) + ".svg"
		files[key] = name
		return writeFile(filepath.Join(dir, name), c)
	}
	var errs []error
	for i := range r.Loads {
		l := &r.Loads[i]
		switch {
		case l.Series == "":
			errs = append(errs, draw(l.ID, l.latencyChart()))
		case files[l.Series] == "":
			errs = append(errs, draw(l.Series, r.seriesChart(l.Series)))
		}
	}
	return files, errors.Join(errs...)
}

func writeFile(name string, c *plot.Chart) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(c.Write(f), f.Close())
}

// latencyChart has an axis of nines: each step to the right leaves a tenth of the messages.
func (l *Load) latencyChart() *plot.Chart {
	c := &plot.Chart{Title: l.Title, X: plot.Axis{Label: "percentile"}, Y: plot.Axis{Label: "µs", Log: true}}
	nines := func(percentile float64) float64 { return -math.Log10(1 - percentile/100) }
	highest := 0.0
	for _, u := range l.Runs {
		line := plot.Line{Name: u.Subject}
		for _, p := range u.Latencies {
			line.Points = append(line.Points, [2]float64{nines(p[0]), p[1]})
			highest = max(highest, nines(p[0]))
		}
		if len(line.Points) > 0 {
			c.Lines = append(c.Lines, line)
		}
	}
	for _, t := range []struct {
		percentile float64
		label      string
	}{{0, "0"}, {50, "50"}, {90, "90"}, {99, "99"}, {99.9, "99.9"}, {99.99, "99.99"}, {99.999, "99.999"}, {99.9999, "99.9999"}} {
		if nines(t.percentile) <= highest+0.01 {
			c.X.Ticks = append(c.X.Ticks, plot.Tick{At: nines(t.percentile), Label: t.label})
		}
	}
	return c
}

// seriesChart draws the first row of each of the series' loads.
func (r *Report) seriesChart(name string) *plot.Chart {
	loads := r.inSeries(name)
	c := &plot.Chart{X: plot.Axis{Label: name, Log: true}}
	at := make(map[string]int) // subject → its line
	for _, l := range loads {
		c.X.Ticks = append(c.X.Ticks, plot.Tick{At: l.X, Label: Number(l.X)})
		if len(l.Rows) == 0 {
			continue
		}
		row := &l.Rows[0]
		zero := 0.0
		c.Title, c.Y = row.Title+" by "+name, plot.Axis{Label: row.Unit, Low: &zero}
		for _, cell := range row.Cells {
			i, known := at[cell.Subject]
			if !known {
				i = len(c.Lines)
				at[cell.Subject] = i
				c.Lines = append(c.Lines, plot.Line{Name: cell.Subject, Marks: true})
			}
			c.Lines[i].Points = append(c.Lines[i].Points, [2]float64{l.X, cell.Summary.Median})
		}
	}
	return c
}
