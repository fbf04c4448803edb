package produce

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Request is a send as a client asks for it. Its slices are needed until Submit returns.
type Request struct {
	Topic          []byte
	QueueID        int32 // negative: any
	SysFlag, Flag  int32
	BornTimestamp  int64
	BornHost       record.Host
	Properties     []byte
	ReconsumeTimes int32
	MaxReconsume   int32 // of a message to a retry topic; negative: the group's
	Body           []byte
	Batch          bool // Body is a batch of messages
	DefaultTopic   []byte
	DefaultQueues  int32
}

// Reason is why a message was not taken.
type Reason uint8

const (
	_ Reason = iota
	Failed
	NoTopic
	NoPermission
	IllegalTopic
	IllegalQueue
	IllegalMessage
	Unavailable // another broker may take it
	FlushTimeout
	NotSupported
	NoGroup
)

// Refusal says why a message was not taken.
type Refusal struct {
	Reason Reason
	Remark string // what was found and what would help
}

func refuse(r Reason, format string, args ...any) *Refusal {
	return &Refusal{r, fmt.Sprintf(format, args...)}
}

// refusal is what an error of the store means to the sender.
func refusal(err error) *Refusal {
	switch {
	case errors.Is(err, commitlog.ErrFlushTimeout):
		return refuse(FlushTimeout, "the message is stored, but not on disk in time: %v", err)
	case errors.Is(err, commitlog.ErrTooLarge), errors.Is(err, record.ErrPropertiesTooLong), errors.Is(err, record.ErrTopicTooLong):
		return refuse(IllegalMessage, "the message is illegal, see maxMessageSize: %v", err)
	case errors.Is(err, store.ErrNoTopic):
		return refuse(NoTopic, "%v", err)
	case errors.Is(err, commitlog.ErrRefused), errors.Is(err, commitlog.ErrFailed), errors.Is(err, commitlog.ErrClosed), errors.Is(err, vfs.ErrFull):
		return refuse(Unavailable, "service not available now: %v", err)
	default:
		return refuse(Failed, "%v", err)
	}
}

// derivedGroup is the group that a retry or dead-letter topic belongs to.
func derivedGroup(topic string) (string, bool) {
	if group, ok := strings.CutPrefix(topic, meta.RetryPrefix); ok {
		return group, true
	}
	return strings.CutPrefix(topic, meta.DLQPrefix)
}

// unsupported names what a message asks for that this broker does not do. Storing it as an ordinary message would deliver it
// at once, or without its transaction.
func unsupported(r *Request) string {
	for name, value := range record.Pairs(r.Properties) {
		switch string(name) {
		case record.PropDelayLevel:
			if string(value) != "0" && !strings.HasPrefix(string(r.Topic), meta.RetryPrefix) {
				return "delay levels"
			}
		case record.PropTimerDelaySec, record.PropTimerDelayMs, record.PropTimerDeliverMs:
			return "delayed messages"
		case record.PropTransactionPrepared:
			if string(value) == "true" {
				return "transactions"
			}
		}
	}
	return ""
}
