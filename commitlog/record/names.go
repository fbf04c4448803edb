package record

// Names of properties that the server reads or writes.
const (
	PropKeys                   = "KEYS"         // index keys, separated by single spaces
	PropTags                   = "TAGS"         // the tag; see TagCode
	PropWait                   = "WAIT"         // "true" or "false": the answer waits for flush and replication
	PropDelayLevel             = "DELAY"        // delay level; stays on the copy that is delivered
	PropRetryTopic             = "RETRY_TOPIC"  // topic of the first copy of a consumer's retry
	PropOriginGroup            = "ORIGIN_GROUP" // consumer group of a pop retry
	PropRealTopic              = "REAL_TOPIC"   // destination of a message that waits in a system topic
	PropRealQueueID            = "REAL_QID"     // and its queue
	PropTransactionPrepared    = "TRAN_MSG"     // "true": the client asks for a half message
	PropProducerGroup          = "PGROUP"
	PropMinOffset              = "MIN_OFFSET"    // clients only
	PropMaxOffset              = "MAX_OFFSET"    // clients only
	PropBuyerID                = "BUYER_ID"      // legacy
	PropTransferFlag           = "TRANSFER_FLAG" // legacy
	PropCorrectionFlag         = "CORRECTION_FLAG"
	PropMQ2Flag                = "MQ2_FLAG"
	PropOriginMessageID        = "ORIGIN_MESSAGE_ID" // offset message id of the first copy
	PropReconsumeTime          = "RECONSUME_TIME"    // legacy counter of a message that was sent back
	PropMsgRegion              = "MSG_REGION"
	PropTraceOn                = "TRACE_ON"
	PropCluster                = "CLUSTER"
	PropUniqKey                = "UNIQ_KEY" // the client's unique id, opaque
	PropExtendUniqInfo         = "EXTEND_UNIQ_INFO"
	PropMaxReconsumeTimes      = "MAX_RECONSUME_TIMES"
	PropConsumeStartTime       = "CONSUME_START_TIME" // clients only
	PropPriority               = "_SYS_MSG_PRIORITY_"
	PropInnerNum               = "INNER_NUM"  // messages in an inner batch
	PropInnerBase              = "INNER_BASE" // queue offset of the first of them
	PropDupInfo                = "DUP_INFO"
	PropCheckImmunityTime      = "CHECK_IMMUNITY_TIME_IN_SECONDS" // s in which a half message isn't checked
	PropTransactionQueueOffset = "TRAN_PREPARED_QUEUE_OFFSET"     // of the first copy of a half message that was put back
	PropTransactionID          = "__transactionId__"
	PropTransactionCheckTimes  = "TRANSACTION_CHECK_TIMES"
	PropTransactionOffset      = "TRANS_OFFSET" // log offset of the half message
	PropInstanceID             = "INSTANCE_ID"
	PropCorrelationID          = "CORRELATION_ID"
	PropReplyToClient          = "REPLY_TO_CLIENT"
	PropTTL                    = "TTL"
	PropArriveTime             = "ARRIVE_TIME"
	PropPushReplyTime          = "PUSH_REPLY_TIME"
	PropMsgType                = "MSG_TYPE"
	PropPopCheckPoint          = "POP_CK" // handle of a message that was popped
	PropPopCheckPointOffset    = "POP_CK_OFFSET"
	PropFirstPopTime           = "1ST_POP_TIME"
	PropShardingKey            = "__SHARDINGKEY" // message group
	PropLiteTopic              = "__LITE_TOPIC"
	PropForwardQueueID         = "PROPERTY_FORWARD_QUEUE_ID"
	PropRedirect               = "REDIRECT"
	PropMultiDispatch          = "INNER_MULTI_DISPATCH"     // queues beside the message's own, separated by commas
	PropMultiQueueOffset       = "INNER_MULTI_QUEUE_OFFSET" // the message's offset in each of them, in the same order
	PropTraceContext           = "TRACE_CONTEXT"
	PropTimerDelaySec          = "TIMER_DELAY_SEC"  // the client's wish: s from now
	PropTimerDelayMs           = "TIMER_DELAY_MS"   // ms from now
	PropTimerDeliverMs         = "TIMER_DELIVER_MS" // ms since 1970
	PropTimerOutMs             = "TIMER_OUT_MS"     // the due time that the server made of it, ms since 1970
	PropTimerEnqueueMs         = "TIMER_ENQUEUE_MS"
	PropTimerDequeueMs         = "TIMER_DEQUEUE_MS"
	PropTimerRollTimes         = "TIMER_ROLL_TIMES"
	PropTimerRollLabel         = "TIMER_ROLL_LABEL"
	PropTimerDelUniqKey        = "TIMER_DEL_UNIQKEY"
	PropTimerDelayLevel        = "TIMER_DELAY_LEVEL"
	PropBornHost               = "__BORNHOST"
	PropBornTimestamp          = "BORN_TIMESTAMP"
	PropCRC32                  = "__CRC32#" // CRC of the record; see the package's comment
	PropDLQOriginTopic         = "DLQ_ORIGIN_TOPIC"
	PropDLQOriginMessageID     = "DLQ_ORIGIN_MESSAGE_ID"

	// PropTransientPrefix begins the names of properties that are never stored.
	PropTransientPrefix = "__RMQ.TRANSIENT."
)

// Topics of the server itself.
const (
	TopicAutoCreate            = "TBW102" // template of topics that are made on first use
	TopicSchedule              = "SCHEDULE_TOPIC_XXXX"
	TopicBenchmark             = "BenchmarkTest"
	TopicTransactionHalf       = "RMQ_SYS_TRANS_HALF_TOPIC"
	TopicTransactionOp         = "RMQ_SYS_TRANS_OP_HALF_TOPIC"
	TopicRocksTransactionHalf  = "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC"
	TopicRocksTransactionOp    = "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC"
	TopicTransactionCheckLimit = "TRANS_CHECK_MAX_TIME_TOPIC" // half messages that were checked too often
	TopicTrace                 = "RMQ_SYS_TRACE_TOPIC"
	TopicSelfTest              = "SELF_TEST_TOPIC"
	TopicOffsetMoved           = "OFFSET_MOVED_EVENT"
	TopicCheckpoint            = "CHECKPOINT_TOPIC"
	TopicTimer                 = "rmq_sys_wheel_timer"
)

// What names of topics begin with.
const (
	SystemTopicPrefix = "rmq_sys_"
	RevivePrefix      = "rmq_sys_REVIVE_LOG_" // followed by the cluster's name
	RetryPrefix       = "%RETRY%"
	DLQPrefix         = "%DLQ%"
	LMQPrefix         = "%LMQ%"
)
