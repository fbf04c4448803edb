package handler

import (
	"math"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// allOffsets answers with all committed offsets.
func (c *call) allOffsets() error {
	all, version := c.h.Offsets.All()
	table := make(map[string]map[fastjson.IntKey]int64, len(all))
	for key, queues := range all {
		table[key] = intKeys(queues)
	}
	return c.body(struct {
		Version meta.DataVersion                     `json:"dataVersion"`
		Offsets map[string]map[fastjson.IntKey]int64 `json:"offsetTable"`
	}{version, table})
}

func intKeys(queues map[int32]int64) map[fastjson.IntKey]int64 {
	m := make(map[fastjson.IntKey]int64, len(queues))
	for id, offset := range queues {
		m[fastjson.IntKey(id)] = offset
	}
	return m
}

// delayOffsets answers with what stands in delayOffset.json.
func (c *call) delayOffsets() error {
	if c.h.Delays == nil {
		return refusal(remoting.RespSystemError, "No delay offset in this broker")
	}
	levels, version := c.h.Delays()
	table := make(map[fastjson.IntKey]int64, len(levels))
	for _, l := range levels {
		table[fastjson.IntKey(l.Level)] = l.Offset
	}
	return c.body(struct {
		Version meta.DataVersion          `json:"dataVersion"`
		Offsets map[fastjson.IntKey]int64 `json:"offsetTable"`
	}{version, table})
}

// cloneOffsets gives a group the offsets of another one, of one topic or of all.
func (c *call) cloneOffsets() error {
	f := c.cmd.Fields
	from, to, topic := f.Str("srcGroup"), f.Str("destGroup"), f.Str("topic")
	offline, err := f.Bool("offline", false)
	if err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	if err := meta.CheckGroup(to); err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	names := []string{topic}
	if strings.TrimSpace(topic) == "" {
		names = c.h.Offsets.Topics(from)
	}
	for _, topic := range names {
		if c.h.Topics.Get(topic) == nil || !offline && !c.h.Clients.Subscribes(from, topic) {
			c.h.Logger.Warn("handler: offsets not cloned: no topic, or one that isn't subscribed to", "from", from, "to", to, "topic", topic)
			continue
		}
		for id, offset := range c.h.Offsets.Queues(from, topic) {
			c.h.Offsets.Commit(to, topic, id, offset)
		}
	}
	if err := c.h.Offsets.Persist(); err != nil {
		return err
	}
	c.h.Logger.Info("handler: offsets cloned", "from", from, "to", to, "topics", names, "remote", c.c.RemoteAddr())
	return c.ok()
}

// correctionOffsets answers with the smallest offset of any group in each queue of a topic, and with the largest number there is where
// the group to compare with is further back than that.
func (c *call) correctionOffsets() error {
	f := c.cmd.Fields
	topic, compare := f.Str("topic"), f.Str("compareGroup")
	without := strings.Split(f.Str("filterGroups"), ",")
	smallest := map[int32]int64{}
	for _, group := range c.h.Offsets.Groups(topic) {
		if slices.Contains(without, group) {
			continue
		}
		for id, offset := range c.h.Offsets.Queues(group, topic) {
			// An offset whose message is gone says nothing.
			if lowest, _ := c.h.Store.Queue(topic, id).Bounds(); offset < lowest {
				continue
			}
			if least, ok := smallest[id]; !ok || offset < least {
				smallest[id] = offset
			}
		}
	}
	for id, offset := range c.h.Offsets.Queues(compare, topic) {
		if least, ok := smallest[id]; ok && least > offset {
			smallest[id] = math.MaxInt64
		}
	}
	return c.body(struct {
		Offsets map[fastjson.IntKey]int64 `json:"correctionOffsets"`
	}{intKeys(smallest)})
}
