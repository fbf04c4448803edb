package broker

import (
	"github.com/gantry-mq/gantry/broker/handler"
	"github.com/gantry-mq/gantry/broker/meta"
)

// delays tells tools how far the delivery of delayed messages is.
func (b *Broker) delays() ([]handler.DelayLevel, meta.DataVersion) {
	_, version := b.delayOffsets.Last()
	var levels []handler.DelayLevel
	for _, l := range b.Delay.Levels() {
		levels = append(levels, handler.DelayLevel{Level: l.Number, Offset: l.Offset, Next: l.Next})
	}
	return levels, version
}
