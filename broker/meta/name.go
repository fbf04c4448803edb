package meta

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// Prefixes of derived topic names.
const (
	RetryPrefix = record.RetryPrefix // + group: messages that a consumer sent back
	DLQPrefix   = record.DLQPrefix   // + group: messages whose retries ran out
	LMQPrefix   = record.LMQPrefix   // lightweight queues and their groups
)

// Topics with a role of their own.
const (
	DefaultTopic      = record.TopicAutoCreate // whose configuration automatically created topics inherit
	BenchmarkTopic    = record.TopicBenchmark
	ScheduleTopic     = record.TopicSchedule
	TimerTopic        = record.TopicTimer
	HalfTopic         = record.TopicTransactionHalf
	OpHalfTopic       = record.TopicTransactionOp
	CheckMaxTopic     = record.TopicTransactionCheckLimit
	TraceTopic        = record.TopicTrace
	SelfTestTopic     = record.TopicSelfTest
	OffsetMovedTopic  = record.TopicOffsetMoved
	systemTopicPrefix = record.SystemTopicPrefix
	systemGroupPrefix = "CID_RMQ_SYS_"
)

// Longest names, in bytes. A group's is shorter than a topic's so that its retry topics fit into a record.
const (
	maxTopicLen   = 127
	maxDerivedLen = 255
	maxGroupLen   = 120
)

// ErrName is a topic or group name that may not be used.
var ErrName = errors.New("illegal name")

// CheckTopic returns an error that wraps ErrName unless name can be a topic's.
func CheckTopic(name string) error {
	limit := maxTopicLen
	if strings.HasPrefix(name, RetryPrefix) || strings.HasPrefix(name, DLQPrefix) {
		limit = maxDerivedLen
	}
	return checkName("topic", name, limit)
}

// CheckGroup returns an error that wraps ErrName unless name can be a producer's or consumer's group.
func CheckGroup(name string) error { return checkName("group", name, maxGroupLen) }

func checkName(kind, name string, limit int) error {
	if name == "" {
		return fmt.Errorf("%w: the %s is empty", ErrName, kind)
	}
	if len(name) > limit {
		return fmt.Errorf("%w: the %s %.40q… has %d bytes, at most %d are allowed", ErrName, kind, name, len(name), limit)
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return fmt.Errorf("%w: the %s %q has %q at position %d, allowed are a-z A-Z 0-9 %% | _ -", ErrName, kind, name, name[i], i)
		}
	}
	return nil
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '%' || c == '|'
}

// IsSystemTopic tells whether a name is reserved on every broker. A broker reserves some more: see Topics.IsSystem.
func IsSystemTopic(name string) bool {
	switch name {
	case DefaultTopic, BenchmarkTopic, ScheduleTopic, HalfTopic, OpHalfTopic, CheckMaxTopic, TraceTopic, SelfTestTopic, OffsetMovedTopic,
		record.TopicRocksTransactionHalf, record.TopicRocksTransactionOp, record.TopicCheckpoint:
		return true
	}
	return strings.HasPrefix(name, systemTopicPrefix)
}

// MaySend tells whether clients may send to a topic: the others are written by the broker alone, and what a client
// wrote there would be taken for the broker's own (a delayed, timed or half message).
func MaySend(name string) bool {
	switch name {
	case ScheduleTopic, HalfTopic, OpHalfTopic, CheckMaxTopic, SelfTestTopic, OffsetMovedTopic, TimerTopic:
		return false
	}
	return true
}

// IsSystemGroup tells whether a group belongs to brokers, tools or client libraries rather than to an application.
func IsSystemGroup(name string) bool {
	switch name {
	case "DEFAULT_CONSUMER", "DEFAULT_PRODUCER", "SCHEDULE_CONSUMER", "__MONITOR_CONSUMER", "CLIENT_INNER_PRODUCER", "SELF_TEST_P_GROUP":
		return true
	}
	for _, g := range predefinedGroups {
		if g == name {
			return true
		}
	}
	return strings.HasPrefix(name, systemGroupPrefix)
}

// predefinedGroups are the consumer groups that exist on every broker.
var predefinedGroups = [...]string{
	"TOOLS_CONSUMER", "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP", "CID_ONS-HTTP-PROXY",
	"CID_ONSAPI_PULL", "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER", "CID_RMQ_SYS_TRANS",
}
