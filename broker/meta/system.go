package meta

// System says for which broker the system topics are.
type System struct {
	Cluster, Broker string // names
	DefaultQueues   int32  // of topics that are created automatically
	ReviveQueues    int32  // 0: the peer's 8
	AutoCreate      bool   // topics are created by the first send
	ClusterTopic    bool   // the cluster's topic may be read and written
	BrokerTopic     bool   // the broker's topic may be read and written
	Timer           bool   // messages with any delay are supported
	TraceTopic      string // "": none
}

// scheduleQueues is one queue per delay level.
const scheduleQueues = 18

// Topics returns the topics that a broker has without anybody creating them.
func (s System) Topics() []TopicConfig {
	inherited := func(name string, queues int32, readWrite bool) TopicConfig {
		t := NewTopic(name, queues)
		t.Perm = PermInherit
		if readWrite {
			t.Perm |= PermRead | PermWrite
		}
		return t
	}
	revive := s.ReviveQueues
	if revive == 0 {
		revive = 8
	}
	topics := []TopicConfig{
		NewTopic(SelfTestTopic, 1),
		NewTopic(BenchmarkTopic, 1024),
		inherited(s.Cluster, defaultQueues, s.ClusterTopic),
		inherited(s.Broker, 1, s.BrokerTopic),
		NewTopic(OffsetMovedTopic, 1),
		NewTopic(ScheduleTopic, scheduleQueues),
		NewTopic(s.Cluster+"_REPLY_TOPIC", 1),
		NewTopic(systemTopicPrefix+"REVIVE_LOG_"+s.Cluster, revive),
		inherited(systemTopicPrefix+"SYNC_BROKER_MEMBER_"+s.Broker, 1, false),
		NewTopic(HalfTopic, 1),
		NewTopic(OpHalfTopic, 1),
	}
	if s.AutoCreate {
		topics = append(topics, inherited(DefaultTopic, s.DefaultQueues, true))
	}
	if s.Timer {
		topics = append(topics, NewTopic(TimerTopic, 1))
	}
	if s.TraceTopic != "" {
		topics = append(topics, NewTopic(s.TraceTopic, 1))
	}
	return topics
}
