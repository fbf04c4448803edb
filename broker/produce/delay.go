package produce

import (
	"strconv"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// levelQueues are the queues of the topic that delayed messages wait in: one per level.
func levelQueues(s *store.Store, levels int) []*store.Queue {
	all := make([]*store.Queue, levels)
	for i := range all {
		all[i] = s.Queue(meta.ScheduleTopic, int32(i))
	}
	return all
}

// postpone makes a message wait for the delay of a level, above the highest for that one's: it goes to the queue of its level,
// and notes where it was to go. Of two properties with the same name the later one counts, so what a sender wrote there doesn't.
func (s *Service) postpone(b *Batch, d *record.Draft, level int32) {
	from := len(b.more)
	b.more = append(b.more, d.MoreProperties...)
	if highest := int32(len(s.levels)); level > highest {
		level = highest
		b.more = appendNumber(b.more, record.PropDelayLevel, level)
	}
	b.more = record.AppendProperty(b.more, record.PropRealTopic, d.Topic)
	b.more = appendNumber(b.more, record.PropRealQueueID, d.QueueID)
	d.MoreProperties = b.more[from:len(b.more):len(b.more)]
	q := s.levels[level-1]
	d.Topic, d.QueueID, d.Queue = q.Topic, q.ID, q
}

// appendNumber is record.AppendProperty for a number.
func appendNumber(dst []byte, name string, n int32) []byte {
	var digits [11]byte
	return record.AppendProperty(dst, name, strconv.AppendInt(digits[:0], int64(n), 10))
}

// retryLevel is the delay level at which a message waits that a group has tried and given back, when its consumer doesn't
// say: from the third level on, one more with every try. A group with a policy of its own waits at least as long as that says,
// if there is a level as long.
func (s *Service) retryLevel(g *meta.GroupConfig, reconsumeTimes int32) int32 {
	if !g.Retry.Given() {
		return int32(min(3+int64(max(0, reconsumeTimes)), int64(len(s.levels))))
	}
	wait := g.Retry.Wait(reconsumeTimes)
	best, longest := -1, 0
	for i, d := range s.Config.Load().DelayLevels {
		if d >= wait && (best < 0 || d < s.Config.Load().DelayLevels[best]) {
			best = i
		}
		if d > s.Config.Load().DelayLevels[longest] {
			longest = i
		}
	}
	if best < 0 {
		best = longest
	}
	return int32(best + 1)
}
