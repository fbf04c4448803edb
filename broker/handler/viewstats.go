package handler

import (
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/stats"
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
			return refusal(remoting.RespSystemError, "The stats <%s> <%s> not exist", name, key)
		}
		*x.to = item{Sum: n, TPS: o.PerSecond(n)}
		if o.Times > 0 {
			x.to.Average = float64(n) / float64(o.Times)
		}
	}
	return c.json(answer)
}
