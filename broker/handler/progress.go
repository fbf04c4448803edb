package handler

import (
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// progress is OffsetWrapper: how far a group is in a queue.
type progress struct {
	Broker   int64 `json:"brokerOffset"`   // of the next message that comes
	Consumer int64 `json:"consumerOffset"` // committed
	Pull     int64 `json:"pullOffset"`     // of the next message to be pulled
	Last     int64 `json:"lastTimestamp"`  // ms: store time of the last message that is consumed, 0 without one
}

// consumeStats is ConsumeStats.
type consumeStats struct {
	Offsets byQueue[progress] `json:"offsetTable"`
	TPS     float64           `json:"consumeTps"`
}

// add adds the queues of a topic.
func (s *consumeStats) add(h *Handler, group string, t *meta.TopicConfig) error {
	for id := range t.ReadQueues {
		q, _, next, err := h.bounds(t.Name, id)
		if err != nil {
			return err
		}
		p := progress{Broker: next, Consumer: max(0, h.Offsets.Query(group, t.Name, id))}
		p.Pull = max(p.Consumer, h.Offsets.Pulled(group, t.Name, id))
		ms, err := h.storeTime(q, p.Consumer-1)
		if err != nil {
			return err
		}
		p.Last = max(0, ms)
		s.Offsets[h.queueKey(t.Name, id)] = p
	}
	s.TPS += h.stats.GotPerSecond(group, t.Name)
	return nil
}

// consumeStats answers how far a group is in the topics that it consumes, in one of them, or in those of a list.
func (c *call) consumeStats() error {
	group := c.cmd.Fields.Str("consumerGroup")
	stats := consumeStats{Offsets: byQueue[progress]{}}
	for _, name := range c.consumedTopics(group) {
		if t := c.h.Topics.Get(name); t != nil {
			if err := stats.add(c.h, group, t); err != nil {
				return err
			}
		}
	}
	return c.body(stats)
}

// consumedTopics are the topics that a request for a group's progress is about. Those of a list are taken as they are, others only if
// the group's members subscribe to them.
func (c *call) consumedTopics(group string) []string {
	const separator = ";"
	f := c.cmd.Fields
	if list := f.Str("topicList"); strings.Trim(list, separator+" ") != "" {
		names := strings.Split(list, separator)
		slices.Sort(names)
		return slices.Compact(names)
	}
	names := []string{f.Str("topic")}
	if strings.TrimSpace(names[0]) == "" {
		names = c.h.Offsets.Topics(group)
	}
	return slices.DeleteFunc(names, func(topic string) bool { return !c.h.Clients.Subscribes(group, topic) })
}

// allConsumeStats answers how far every group is in every topic that it consumes.
func (c *call) allConsumeStats() error {
	ordered, err := c.cmd.Fields.Bool("isOrder", false)
	if err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	answer := struct {
		Broker   string                      `json:"brokerAddr"`
		Groups   []map[string][]consumeStats `json:"consumeStatsList"`
		Behind   int64                       `json:"totalDiff"`
		InFlight int64                       `json:"totalInflightDiff"`
	}{Broker: c.h.addr(), Groups: []map[string][]consumeStats{}}
	topics := c.h.topicsByGroup()
	groups, _ := c.h.Groups.All()
	for _, g := range groups {
		list := []consumeStats{}
		for _, name := range topics[g.Name] {
			t := c.h.Topics.Get(name)
			if t == nil || ordered && !t.Order || !c.h.Clients.Subscribes(g.Name, name) {
				continue
			}
			stats := consumeStats{Offsets: byQueue[progress]{}}
			if err := stats.add(c.h, g.Name, t); err != nil {
				return err
			}
			for _, p := range stats.Offsets {
				answer.Behind += p.Broker - p.Consumer
				answer.InFlight += p.Pull - p.Consumer
			}
			list = append(list, stats)
		}
		answer.Groups = append(answer.Groups, map[string][]consumeStats{g.Name: list})
	}
	return c.body(answer)
}

// topicsByGroup are the topics of which each group has committed offsets.
func (h *Handler) topicsByGroup() map[string][]string {
	all := map[string][]string{}
	h.Offsets.Each(func(group, topic string, _ int32, _ int64) bool {
		if names := all[group]; len(names) == 0 || names[len(names)-1] != topic { // the queues of a pair come one after the other
			all[group] = append(names, topic)
		}
		return true
	})
	return all
}
