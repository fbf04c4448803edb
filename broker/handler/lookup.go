package handler

import (
	"errors"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/store"
)

// light is what light queues and their groups share, which exist without anybody creating them. The names in it say nothing.
type light struct {
	topic meta.TopicConfig
	group meta.GroupConfig
}

func newLight() light { return light{meta.NewTopic("", 1), meta.NewGroup("")} }

func (h *Handler) isLight(name []byte) bool {
	return h.Config.Load().EnableLMQ && len(name) >= len(meta.LMQPrefix) && string(name[:len(meta.LMQPrefix)]) == meta.LMQPrefix
}

// topic returns the configuration of a topic, nil if there is none.
func (h *Handler) topic(name []byte) *meta.TopicConfig {
	t := h.Topics.GetBytes(name)
	if t == nil && h.isLight(name) {
		return &h.light.topic
	}
	return t
}

// group returns the configuration of a consumer group, made on first use where the broker's configuration allows that; nil if
// there is none.
func (h *Handler) group(name []byte) (*meta.GroupConfig, error) {
	if g := h.Groups.GetBytes(name); g != nil {
		return g, nil
	}
	if h.isLight(name) {
		return &h.light.group, nil
	}
	g, err := h.Groups.Ensure(string(name), h.Config.Load().AutoCreateGroup)
	if errors.Is(err, meta.ErrName) {
		return nil, nil
	}
	return g, err
}

// hasGroup tells whether a consumer group is there.
func (h *Handler) hasGroup(name []byte) bool {
	return h.Groups.GetBytes(name) != nil || h.isLight(name)
}

// queueOf is the queue that the fields topic and queueId name.
func (c *call) queueOf() (*store.Queue, error) {
	topic, _ := c.cmd.Fields.Get("topic")
	id, err := c.cmd.Fields.Int32("queueId", -1)
	if err != nil {
		return nil, err
	}
	t := c.h.topic(topic)
	if t == nil {
		return nil, noTopic(topic)
	}
	if id < 0 || id >= max(t.ReadQueues, t.WriteQueues) {
		return nil, illegalQueue(c.c, t, topic, id)
	}
	return c.h.queue(topic, id), nil
}

func (h *Handler) queue(topic []byte, id int32) *store.Queue {
	if q := h.Store.LookupBytes(topic, id); q != nil {
		return q
	}
	return h.Store.Queue(string(topic), id)
}

func noTopic(name []byte) error {
	return refusal(remoting.RespTopicNotExist, "topic[%s] not exist, apply first please!", name)
}

func illegalQueue(c *remoting.Conn, t *meta.TopicConfig, topic []byte, id int32) error {
	return refusal(remoting.RespInvalidParameter, "queueId[%d] is illegal, topic:[%s] topicConfig.readQueueNums:[%d] consumer:[%s]", id, topic, t.ReadQueues, c.RemoteAddr())
}
