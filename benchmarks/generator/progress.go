package generator

import (
	"fmt"
	"io"
	"time"
)

const progressInterval = 500 * time.Millisecond

// progressLine rewrites one line of a terminal. It belongs to the goroutine that drives the run.
type progressLine struct {
	out   io.Writer // nil: draws nothing
	run   *run
	lanes []*lane

	lastAnswers int64
	lastAt      int64 // ns since the run's start
}

// draw shows the state at now, in ns since the run's start.
func (p *progressLine) draw(now int64) {
	if p.out == nil {
		return
	}
	var answers int64
	for _, l := range p.lanes {
		answers += l.answers.Load()
	}
	rate := float64(answers-p.lastAnswers) / time.Duration(now-p.lastAt).Seconds()
	p.lastAnswers, p.lastAt = answers, now
	fmt.Fprintf(p.out, "\r\x1b[K%5.1f s  %d msg  %.0f msg/s%s", time.Duration(now).Seconds(), answers, rate, p.rest(now, rate))
}

// rest says what is still to come.
func (p *progressLine) rest(now int64, rate float64) string {
	o := &p.run.options
	from := p.run.measureFrom.Load()
	var left time.Duration
	switch {
	case p.run.stopped.Load():
		return "  waiting for the last answers"
	case from == notYet:
		return "  warming up"
	case o.Count == 0:
		left = o.Duration - time.Duration(now-from)
	case rate > 0:
		left = time.Duration(float64(max(0, p.run.left.Load())) / rate * float64(time.Second))
	default:
		return "  stalled"
	}
	return fmt.Sprintf("  %v left", left.Round(time.Second))
}

func (p *progressLine) clear() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
