package meta

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// GroupConfig describes a group of consumers. One that a table has given out is shared: it must not be changed.
type GroupConfig struct {
	Name               string            `json:"groupName"`
	ConsumeEnable      bool              `json:"consumeEnable"`
	ConsumeFromMin     bool              `json:"consumeFromMinEnable"`
	ConsumeBroadcast   bool              `json:"consumeBroadcastEnable"`
	ConsumeOrderly     bool              `json:"consumeMessageOrderly"`
	RetryQueues        int32             `json:"retryQueueNums"`
	RetryMaxTimes      int32             `json:"retryMaxTimes"` // then the message goes to the dead-letter topic
	Retry              RetryPolicy       `json:"groupRetryPolicy"`
	BrokerID           int64             `json:"brokerId"`                     // from which replica to read: 0 the master
	SlowBrokerID       int64             `json:"whichBrokerWhenConsumeSlowly"` // the same for consumers that lag far behind
	NotifyIDsChanged   bool              `json:"notifyConsumerIdsChangedEnable"`
	SysFlag            int32             `json:"groupSysFlag"`
	ConsumeTimeoutMins int32             `json:"consumeTimeoutMinute"`
	Subscriptions      []Subscription    `json:"subscriptionDataSet,omitempty"` // fixed ones; nil: those of the clients count
	Attributes         map[string]string `json:"attributes"`
}

// Subscription is one that is part of a group's configuration.
type Subscription struct {
	Topic          string `json:"topic"`
	ExpressionType string `json:"expressionType"` // TAG or SQL92
	Expression     string `json:"expression"`
	Version        int64  `json:"version"`
}

// NewGroup is a group with the defaults that one has that is created by its first consumer.
func NewGroup(name string) GroupConfig {
	return GroupConfig{
		Name: name, ConsumeEnable: true, ConsumeFromMin: true, ConsumeBroadcast: true,
		RetryQueues: 1, RetryMaxTimes: 16, Retry: RetryPolicy{Type: RetryCustomized},
		SlowBrokerID: 1, NotifyIDsChanged: true, ConsumeTimeoutMins: 15,
	}
}

// Check returns an error that names the field unless the group can be created.
func (c *GroupConfig) Check() error {
	if err := CheckGroup(c.Name); err != nil {
		return err
	}
	if c.RetryQueues < 0 || c.RetryQueues > maxQueues {
		return fmt.Errorf("group %s: %d retry queues, 0 to %d are possible", c.Name, c.RetryQueues, maxQueues)
	}
	return nil
}

// UnmarshalJSON reads a group; fields that are missing have the values of NewGroup.
func (c *GroupConfig) UnmarshalJSON(data []byte) error {
	type plain GroupConfig
	p := plain(NewGroup(""))
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	*c = GroupConfig(p)
	return nil
}

func (c *GroupConfig) clone() *GroupConfig {
	d := *c
	d.Attributes = make(map[string]string, len(c.Attributes))
	maps.Copy(d.Attributes, c.Attributes)
	d.Subscriptions = append([]Subscription(nil), c.Subscriptions...)
	return &d
}

// Kinds of retry policy.
const (
	RetryCustomized  = "CUSTOMIZED"
	RetryExponential = "EXPONENTIAL"
)

// RetryPolicy says how long a message rests before it is consumed again.
type RetryPolicy struct {
	Type        string            `json:"type"`
	Exponential *ExponentialRetry `json:"exponentialRetryPolicy,omitempty"`
	Customized  *CustomizedRetry  `json:"customizedRetryPolicy,omitempty"`
}

// ExponentialRetry waits initial × multiplier^times, at most max. All in milliseconds.
type ExponentialRetry struct {
	Initial    int64 `json:"initial"`
	Max        int64 `json:"max"`
	Multiplier int64 `json:"multiplier"`
}

// CustomizedRetry is a list of waits in milliseconds. The first retry takes the third of them: the list began its life
// as the delay levels, of which the two shortest were never used for retries.
type CustomizedRetry struct {
	Next []int64 `json:"next"`
}

// defaultWaits are the waits of a policy that gives none, in seconds.
var defaultWaits = [...]int64{1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200}

// Given tells whether the policy says how long to wait, as opposed to leaving that to the delay levels.
func (p *RetryPolicy) Given() bool {
	return p.Type == RetryExponential && p.Exponential != nil || p.Type == RetryCustomized && p.Customized != nil && len(p.Customized.Next) > 0
}

// Wait returns how long a message rests that was consumed 1 + reconsumeTimes times.
func (p *RetryPolicy) Wait(reconsumeTimes int32) time.Duration {
	times := int64(max(0, reconsumeTimes))
	if e := p.Exponential; p.Type == RetryExponential && e != nil {
		wait := e.Initial
		for range min(times, 32) {
			if wait >= e.Max || e.Multiplier > 0 && wait > e.Max/e.Multiplier {
				wait = e.Max
				break
			}
			wait *= e.Multiplier
		}
		return millis(min(wait, e.Max))
	}
	if c := p.Customized; p.Type == RetryCustomized && c != nil && len(c.Next) > 0 {
		return millis(c.Next[min(times+2, int64(len(c.Next)-1))])
	}
	return time.Duration(defaultWaits[min(times+2, int64(len(defaultWaits)-1))]) * time.Second
}

// millis is a wait that a user configured; out of range it is the nearest that is possible.
func millis(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return time.Duration(min(max(n, 0), most)) * time.Millisecond
}
