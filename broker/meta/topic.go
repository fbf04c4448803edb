package meta

import (
	"encoding/json"
	"fmt"
	"maps"
)

// Permission bits of a topic.
const (
	PermInherit = 1 // topics may be created after its model
	PermWrite   = 2
	PermRead    = 4
)

// Attribute names of topics.
const (
	AttrMessageType = "message.type"   // UNSPECIFIED NORMAL FIFO DELAY TRANSACTION MIXED
	AttrQueueType   = "queue.type"     // SimpleCQ BatchCQ
	AttrCleanup     = "cleanup.policy" // DELETE COMPACTION
	AttrReserveTime = "reserve.time"   // of the tiered copy, in hours; -1: the broker's default
)

// Defaults of fields that a file leaves out.
const (
	defaultQueues     = 16
	defaultFilterType = "SINGLE_TAG"
	multiTag          = "MULTI_TAG"
)

// Bits of SysFlag.
const (
	SysFlagUnit             = 1 // created in unit mode
	SysFlagUnitSubscription = 2 // the same of a retry topic
)

// maxQueues bounds the queues of a topic that is created here; a loaded file may say more.
const maxQueues = 65536

// TopicConfig describes a topic. One that a table has given out is shared: it must not be changed.
type TopicConfig struct {
	Name        string            `json:"topicName"`
	ReadQueues  int32             `json:"readQueueNums"`
	WriteQueues int32             `json:"writeQueueNums"`
	Perm        int32             `json:"perm"`
	FilterType  string            `json:"topicFilterType"` // SINGLE_TAG or MULTI_TAG
	SysFlag     int32             `json:"topicSysFlag"`    // unit flags
	Order       bool              `json:"order"`
	Attributes  map[string]string `json:"attributes"`
}

// NewTopic is a topic that may be read and written, with the same number of queues for both.
func NewTopic(name string, queues int32) TopicConfig {
	return TopicConfig{Name: name, ReadQueues: queues, WriteQueues: queues, Perm: PermRead | PermWrite, FilterType: defaultFilterType}
}

// Readable tells whether consumers may read the topic.
func (c *TopicConfig) Readable() bool { return c.Perm&PermRead != 0 }

// Writable tells whether producers may write to the topic.
func (c *TopicConfig) Writable() bool { return c.Perm&PermWrite != 0 }

// Compacted tells whether only the last message of each key is kept.
func (c *TopicConfig) Compacted() bool { return c.Attributes[AttrCleanup] == "COMPACTION" }

// MultiTag tells whether messages of the topic are marked as having several tags.
func (c *TopicConfig) MultiTag() bool { return c.FilterType == multiTag }

// Check returns an error that names the field unless the topic can be created.
func (c *TopicConfig) Check() error {
	if err := CheckTopic(c.Name); err != nil {
		return err
	}
	switch {
	case c.ReadQueues < 0 || c.ReadQueues > maxQueues:
		return fmt.Errorf("topic %s: %d read queues, 0 to %d are possible", c.Name, c.ReadQueues, maxQueues)
	case c.WriteQueues < 0 || c.WriteQueues > maxQueues:
		return fmt.Errorf("topic %s: %d write queues, 0 to %d are possible", c.Name, c.WriteQueues, maxQueues)
	case c.Perm < 0 || c.Perm > PermInherit|PermWrite|PermRead:
		return fmt.Errorf("topic %s: permission %d, a sum of 4 (read), 2 (write) and 1 (inherit) is expected", c.Name, c.Perm)
	case c.FilterType != defaultFilterType && c.FilterType != multiTag:
		return fmt.Errorf("topic %s: filter type %q, SINGLE_TAG or MULTI_TAG is expected", c.Name, c.FilterType)
	}
	return nil
}

// UnmarshalJSON reads a topic; fields that are missing have the defaults of RocketMQ.
func (c *TopicConfig) UnmarshalJSON(data []byte) error {
	type plain TopicConfig
	p := plain(NewTopic("", defaultQueues))
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	*c = TopicConfig(p)
	return nil
}

// clone is a copy that shares nothing; its attributes are never nil, because RocketMQ doesn't expect null there.
func (c *TopicConfig) clone() *TopicConfig {
	d := *c
	d.Attributes = make(map[string]string, len(c.Attributes))
	maps.Copy(d.Attributes, c.Attributes)
	return &d
}

func (c *TopicConfig) equal(d *TopicConfig) bool {
	return c.Name == d.Name && c.ReadQueues == d.ReadQueues && c.WriteQueues == d.WriteQueues && c.Perm == d.Perm &&
		c.FilterType == d.FilterType && c.SysFlag == d.SysFlag && c.Order == d.Order && maps.Equal(c.Attributes, d.Attributes)
}
