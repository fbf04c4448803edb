package measure

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// lateAfter is how long after it was due a send counts as late.
const lateAfter = int64(time.Millisecond)

// Pacer has sends leave at fixed times, whatever the server does: send n is due at Base + n/Rate. What is overdue goes out at once.
type Pacer struct {
	Start time.Time // all times are ns since then
	Base  int64     // when send 0 is due
	Rate  int       // sends per second
	First int64     // the first send that is measured: those before it are the warm-up
	Total int64
	Burst int // how many sends may go out together

	Sent     int64
	Late     int64                   // measured sends that left more than 1 ms after they were due
	Lateness *hdrhistogram.Histogram // of all measured sends, ns
}

// Due is when the send is due.
func (p *Pacer) Due(seq int64) int64 { return p.Base + seq*int64(time.Second)/int64(p.Rate) }

// Run calls send for the sends from … to-1 as soon as they are due, until all have left or stopped is set. It takes a thread of its own.
func (p *Pacer) Run(stopped *atomic.Bool, send func(from, to int64) error) error {
	defer Precise()()
	p.Lateness = NewHistogram()
	for p.Sent < p.Total && !stopped.Load() {
		now := WaitUntil(p.Start, p.Due(p.Sent))
		to := p.Sent
		for to < p.Total && p.Due(to) <= now && to-p.Sent < int64(p.Burst) {
			to++
		}
		if err := send(p.Sent, to); err != nil {
			return fmt.Errorf("measure: sends %d … %d: %w", p.Sent, to-1, err)
		}
		for ; p.Sent < to; p.Sent++ {
			p.left(now - p.Due(p.Sent))
		}
	}
	return nil
}

func (p *Pacer) left(late int64) {
	if p.Sent < p.First {
		return
	}
	Record(p.Lateness, late)
	if late > lateAfter {
		p.Late++
	}
}
