package handler

import (
	"sync/atomic"
	"time"

	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/stats"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// Stats count what clients sent and got since the start.
type Stats struct {
	*stats.Broker
	Refused atomic.Int64 // messages, or batches of them
	began   time.Time
}

// Stats are the handler's counters.
func (h *Handler) Stats() *Stats { return &h.stats }

// sent counts the messages of a request.
func (s *Stats) sent(stored []record.Draft) {
	var bytes int64
	for i := range stored {
		bytes += int64(stored[i].Size)
	}
	s.CountPut(stored[0].Topic, int64(len(stored)), bytes)
}

// count counts what a pull came to. Light queues, of which there may be millions, count only as a whole.
func (p *pull) count(r *consume.Result) {
	s := &p.h.stats
	switch {
	case r.Status != consume.Found:
		s.Missed.Add(0, 0)
	case p.topic == &p.h.light.topic || p.group == &p.h.light.group:
		s.Got.Add(int64(r.Messages), int64(r.Bytes))
	default:
		s.CountGot(p.groupName, p.held.Queue.Topic, int64(r.Messages), int64(r.Bytes))
	}
}
