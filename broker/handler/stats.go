package handler

import (
	"sync/atomic"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// Stats count what clients sent and got since the start.
type Stats struct {
	MessagesIn, BytesIn   atomic.Int64
	MessagesOut, BytesOut atomic.Int64
	Refused               atomic.Int64
}

// Stats are the handler's counters.
func (h *Handler) Stats() *Stats { return &h.stats }

func (s *Stats) sent(stored []record.Draft) {
	var bytes int64
	for i := range stored {
		bytes += int64(stored[i].Size)
	}
	s.MessagesIn.Add(int64(len(stored)))
	s.BytesIn.Add(bytes)
}

func (s *Stats) pulled(messages, bytes int) {
	s.MessagesOut.Add(int64(messages))
	s.BytesOut.Add(int64(bytes))
}
