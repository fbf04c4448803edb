package handler

import (
	"errors"
	"net"
	"strconv"

	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
)

// queries are what tools and operators ask.
var queries = map[int32]func(*call) error{
	// topic.go, topiclist.go
	remoting.CodeUpdateAndCreateTopic:         (*call).createTopic,
	remoting.CodeUpdateAndCreateTopicList:     (*call).createTopics,
	remoting.CodeDeleteTopicInBroker:          (*call).deleteTopic,
	remoting.CodeGetAllTopicConfig:            (*call).allTopics,
	remoting.CodeGetTopicConfig:               (*call).topicConfig,
	remoting.CodeGetTopicStatsInfo:            (*call).topicStats,
	remoting.CodeGetSystemTopicListFromBroker: (*call).systemTopics,
	// group.go
	remoting.CodeUpdateAndCreateSubscriptionGroup:     (*call).createGroup,
	remoting.CodeUpdateAndCreateSubscriptionGroupList: (*call).createGroups,
	remoting.CodeDeleteSubscriptionGroup:              (*call).deleteGroup,
	remoting.CodeGetAllSubscriptionGroupConfig:        (*call).allGroups,
	remoting.CodeGetSubscriptionGroupConfig:           (*call).groupConfig,
	remoting.CodeUpdateAndGetGroupForbidden:           (*call).forbidGroup,
	// progress.go, timespan.go
	remoting.CodeGetConsumeStats:       (*call).consumeStats,
	remoting.CodeGetBrokerConsumeStats: (*call).allConsumeStats,
	remoting.CodeQueryConsumeTimeSpan:  (*call).consumeTimeSpan,
	// offsetadmin.go, reset.go
	remoting.CodeGetAllConsumerOffset:      (*call).allOffsets,
	remoting.CodeGetAllDelayOffset:         (*call).delayOffsets,
	remoting.CodeCloneGroupOffset:          (*call).cloneOffsets,
	remoting.CodeQueryCorrectionOffset:     (*call).correctionOffsets,
	remoting.CodeInvokeBrokerToResetOffset: (*call).resetOffset,
	// connection.go, topiclist.go, relay.go
	remoting.CodeGetConsumerConnectionList:       (*call).consumerConnections,
	remoting.CodeGetProducerConnectionList:       (*call).producerConnections,
	remoting.CodeGetAllProducerInfo:              (*call).allProducers,
	remoting.CodeQueryTopicConsumeByWho:          (*call).groupsOfTopic,
	remoting.CodeQueryTopicsByConsumer:           (*call).topicsOfGroup,
	remoting.CodeQuerySubscriptionByConsumer:     (*call).subscriptionOf,
	remoting.CodeGetConsumerRunningInfo:          (*call).relayRunningInfo,
	remoting.CodeConsumeMessageDirectly:          (*call).relayMessage,
	remoting.CodeInvokeBrokerToGetConsumerStatus: (*call).consumerStatus,
	// runtime.go, viewstats.go, configure.go, clean.go, viewqueue.go
	remoting.CodeGetBrokerRuntimeInfo:     (*call).runtimeInfo,
	remoting.CodeViewBrokerStatsData:      (*call).viewStats,
	remoting.CodeGetBrokerConfig:          (*call).brokerConfig,
	remoting.CodeUpdateBrokerConfig:       (*call).updateBrokerConfig,
	remoting.CodeCleanExpiredConsumeQueue: (*call).cleanQueues,
	remoting.CodeDeleteExpiredCommitLog:   (*call).cleanLog,
	remoting.CodeCleanUnusedTopic:         (*call).cleanTopics,
	remoting.CodeQueryConsumeQueue:        (*call).viewQueue,
}

// encode writes the dialect that Java's tools read: objects as keys, integer keys without quotes.
func encode(v any) ([]byte, error) { return fastjson.Marshal(v, fastjson.BareIntegers) }

// body answers with a body in that dialect.
func (c *call) body(v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	return c.bytes(b)
}

// bytes answers with a body and no fields.
func (c *call) bytes(body []byte) error {
	w := c.c.Reply(c.t, remoting.RespSuccess, "")
	w.Body(body)
	w.End()
	return nil
}

// byQueue is a map keyed by MessageQueue.
type byQueue[T any] map[fastjson.Key[queueName]]T

// queueName names a queue of this broker.
func (h *Handler) queueName(topic string, id int32) queueName {
	return queueName{topic, h.Config.Load().BrokerName, id}
}

func (h *Handler) queueKey(topic string, id int32) fastjson.Key[queueName] {
	return fastjson.Key[queueName]{Of: h.queueName(topic, id)}
}

// addr is where clients reach the broker.
func (h *Handler) addr() string {
	return net.JoinHostPort(h.Config.Load().BrokerHost, strconv.FormatInt(h.Config.Load().ListenPort, 10))
}

// topicOf is the topic that a request is about.
func (c *call) topicOf() (*meta.TopicConfig, error) {
	name := c.cmd.Fields.Str("topic")
	if t := c.h.Topics.Get(name); t != nil {
		return t, nil
	}
	return nil, refusal(remoting.RespTopicNotExist, "topic[%s] not exist", name)
}

// storeTime is the store time in ms of the message at a queue offset, -1 where there is none (any more).
func (h *Handler) storeTime(q *store.Queue, queueOffset int64) (int64, error) {
	if lowest, next := q.Bounds(); queueOffset < lowest || queueOffset >= next {
		return -1, nil
	}
	ms, err := h.Store.StoreTime(q, queueOffset)
	if errors.Is(err, commitlog.ErrOutOfRange) {
		return -1, nil // retention was faster
	}
	return ms, err
}

// bounds are the bounds of a queue, with the queue.
func (h *Handler) bounds(topic string, id int32) (q *store.Queue, lowest, next int64, err error) {
	q = h.Store.Queue(topic, id)
	lowest, next, err = consume.Bounds(q)
	return q, lowest, next, err
}
