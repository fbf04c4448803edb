package runner

import (
	"fmt"
	"io"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/report"
)

// progress tells a person how far a plan is: a line for each round of each subject.
type progress struct {
	out         io.Writer
	total, done int
	rounds      int
	measured    int // of done, those that took time
	began       time.Time
	roundBegan  time.Time
}

func newProgress(p *Plan) *progress {
	g := &progress{out: p.Progress, rounds: p.Rounds, began: time.Now()}
	for i := range p.Loads {
		g.total += p.Rounds * len(p.present(&p.Loads[i]))
	}
	return g
}

func (g *progress) skip() { g.done++ }

func (g *progress) begin(l *Load, e *Entry, round int) {
	g.roundBegan = time.Now()
	left := ""
	if g.measured > 0 {
		each := time.Since(g.began) / time.Duration(g.measured)
		left = fmt.Sprintf(", about %v left", (time.Duration(g.total-g.done) * each).Round(time.Second))
	}
	fmt.Fprintf(g.out, "%d/%d%s: %s, round %d of %d, %s … ", g.done+1, g.total, left, l.ID, round+1, g.rounds, e.Subject)
}

func (g *progress) end(l *Load, e *Entry, t *Trial, err error) {
	g.done++
	g.measured++
	took := time.Since(g.roundBegan).Seconds()
	if err != nil {
		fmt.Fprintf(g.out, "failed after %.1f s: %v\n", took, err)
		return
	}
	for i := range l.Metrics {
		if v, ok := l.Metrics[i].Of(t); ok {
			fmt.Fprintf(g.out, "%s %s  ", report.Number(v), l.Metrics[i].Unit)
		}
	}
	fmt.Fprintf(g.out, "(%.1f s, steal %.1f %%", took, 100*t.Steal)
	if t.Refused > 0 {
		fmt.Fprintf(g.out, ", %d refused", t.Refused)
	}
	if t.Attempts > 1 {
		fmt.Fprintf(g.out, ", %d attempts", t.Attempts)
	}
	fmt.Fprintln(g.out, ")")
}
