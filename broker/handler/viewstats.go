package handler

import (
	"strconv"
	"strings"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/stats"
	"github.com/gantry-mq/gantry/consumequeue"
)

// viewStats answers with what was counted under a name and a key in the last minute, hour and day.
func (c *call) viewStats() error {
	name, key := c.cmd.Fields.Str("statsName"), c.cmd.Fields.Str("statsKey")
	type item struct {
		Sum     int64   `json:"sum"`
		TPS     float64 `json:"tps"`
		Average float64 `json:"avgpt"` // per request
	}
	var answer struct {
		Minute item `json:"statsMinute"`
		Hour   item `json:"statsHour"`
		Day    item `json:"statsDay"`
	}
	for _, x := range []struct {
		to *item
		w  stats.Window
	}{{&answer.Minute, stats.Minute}, {&answer.Hour, stats.Hour}, {&answer.Day, stats.Day}} {
		o, n, ok := c.h.stats.View(name, key, x.w)
		if !ok {
			var err error
			if o, n, ok, err = c.h.viewQueueStats(name, key, x.w); err != nil {
				return err
			}
		}
		if !ok {
			return refusal(remoting.RespSystemError, "The stats <%s> <%s> not exist", name, key)
		}
		*x.to = item{Sum: n, TPS: o.PerSecond(n)}
		if o.Times > 0 {
			x.to.Average = float64(n) / float64(o.Times)
		}
	}
	return c.json(answer)
}

// queuePuts is the number of messages that were put into a queue, by topic@queue. It is not counted, but read from the queue itself.
const queuePuts = "QUEUE_PUT_NUMS"

func (h *Handler) viewQueueStats(name, key string, w stats.Window) (o stats.Over, n int64, ok bool, err error) {
	topic, number, _ := strings.Cut(key, "@")
	id, bad := strconv.ParseInt(number, 10, 32)
	t := h.Topics.Get(topic)
	if name != queuePuts || bad != nil || t == nil || id < 0 || int32(id) >= max(t.ReadQueues, t.WriteQueues) {
		return o, 0, false, nil
	}
	q, lowest, next, err := h.bounds(topic, int32(id))
	if err != nil || lowest == next {
		return stats.Over{Span: w.Length()}, 0, true, err
	}
	first, err := h.Store.SeekTime(q, h.Now().Add(-w.Length()).UnixMilli(), consumequeue.Lower)
	if err != nil {
		return o, 0, false, err
	}
	n = max(0, next-first)
	return stats.Over{Sum: stats.Sum{Messages: n, Times: n}, Span: w.Length()}, n, true, nil
}
