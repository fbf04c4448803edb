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

// puts are what requests put into one topic, one after the other, and what isn't counted yet of it.
type puts struct {
	topic string
	sum   stats.Sum
}

// add counts the messages of a request.
func (p *puts) add(s *Stats, stored []record.Draft) {
	if stored[0].Topic != p.topic {
		p.count(s)
		p.topic = stored[0].Topic
	}
	p.sum.Times++
	p.sum.Messages += int64(len(stored))
	for i := range stored {
		p.sum.Bytes += int64(stored[i].Size)
	}
}

// count counts what was added.
func (p *puts) count(s *Stats) {
	if p.sum.Times > 0 {
		s.CountPuts(p.topic, p.sum)
	}
	*p = puts{}
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
