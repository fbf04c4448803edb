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
	unit  string
	count func() int64                         // how many there are so far
	rest  func(now int64, rate float64) string // says what is still to come; rate in units/s

	lastCount int64
	lastAt    int64 // ns since the run's start
}

// draw shows the state at now, in ns since the run's start.
func (p *progressLine) draw(now int64) {
	if p.out == nil {
		return
	}
	count := p.count()
	rate := float64(count-p.lastCount) / time.Duration(now-p.lastAt).Seconds()
	p.lastCount, p.lastAt = count, now
	fmt.Fprintf(p.out, "\r\x1b[K%5.1f s  %d %s  %.0f %s/s  %s",
		time.Duration(now).Seconds(), count, p.unit, rate, p.unit, p.rest(now, rate))
}

func (p *progressLine) clear() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func timeLeft(d time.Duration) string { return fmt.Sprintf("%v left", d.Round(time.Second)) }

// itemsLeft says how long n more will take at that rate.
func itemsLeft(n int64, rate float64) string {
	if rate <= 0 {
		return "stalled"
	}
	return timeLeft(time.Duration(float64(max(0, n)) / rate * float64(time.Second)))
}
