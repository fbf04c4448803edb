package handler

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/topics"
)

// createTopic creates a topic or changes it.
func (c *call) createTopic() error {
	f := c.cmd.Fields
	name := f.Str("topic")
	if err := c.mayAlter(name); err != nil {
		return err
	}
	t := meta.NewTopic(name, int32(c.h.Config.Load().DefaultTopicQueues))
	for _, e := range []error{
		read32(f, "readQueueNums", &t.ReadQueues), read32(f, "writeQueueNums", &t.WriteQueues),
		read32(f, "perm", &t.Perm), read32(f, "topicSysFlag", &t.SysFlag),
	} {
		if e != nil {
			return refusal(remoting.RespInvalidParameter, "%v", e)
		}
	}
	if v := f.Str("topicFilterType"); v != "" {
		t.FilterType = v
	}
	var err error
	if t.Order, err = f.Bool("order", false); err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	changes, err := parseAttributes(f.Str("attributes"))
	if err != nil {
		return refusal(remoting.RespInvalidParameter, "%v", err)
	}
	// It waits for the disk, together with all that come meanwhile, those of this connection included.
	return c.later(func(c *call) error {
		if err := c.h.Life.Put(topics.Change{Topic: t, Attributes: changes}); err != nil {
			return illegal(err)
		}
		c.h.Logger.Info("handler: topic put", "topic", name, "remote", c.c.RemoteAddr())
		return c.ok()
	})
}

// parseAttributes reads "+a=b,-c": what to set and what to unset.
func parseAttributes(text string) (map[string]string, error) {
	changes := map[string]string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		name, value, _ := strings.Cut(item, "=")
		if _, twice := changes[name]; twice {
			return nil, fmt.Errorf("the attribute %q is given twice", name)
		}
		changes[name] = value
	}
	return changes, nil
}

// deleteTopic deletes a topic with its queues and offsets, and the topics that its groups' retries went to when they popped from it.
// One that is created later under the name starts anew.
func (c *call) deleteTopic() error {
	name := c.cmd.Fields.Str("topic")
	if err := c.mayAlter(name); err != nil {
		return err
	}
	gone := []string{name}
	for _, group := range c.h.Offsets.Groups(name) {
		gone = append(gone, meta.RetryPrefix+group+"+"+name, meta.RetryPrefix+group+"_"+name)
	}
	for _, name := range gone {
		if err := c.h.Life.Delete(name); err != nil {
			return err
		}
		c.h.stats.Forget(name)
	}
	c.h.Logger.Info("handler: topic deleted", "topic", name, "remote", c.c.RemoteAddr())
	return c.ok()
}

// allTopics answers with the whole table.
func (c *call) allTopics() error {
	all, version := c.h.Topics.All()
	table := make(map[string]*meta.TopicConfig, len(all))
	for _, t := range all {
		table[t.Name] = t
	}
	b, err := json.Marshal(struct {
		Version meta.DataVersion             `json:"dataVersion"`
		Topics  map[string]*meta.TopicConfig `json:"topicConfigTable"`
	}{version, table})
	if err != nil {
		return err
	}
	w := c.c.Reply(c.t, remoting.RespSuccess, "")
	w.Int("totalTopicNum", int64(len(table)))
	w.Body(b)
	w.End()
	return nil
}
