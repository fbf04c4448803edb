package config

import "time"

// Config has the value of every key. The zero value is of no use: Default and Load make one.
type Config struct {
	// Who the broker is, and where.
	BrokerName   string
	ClusterName  string
	BrokerID     int64
	BrokerHost   string // what clients and name servers are told; "": found out
	BindAddress  string
	ListenPort   int64
	NamesrvAddrs []string
	BrokerPerm   int64 // PermRead and PermWrite bits
	RegionID     string
	TraceOn      bool
	MaxIdle      time.Duration // of a connection

	// How the broker registers with name servers.
	Register             time.Duration // between two registrations
	RegisterWait         time.Duration // for the answer to one
	CompressedBody       bool
	ForceRegister        bool // without asking first whether that's needed
	TopicAlone           bool // a topic that changed
	ResolveNamesrvs      bool // a host stands for several
	ResolveNamesrvsEvery time.Duration

	// Topics and groups.
	AutoCreateTopic    bool
	DefaultTopicQueues int64
	ClusterTopic       bool
	BrokerTopic        bool
	TraceTopic         bool
	TraceTopicName     string
	ProtectSystemTopic bool
	AutoCreateGroup    bool
	MaxMessageBytes    int64
	DelayLevels        []time.Duration
	SaveDelayOffsets   time.Duration // between two writes of how far they are delivered

	// Consumption.
	LongPolling         bool
	ShortPolling        time.Duration
	NotifyIDsChanged    bool
	ResetInBroker       bool
	PersistOffsets      time.Duration
	ClientExpiry        time.Duration
	MaxPullBytes        int64 // of messages that are in memory
	MaxPullMessages     int64
	MaxPullBytesOnDisk  int64
	MaxPullMessagesDisk int64
	MaxPullBatch        int64
	MaxQueryMessages    int64
	EnableLMQ           bool
	EnableMultiDispatch bool
	EnableTimer         bool
	ReviveQueues        int64
	LitePull            bool
	StoreReplies        bool

	// When a request is turned away because the broker is busy.
	FastFail     bool          // those that waited for too long
	SendWait     time.Duration // so long is too long for a send
	PullWait     time.Duration
	LitePullWait time.Duration
	AppendStall  time.Duration // sends are, while the log has taken nothing for so long

	// Files of the store.
	StoreDir            string   // "": the role decides
	LogDirs             []string // nil: StoreDir/commitlog
	ReadOnlyLogDirs     []string
	SegmentBytes        int64
	QueueFileBytes      int64
	EnableQueueExt      bool
	QueueExtFileBytes   int64
	BatchQueueFileBytes int64
	EnableIndex         bool
	IndexSlots          int64
	IndexEntries        int64
	RecordCRC           bool

	// When what is written becomes durable.
	FlushDisk        string // AsyncFlush or SyncFlush
	SyncFlushTimeout time.Duration
	FlushLogEvery    time.Duration
	FlushQueuesEvery time.Duration

	// What is deleted, and when.
	DeleteHours      []int
	ReservedTime     time.Duration
	CleanEvery       time.Duration
	DiskCleanRatio   int64 // percent of the disk
	DiskForcedRatio  int64
	DiskWarningRatio int64
	CleanForcibly    bool

	// The name server.
	BrokerScan         time.Duration
	DeleteUnregistered bool
	OrderTopics        bool
	ReturnOrderTopics  bool
	ListAllTopics      bool
	ListTopics         bool
	ActingMaster       bool // for a missing one, in routes
	NotifyMinID        bool
	WaitForBrokers     bool // before routes are given
	WaitForBrokersTime time.Duration
	KVConfigPath       string

	TLS TLS

	given map[string]bool
}

// Values of FlushDisk.
const (
	AsyncFlush = "ASYNC_FLUSH" // a message is acknowledged when it is written
	SyncFlush  = "SYNC_FLUSH"  // a message is acknowledged when it is on the disk
)

// Given tells whether a file or a setting gave the key, as opposed to its default.
func (c *Config) Given(key string) bool { return c.given[key] }

// Default returns the configuration of an empty file.
func Default() *Config {
	c := &Config{given: map[string]bool{}}
	for _, k := range Keys() {
		if k.Default == "" {
			continue // the field's zero value: the owner finds out
		}
		// A default that its own key refuses is caught by a test.
		_ = k.field(c).set(k.Default)
	}
	return c
}
