package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gantry-mq/gantry/benchmarks/plot"
)

// The part of the index that is generated stands between these lines; what is around them stays.
const (
	indexBegin = "<!-- reports: generated, begin -->\n"
	indexEnd   = "<!-- reports: generated, end -->\n"
)

// historyFile is the plot of all rows over the reports, beside the index.
const historyFile = "history.svg"

// entry is a report with where it is.
type entry struct {
	dir string // its name in the root
	*Report
}

// UpdateIndex brings README.md and the history in root up to date with the reports that are there.
func UpdateIndex(root string) error {
	entries, err := readAll(root)
	if err != nil {
		return err
	}
	grid := history(entries)
	if len(grid.Charts) > 0 {
		f, err := os.Create(filepath.Join(root, historyFile))
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		if err := errors.Join(grid.Write(f), f.Close()); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	name := filepath.Join(root, "README.md")
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("report: %w", err)
	}
	if err := os.WriteFile(name, splice(old, indexTable(entries, len(grid.Charts) > 0)), 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// readAll reads all reports in root, oldest first.
func readAll(root string) ([]entry, error) {
	files, err := filepath.Glob(filepath.Join(root, "*", "report.json"))
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var out []entry
	for _, f := range files {
		r, err := Read(filepath.Dir(f))
		if err != nil {
			return nil, err
		}
		out = append(out, entry{filepath.Base(filepath.Dir(f)), r})
	}
	slices.SortStableFunc(out, func(a, b entry) int { return a.Started.Compare(b.Started) })
	return out, nil
}

// splice replaces the generated part of a text. A text without one gets it at its end.
func splice(text, generated []byte) []byte {
	part := slices.Concat([]byte(indexBegin), generated, []byte(indexEnd))
	from, to := bytes.Index(text, []byte(indexBegin)), bytes.Index(text, []byte(indexEnd))
	if from < 0 || to < from {
		if len(text) > 0 {
			text = append(bytes.TrimRight(text, "\n"), "\n\n"...)
		}
		return append(text, part...)
	}
	return slices.Concat(text[:from], part, text[to+len(indexEnd):])
}

// indexTable lists the reports, newest first.
func indexTable(entries []entry, plotted bool) []byte {
	b := []byte("| report | commit | machine | rounds | goals met | command |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, e := range slices.Backward(entries) {
		commit := e.Commit
		if e.Modified {
			commit += "+"
		}
		met, all := 0, 0
		for i := range e.Loads {
			for k := range e.Loads[i].Rows {
				for _, g := range e.Loads[i].Rows[k].Goals {
					if g.Met != nil && !g.Only {
						all++
						if *g.Met {
							met++
						}
					}
				}
			}
		}
		b = fmt.Appendf(b, "| [%s](%s/report.md) | %s | %d × %s | %d | %d of %d | `%s` |\n", e.dir, e.dir, commit, e.Machine.CPUs, e.Machine.CPU, e.Rounds, met, all, cell(e.Command))
	}
	if plotted {
		b = fmt.Appendf(b, "\n![each row over the reports](%s)\n", historyFile)
	}
	return b
}

// history has a chart for each row that two reports or more have: medians over the reports, by subject. Loads of series are left out.
func history(entries []entry) *plot.Grid {
	var ids []string
	for _, e := range entries {
		for i := range e.Loads {
			for k := range e.Loads[i].Rows {
				if e.Loads[i].Series == "" {
					ids = appendNew(ids, e.Loads[i].Rows[k].ID)
				}
			}
		}
	}
	grid := &plot.Grid{Columns: 2}
	for _, id := range ids {
		if c := historyOf(entries, id); len(c.X.Ticks) > 1 {
			grid.Charts = append(grid.Charts, *c)
		}
	}
	return grid
}

func historyOf(entries []entry, id string) *plot.Chart {
	c := &plot.Chart{Width: 520, Height: 260, X: plot.Axis{Label: "report"}}
	at := make(map[string]int) // subject → its line
	for _, e := range entries {
		row := e.Row(id)
		if row == nil {
			continue
		}
		n := float64(len(c.X.Ticks) + 1)
		c.X.Ticks = append(c.X.Ticks, plot.Tick{At: n, Label: e.Commit[:min(7, len(e.Commit))]})
		c.Title, c.Y = id, plot.Axis{Label: row.Unit, Log: true}
		for _, cell := range row.Cells {
			i, known := at[cell.Subject]
			if !known {
				i = len(c.Lines)
				at[cell.Subject] = i
				c.Lines = append(c.Lines, plot.Line{Name: cell.Subject, Marks: true})
			}
			c.Lines[i].Points = append(c.Lines[i].Points, [2]float64{n, cell.Summary.Median})
		}
	}
	return c
}
