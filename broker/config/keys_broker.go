package config

import "time"

// Limits of values, by the unit of the key.
const (
	dayMillis = 24 * 3600 * 1000
	maxCount  = 1<<31 - 1
)

func brokerSections() []section {
	return []section{
		{"The broker and its place", []Key{
			{"brokerName", "", restart, "Name of the broker among those of its cluster; the host's name by default.", text(func(c *Config) *string { return &c.BrokerName })},
			{"brokerClusterName", "DefaultCluster", restart, "Name of the cluster that the broker belongs to.", text(func(c *Config) *string { return &c.ClusterName })},
			{"brokerId", "0", restart, "0 for a master, more for its replicas.", number(0, maxCount, "", func(c *Config) *int64 { return &c.BrokerID })},
			{"brokerIP1", "", restart, "Host that clients and name servers are told; found out by default.", text(func(c *Config) *string { return &c.BrokerHost })},
			{"bindAddress", "", restart, "Address to listen at; the role's flag --bind by default.", text(func(c *Config) *string { return &c.BindAddress })},
			{"listenPort", "10911", restart, "Port of the Remoting protocol (a name server's default is 9876).", number(0, 65535, "", func(c *Config) *int64 { return &c.ListenPort })},
			{"namesrvAddr", "", restart, "Name servers as host:port, separated by ; ($NAMESRV_ADDR by default).", list(";", func(c *Config) *[]string { return &c.NamesrvAddrs })},
			{"registerNameServerPeriod", "30000", restart, "Between two registrations with the name servers, at most a minute.", millis(1000, dayMillis, func(c *Config) *time.Duration { return &c.Register })},
			{"registerBrokerTimeoutMills", "24000", restart, "How long a name server may take to answer a registration.", millis(1, dayMillis, func(c *Config) *time.Duration { return &c.RegisterWait })},
			{"compressedRegister", "false", restart, "Compress registrations.", flag(func(c *Config) *bool { return &c.CompressedBody })},
			{"forceRegister", "true", restart, "Register without asking first whether the name server needs it.", flag(func(c *Config) *bool { return &c.ForceRegister })},
			{"enableSingleTopicRegister", "false", restart, "Register a topic that changed without the version of the table.", flag(func(c *Config) *bool { return &c.TopicAlone })},
			{"fetchNameSrvAddrByDnsLookup", "false", restart, "A host in namesrvAddr is a name that stands for several name servers.", flag(func(c *Config) *bool { return &c.ResolveNamesrvs })},
			{"updateNameServerAddrPeriod", "120000", restart, "Between two such look-ups.", millis(1000, dayMillis, func(c *Config) *time.Duration { return &c.ResolveNamesrvsEvery })},
			{"brokerPermission", "6", reload, "What clients may do: 4 read, 2 write, 6 both.", number(0, 7, "", func(c *Config) *int64 { return &c.BrokerPerm })},
			{"serverChannelMaxIdleTimeSeconds", "120", restart, "A connection without traffic for so long is closed.", seconds(1, 86400, func(c *Config) *time.Duration { return &c.MaxIdle })},
			{"regionId", "DefaultRegion", restart, "Region that messages and traces carry.", text(func(c *Config) *string { return &c.RegionID })},
			{"traceOn", "true", restart, "Tell clients to trace their messages if they can.", flag(func(c *Config) *bool { return &c.TraceOn })},
		}},
		{"Topics and groups", []Key{
			{"autoCreateTopicEnable", "true", reload, "Create a topic when a message is sent to it.", flag(func(c *Config) *bool { return &c.AutoCreateTopic })},
			{"defaultTopicQueueNums", "8", restart, "Queues of a topic that is created in this way, at most.", number(1, 65536, "queues", func(c *Config) *int64 { return &c.DefaultTopicQueues })},
			{"clusterTopicEnable", "true", restart, "The topic named like the cluster may be read and written.", flag(func(c *Config) *bool { return &c.ClusterTopic })},
			{"brokerTopicEnable", "true", restart, "The topic named like the broker may be read and written.", flag(func(c *Config) *bool { return &c.BrokerTopic })},
			{"traceTopicEnable", "false", restart, "Have a topic for message traces.", flag(func(c *Config) *bool { return &c.TraceTopic })},
			{"msgTraceTopicName", "RMQ_SYS_TRACE_TOPIC", restart, "Name of the topic for message traces.", text(func(c *Config) *string { return &c.TraceTopicName })},
			{"validateSystemTopicWhenUpdateTopic", "true", reload, "Refuse to create, change or delete system topics.", flag(func(c *Config) *bool { return &c.ProtectSystemTopic })},
			{"autoCreateSubscriptionGroup", "true", reload, "Create a consumer group when it first consumes.", flag(func(c *Config) *bool { return &c.AutoCreateGroup })},
			{"maxMessageSize", "4194304", restart, "Longest body of a message.", number(1, 64<<20, "bytes", func(c *Config) *int64 { return &c.MaxMessageBytes })},
			{"messageDelayLevel", "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h", restart, "Waits of the delay levels 1, 2, …; retries use them from 3 on.", func(c *Config) value { return delayLevels{&c.DelayLevels} }},
			{"flushDelayOffsetInterval", "10000", restart, "Between two writes of how far the delay levels are delivered.", millis(10, dayMillis, func(c *Config) *time.Duration { return &c.SaveDelayOffsets })},
		}},
		{"Consumption", []Key{
			{"longPollingEnable", "true", reload, "Hold a pull that finds nothing as long as the consumer allows.", flag(func(c *Config) *bool { return &c.LongPolling })},
			{"shortPollingTimeMills", "1000", reload, "How long it is held when longPollingEnable is false.", millis(0, dayMillis, func(c *Config) *time.Duration { return &c.ShortPolling })},
			{"notifyConsumerIdsChangedEnable", "true", reload, "Tell the members of a group when one comes or goes.", flag(func(c *Config) *bool { return &c.NotifyIDsChanged })},
			{"useServerSideResetOffset", "true", reload, "A reset of offsets takes effect in the broker, rather than by the consumers.", flag(func(c *Config) *bool { return &c.ResetInBroker })},
			{"channelExpiredTimeout", "120000", restart, "A client without a heartbeat for so long is forgotten.", millis(1000, dayMillis, func(c *Config) *time.Duration { return &c.ClientExpiry })},
			{"flushConsumerOffsetInterval", "5000", restart, "Between two writings of the committed offsets.", millis(1, dayMillis, func(c *Config) *time.Duration { return &c.PersistOffsets })},
			{"maxTransferBytesOnMessageInMemory", "262144", reload, "Most bytes that one pull gets of messages in memory.", number(1, 16<<20, "bytes", func(c *Config) *int64 { return &c.MaxPullBytes })},
			{"maxTransferCountOnMessageInMemory", "32", reload, "Most messages that one pull gets of those in memory.", number(1, maxCount, "messages", func(c *Config) *int64 { return &c.MaxPullMessages })},
			{"maxTransferBytesOnMessageInDisk", "65536", reload, "Most bytes that one pull gets of messages on disk.", number(1, 16<<20, "bytes", func(c *Config) *int64 { return &c.MaxPullBytesOnDisk })},
			{"maxTransferCountOnMessageInDisk", "8", reload, "Most messages that one pull gets of those on disk.", number(1, maxCount, "messages", func(c *Config) *int64 { return &c.MaxPullMessagesDisk })},
			{"pullBatchMaxMessageCount", "160", reload, "Most messages that one pull gets however many fit.", number(1, maxCount, "messages", func(c *Config) *int64 { return &c.MaxPullBatch })},
			{"defaultQueryMaxNum", "32", reload, "Most messages that a query by key returns.", number(1, maxCount, "messages", func(c *Config) *int64 { return &c.MaxQueryMessages })},
			{"enableLmq", "false", restart, "Have lightweight queues; consumer offsets then lie in lmqConsumerOffset.json.", flag(func(c *Config) *bool { return &c.EnableLMQ })},
			{"enableMultiDispatch", "false", restart, "Put a message into several queues if its properties say so.", flag(func(c *Config) *bool { return &c.EnableMultiDispatch })},
			{"timerWheelEnable", "true", restart, "Have the topic of messages with any delay.", flag(func(c *Config) *bool { return &c.EnableTimer })},
			{"litePullMessageEnable", "true", reload, "Serve lite pull consumers.", flag(func(c *Config) *bool { return &c.LitePull })},
			{"storeReplyMessageEnable", "true", reload, "Keep the replies to requests in a topic, beside passing them on.", flag(func(c *Config) *bool { return &c.StoreReplies })},
			{"reviveQueueNum", "8", restart, "Queues of the topic that pop consumption is recovered from.", number(1, 1024, "queues", func(c *Config) *int64 { return &c.ReviveQueues })},
		}},
		{"Overload", []Key{
			{"brokerFastFailureEnable", "true", reload, "Turn requests away with SYSTEM_BUSY that waited for too long, so that clients try another broker.", flag(func(c *Config) *bool { return &c.FastFail })},
			{"waitTimeMillsInSendQueue", "1000", reload, "How long a send may wait from when it was read until the log takes it (RocketMQ's default is 200).", millis(1, dayMillis, func(c *Config) *time.Duration { return &c.SendWait })},
			{"waitTimeMillsInPullQueue", "5000", reload, "How long a pull may wait from when it was read until it is looked at.", millis(1, dayMillis, func(c *Config) *time.Duration { return &c.PullWait })},
			{"waitTimeMillsInLitePullQueue", "5000", reload, "The same of a lite pull.", millis(1, dayMillis, func(c *Config) *time.Duration { return &c.LitePullWait })},
			{"osPageCacheBusyTimeOutMills", "1000", reload, "Turn sends away at once while a write to the log has taken longer than this.", millis(1, dayMillis, func(c *Config) *time.Duration { return &c.AppendStall })},
		}},
		{"The name server", []Key{
			{"scanNotActiveBrokerInterval", "5000", restart, "Between two looks for brokers that are silent for too long.", millis(10, dayMillis, func(c *Config) *time.Duration { return &c.BrokerScan })},
			{"deleteTopicWithBrokerRegistration", "false", reload, "Forget topics that a broker's registration leaves out.", flag(func(c *Config) *bool { return &c.DeleteUnregistered })},
			{"orderMessageEnable", "false", reload, "Put the configuration of ordered topics into routes.", flag(func(c *Config) *bool { return &c.OrderTopics })},
			{"returnOrderTopicConfigToBroker", "true", reload, "Answer registrations with the ordered topics.", flag(func(c *Config) *bool { return &c.ReturnOrderTopics })},
			{"enableAllTopicList", "true", reload, "Answer requests for the list of all topics.", flag(func(c *Config) *bool { return &c.ListAllTopics })},
			{"enableTopicList", "true", reload, "Answer requests for the topics of a cluster.", flag(func(c *Config) *bool { return &c.ListTopics })},
			{"supportActingMaster", "false", reload, "In routes, let the first replica stand in for a missing master.", flag(func(c *Config) *bool { return &c.ActingMaster })},
			{"notifyMinBrokerIdChanged", "false", reload, "Tell the processes of a broker when the lowest id among them changes.", flag(func(c *Config) *bool { return &c.NotifyMinID })},
			{"needWaitForService", "false", reload, "Refuse routes for a while after the start, until brokers have registered.", flag(func(c *Config) *bool { return &c.WaitForBrokers })},
			{"waitSecondsForService", "45", reload, "How long that while is.", seconds(0, 86400, func(c *Config) *time.Duration { return &c.WaitForBrokersTime })},
			{"kvConfigPath", "", restart, "File of the key-value table; DATA/namesrv/kvConfig.json by default.", text(func(c *Config) *string { return &c.KVConfigPath })},
		}},
	}
}
