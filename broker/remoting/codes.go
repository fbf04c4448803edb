package remoting

import "strconv"

// Request codes, with the names that RocketMQ gives them. Those of 200000 and above don't fit into a binary header, which has
// 16 bits for the code: such requests come with JSON headers only.
const (
	CodeSendMessage                          int32 = 10
	CodePullMessage                          int32 = 11
	CodeQueryMessage                         int32 = 12
	CodeQueryBrokerOffset                    int32 = 13
	CodeQueryConsumerOffset                  int32 = 14
	CodeUpdateConsumerOffset                 int32 = 15
	CodeUpdateAndCreateTopic                 int32 = 17
	CodeUpdateAndCreateTopicList             int32 = 18
	CodeGetAllTopicConfig                    int32 = 21
	CodeGetTopicConfigList                   int32 = 22
	CodeGetTopicNameList                     int32 = 23
	CodeUpdateBrokerConfig                   int32 = 25
	CodeGetBrokerConfig                      int32 = 26
	CodeTriggerDeleteFiles                   int32 = 27
	CodeGetBrokerRuntimeInfo                 int32 = 28
	CodeSearchOffsetByTimestamp              int32 = 29
	CodeGetMaxOffset                         int32 = 30
	CodeGetMinOffset                         int32 = 31
	CodeGetEarliestMsgStoreTime              int32 = 32
	CodeViewMessageByID                      int32 = 33
	CodeHeartBeat                            int32 = 34
	CodeUnregisterClient                     int32 = 35
	CodeConsumerSendMsgBack                  int32 = 36
	CodeEndTransaction                       int32 = 37
	CodeGetConsumerListByGroup               int32 = 38
	CodeCheckTransactionState                int32 = 39
	CodeNotifyConsumerIDsChanged             int32 = 40
	CodeLockBatchMQ                          int32 = 41
	CodeUnlockBatchMQ                        int32 = 42
	CodeGetAllConsumerOffset                 int32 = 43
	CodeGetAllDelayOffset                    int32 = 45
	CodeCheckClientConfig                    int32 = 46
	CodeGetClientConfig                      int32 = 47
	CodeGetTimerCheckPoint                   int32 = 60
	CodeGetTimerMetrics                      int32 = 61
	CodePutKVConfig                          int32 = 100
	CodeGetKVConfig                          int32 = 101
	CodeDeleteKVConfig                       int32 = 102
	CodeRegisterBroker                       int32 = 103
	CodeUnregisterBroker                     int32 = 104
	CodeGetRouteInfoByTopic                  int32 = 105
	CodeGetBrokerClusterInfo                 int32 = 106
	CodeUpdateAndCreateSubscriptionGroup     int32 = 200
	CodeGetAllSubscriptionGroupConfig        int32 = 201
	CodeGetTopicStatsInfo                    int32 = 202
	CodeGetConsumerConnectionList            int32 = 203
	CodeGetProducerConnectionList            int32 = 204
	CodeWipeWritePermOfBroker                int32 = 205
	CodeGetAllTopicListFromNameServer        int32 = 206
	CodeDeleteSubscriptionGroup              int32 = 207
	CodeGetConsumeStats                      int32 = 208
	CodeSuspendConsumer                      int32 = 209
	CodeResumeConsumer                       int32 = 210
	CodeResetConsumerOffsetInConsumer        int32 = 211
	CodeResetConsumerOffsetInBroker          int32 = 212
	CodeAdjustConsumerThreadPool             int32 = 213
	CodeWhoConsumeTheMessage                 int32 = 214
	CodeDeleteTopicInBroker                  int32 = 215
	CodeDeleteTopicInNamesrv                 int32 = 216
	CodeRegisterTopicInNamesrv               int32 = 217
	CodeGetKVListByNamespace                 int32 = 219
	CodeResetConsumerClientOffset            int32 = 220
	CodeGetConsumerStatusFromClient          int32 = 221
	CodeInvokeBrokerToResetOffset            int32 = 222
	CodeInvokeBrokerToGetConsumerStatus      int32 = 223
	CodeGetTopicsByCluster                   int32 = 224
	CodeUpdateAndCreateSubscriptionGroupList int32 = 225
	CodeQueryTopicConsumeByWho               int32 = 300
	CodeRegisterFilterServer                 int32 = 301
	CodeRegisterMessageFilterClass           int32 = 302
	CodeQueryConsumeTimeSpan                 int32 = 303
	CodeGetSystemTopicListFromNS             int32 = 304
	CodeGetSystemTopicListFromBroker         int32 = 305
	CodeCleanExpiredConsumeQueue             int32 = 306
	CodeGetConsumerRunningInfo               int32 = 307
	CodeQueryCorrectionOffset                int32 = 308
	CodeConsumeMessageDirectly               int32 = 309
	CodeSendMessageV2                        int32 = 310
	CodeGetUnitTopicList                     int32 = 311
	CodeGetHasUnitSubTopicList               int32 = 312
	CodeGetHasUnitSubUnUnitTopicList         int32 = 313
	CodeCloneGroupOffset                     int32 = 314
	CodeViewBrokerStatsData                  int32 = 315
	CodeCleanUnusedTopic                     int32 = 316
	CodeGetBrokerConsumeStats                int32 = 317
	CodeUpdateNamesrvConfig                  int32 = 318
	CodeGetNamesrvConfig                     int32 = 319
	CodeSendBatchMessage                     int32 = 320
	CodeQueryConsumeQueue                    int32 = 321
	CodeQueryDataVersion                     int32 = 322
	CodeResumeCheckHalfMessage               int32 = 323
	CodeSendReplyMessage                     int32 = 324
	CodeSendReplyMessageV2                   int32 = 325
	CodePushReplyMessageToClient             int32 = 326
	CodeAddWritePermOfBroker                 int32 = 327
	CodeGetAllProducerInfo                   int32 = 328
	CodeDeleteExpiredCommitLog               int32 = 329
	CodeQueryTopicsByConsumer                int32 = 343
	CodeQuerySubscriptionByConsumer          int32 = 345
	CodeGetTopicConfig                       int32 = 351
	CodeGetSubscriptionGroupConfig           int32 = 352
	CodeUpdateAndGetGroupForbidden           int32 = 353
	CodeCheckRocksDBCQWriteProgress          int32 = 354
	CodeExportRocksDBConfigToJSON            int32 = 355
	CodeLitePullMessage                      int32 = 361
	CodeRecallMessage                        int32 = 370
	CodeQueryAssignment                      int32 = 400
	CodeSetMessageRequestMode                int32 = 401
	CodeGetAllMessageRequestMode             int32 = 402
	CodeUpdateAndCreateStaticTopic           int32 = 513
	CodeGetBrokerMemberGroup                 int32 = 901
	CodeAddBroker                            int32 = 902
	CodeRemoveBroker                         int32 = 903
	CodeBrokerHeartbeat                      int32 = 904
	CodeNotifyMinBrokerIDChange              int32 = 905
	CodeExchangeBrokerHAInfo                 int32 = 906
	CodeGetBrokerHAStatus                    int32 = 907
	CodeResetMasterFlushOffset               int32 = 908
	CodeControllerAlterSyncStateSet          int32 = 1001
	CodeControllerElectMaster                int32 = 1002
	CodeControllerRegisterBroker             int32 = 1003
	CodeControllerGetReplicaInfo             int32 = 1004
	CodeControllerGetMetadataInfo            int32 = 1005
	CodeControllerGetSyncStateData           int32 = 1006
	CodeGetBrokerEpochCache                  int32 = 1007
	CodeNotifyBrokerRoleChanged              int32 = 1008
	CodeUpdateControllerConfig               int32 = 1009
	CodeGetControllerConfig                  int32 = 1010
	CodeCleanBrokerData                      int32 = 1011
	CodeControllerGetNextBrokerID            int32 = 1012
	CodeControllerApplyBrokerID              int32 = 1013
	CodeBrokerCloseChannelRequest            int32 = 1014
	CodeCheckNotActiveBrokerRequest          int32 = 1015
	CodeGetBrokerLiveInfoRequest             int32 = 1016
	CodeGetSyncStateDataRequest              int32 = 1017
	CodeRaftBrokerHeartBeatEventRequest      int32 = 1018
	CodeUpdateColdDataFlowCtrConfig          int32 = 2001
	CodeRemoveColdDataFlowCtrConfig          int32 = 2002
	CodeGetColdDataFlowCtrInfo               int32 = 2003
	CodeSetCommitLogReadMode                 int32 = 2004
	CodeAuthCreateUser                       int32 = 3001
	CodeAuthUpdateUser                       int32 = 3002
	CodeAuthDeleteUser                       int32 = 3003
	CodeAuthGetUser                          int32 = 3004
	CodeAuthListUser                         int32 = 3005
	CodeAuthCreateACL                        int32 = 3006
	CodeAuthUpdateACL                        int32 = 3007
	CodeAuthDeleteACL                        int32 = 3008
	CodeAuthGetACL                           int32 = 3009
	CodeAuthListACL                          int32 = 3010
	CodeSwitchTimerEngine                    int32 = 5001
	CodePopMessage                           int32 = 200050
	CodeAckMessage                           int32 = 200051
	CodePeekMessage                          int32 = 200052
	CodeChangeMessageInvisibleTime           int32 = 200053
	CodeNotification                         int32 = 200054
	CodePollingInfo                          int32 = 200055
	CodePopRollback                          int32 = 200056
	CodePopLiteMessage                       int32 = 200070
	CodeLiteSubscriptionCtl                  int32 = 200071
	CodeAckLiteMessage                       int32 = 200072
	CodeNotifyUnsubscribeLite                int32 = 200073
	CodeGetBrokerLiteInfo                    int32 = 200074
	CodeGetParentTopicInfo                   int32 = 200075
	CodeGetLiteTopicInfo                     int32 = 200076
	CodeGetLiteClientInfo                    int32 = 200077
	CodeGetLiteGroupInfo                     int32 = 200078
	CodeTriggerLiteDispatch                  int32 = 200079
	CodeBatchAckMessage                      int32 = 200151
)

// RequestName is the peer's name of a request code (SEND_MESSAGE), as metrics and logs show it; the number where the code is unknown.
func RequestName(code int32) string {
	switch code {
	case CodeSendMessage:
		return "SEND_MESSAGE"
	case CodePullMessage:
		return "PULL_MESSAGE"
	case CodeQueryMessage:
		return "QUERY_MESSAGE"
	case CodeQueryBrokerOffset:
		return "QUERY_BROKER_OFFSET"
	case CodeQueryConsumerOffset:
		return "QUERY_CONSUMER_OFFSET"
	case CodeUpdateConsumerOffset:
		return "UPDATE_CONSUMER_OFFSET"
	case CodeUpdateAndCreateTopic:
		return "UPDATE_AND_CREATE_TOPIC"
	case CodeUpdateAndCreateTopicList:
		return "UPDATE_AND_CREATE_TOPIC_LIST"
	case CodeGetAllTopicConfig:
		return "GET_ALL_TOPIC_CONFIG"
	case CodeGetTopicConfigList:
		return "GET_TOPIC_CONFIG_LIST"
	case CodeGetTopicNameList:
		return "GET_TOPIC_NAME_LIST"
	case CodeUpdateBrokerConfig:
		return "UPDATE_BROKER_CONFIG"
	case CodeGetBrokerConfig:
		return "GET_BROKER_CONFIG"
	case CodeTriggerDeleteFiles:
		return "TRIGGER_DELETE_FILES"
	case CodeGetBrokerRuntimeInfo:
		return "GET_BROKER_RUNTIME_INFO"
	case CodeSearchOffsetByTimestamp:
		return "SEARCH_OFFSET_BY_TIMESTAMP"
	case CodeGetMaxOffset:
		return "GET_MAX_OFFSET"
	case CodeGetMinOffset:
		return "GET_MIN_OFFSET"
	case CodeGetEarliestMsgStoreTime:
		return "GET_EARLIEST_MSG_STORETIME"
	case CodeViewMessageByID:
		return "VIEW_MESSAGE_BY_ID"
	case CodeHeartBeat:
		return "HEART_BEAT"
	case CodeUnregisterClient:
		return "UNREGISTER_CLIENT"
	case CodeConsumerSendMsgBack:
		return "CONSUMER_SEND_MSG_BACK"
	case CodeEndTransaction:
		return "END_TRANSACTION"
	case CodeGetConsumerListByGroup:
		return "GET_CONSUMER_LIST_BY_GROUP"
	case CodeCheckTransactionState:
		return "CHECK_TRANSACTION_STATE"
	case CodeNotifyConsumerIDsChanged:
		return "NOTIFY_CONSUMER_IDS_CHANGED"
	case CodeLockBatchMQ:
		return "LOCK_BATCH_MQ"
	case CodeUnlockBatchMQ:
		return "UNLOCK_BATCH_MQ"
	case CodeGetAllConsumerOffset:
		return "GET_ALL_CONSUMER_OFFSET"
	case CodeGetAllDelayOffset:
		return "GET_ALL_DELAY_OFFSET"
	case CodeCheckClientConfig:
		return "CHECK_CLIENT_CONFIG"
	case CodeGetClientConfig:
		return "GET_CLIENT_CONFIG"
	case CodeGetTimerCheckPoint:
		return "GET_TIMER_CHECK_POINT"
	case CodeGetTimerMetrics:
		return "GET_TIMER_METRICS"
	case CodePutKVConfig:
		return "PUT_KV_CONFIG"
	case CodeGetKVConfig:
		return "GET_KV_CONFIG"
	case CodeDeleteKVConfig:
		return "DELETE_KV_CONFIG"
	case CodeRegisterBroker:
		return "REGISTER_BROKER"
	case CodeUnregisterBroker:
		return "UNREGISTER_BROKER"
	case CodeGetRouteInfoByTopic:
		return "GET_ROUTEINFO_BY_TOPIC"
	case CodeGetBrokerClusterInfo:
		return "GET_BROKER_CLUSTER_INFO"
	case CodeUpdateAndCreateSubscriptionGroup:
		return "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP"
	case CodeGetAllSubscriptionGroupConfig:
		return "GET_ALL_SUBSCRIPTIONGROUP_CONFIG"
	case CodeGetTopicStatsInfo:
		return "GET_TOPIC_STATS_INFO"
	case CodeGetConsumerConnectionList:
		return "GET_CONSUMER_CONNECTION_LIST"
	case CodeGetProducerConnectionList:
		return "GET_PRODUCER_CONNECTION_LIST"
	case CodeWipeWritePermOfBroker:
		return "WIPE_WRITE_PERM_OF_BROKER"
	case CodeGetAllTopicListFromNameServer:
		return "GET_ALL_TOPIC_LIST_FROM_NAMESERVER"
	case CodeDeleteSubscriptionGroup:
		return "DELETE_SUBSCRIPTIONGROUP"
	case CodeGetConsumeStats:
		return "GET_CONSUME_STATS"
	case CodeSuspendConsumer:
		return "SUSPEND_CONSUMER"
	case CodeResumeConsumer:
		return "RESUME_CONSUMER"
	case CodeResetConsumerOffsetInConsumer:
		return "RESET_CONSUMER_OFFSET_IN_CONSUMER"
	case CodeResetConsumerOffsetInBroker:
		return "RESET_CONSUMER_OFFSET_IN_BROKER"
	case CodeAdjustConsumerThreadPool:
		return "ADJUST_CONSUMER_THREAD_POOL"
	case CodeWhoConsumeTheMessage:
		return "WHO_CONSUME_THE_MESSAGE"
	case CodeDeleteTopicInBroker:
		return "DELETE_TOPIC_IN_BROKER"
	case CodeDeleteTopicInNamesrv:
		return "DELETE_TOPIC_IN_NAMESRV"
	case CodeRegisterTopicInNamesrv:
		return "REGISTER_TOPIC_IN_NAMESRV"
	case CodeGetKVListByNamespace:
		return "GET_KVLIST_BY_NAMESPACE"
	case CodeResetConsumerClientOffset:
		return "RESET_CONSUMER_CLIENT_OFFSET"
	case CodeGetConsumerStatusFromClient:
		return "GET_CONSUMER_STATUS_FROM_CLIENT"
	case CodeInvokeBrokerToResetOffset:
		return "INVOKE_BROKER_TO_RESET_OFFSET"
	case CodeInvokeBrokerToGetConsumerStatus:
		return "INVOKE_BROKER_TO_GET_CONSUMER_STATUS"
	case CodeGetTopicsByCluster:
		return "GET_TOPICS_BY_CLUSTER"
	case CodeUpdateAndCreateSubscriptionGroupList:
		return "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST"
	case CodeQueryTopicConsumeByWho:
		return "QUERY_TOPIC_CONSUME_BY_WHO"
	case CodeRegisterFilterServer:
		return "REGISTER_FILTER_SERVER"
	case CodeRegisterMessageFilterClass:
		return "REGISTER_MESSAGE_FILTER_CLASS"
	case CodeQueryConsumeTimeSpan:
		return "QUERY_CONSUME_TIME_SPAN"
	case CodeGetSystemTopicListFromNS:
		return "GET_SYSTEM_TOPIC_LIST_FROM_NS"
	case CodeGetSystemTopicListFromBroker:
		return "GET_SYSTEM_TOPIC_LIST_FROM_BROKER"
	case CodeCleanExpiredConsumeQueue:
		return "CLEAN_EXPIRED_CONSUMEQUEUE"
	case CodeGetConsumerRunningInfo:
		return "GET_CONSUMER_RUNNING_INFO"
	case CodeQueryCorrectionOffset:
		return "QUERY_CORRECTION_OFFSET"
	case CodeConsumeMessageDirectly:
		return "CONSUME_MESSAGE_DIRECTLY"
	case CodeSendMessageV2:
		return "SEND_MESSAGE_V2"
	case CodeGetUnitTopicList:
		return "GET_UNIT_TOPIC_LIST"
	case CodeGetHasUnitSubTopicList:
		return "GET_HAS_UNIT_SUB_TOPIC_LIST"
	case CodeGetHasUnitSubUnUnitTopicList:
		return "GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST"
	case CodeCloneGroupOffset:
		return "CLONE_GROUP_OFFSET"
	case CodeViewBrokerStatsData:
		return "VIEW_BROKER_STATS_DATA"
	case CodeCleanUnusedTopic:
		return "CLEAN_UNUSED_TOPIC"
	case CodeGetBrokerConsumeStats:
		return "GET_BROKER_CONSUME_STATS"
	case CodeUpdateNamesrvConfig:
		return "UPDATE_NAMESRV_CONFIG"
	case CodeGetNamesrvConfig:
		return "GET_NAMESRV_CONFIG"
	case CodeSendBatchMessage:
		return "SEND_BATCH_MESSAGE"
	case CodeQueryConsumeQueue:
		return "QUERY_CONSUME_QUEUE"
	case CodeQueryDataVersion:
		return "QUERY_DATA_VERSION"
	case CodeResumeCheckHalfMessage:
		return "RESUME_CHECK_HALF_MESSAGE"
	case CodeSendReplyMessage:
		return "SEND_REPLY_MESSAGE"
	case CodeSendReplyMessageV2:
		return "SEND_REPLY_MESSAGE_V2"
	case CodePushReplyMessageToClient:
		return "PUSH_REPLY_MESSAGE_TO_CLIENT"
	case CodeAddWritePermOfBroker:
		return "ADD_WRITE_PERM_OF_BROKER"
	case CodeGetAllProducerInfo:
		return "GET_ALL_PRODUCER_INFO"
	case CodeDeleteExpiredCommitLog:
		return "DELETE_EXPIRED_COMMITLOG"
	case CodeQueryTopicsByConsumer:
		return "QUERY_TOPICS_BY_CONSUMER"
	case CodeQuerySubscriptionByConsumer:
		return "QUERY_SUBSCRIPTION_BY_CONSUMER"
	case CodeGetTopicConfig:
		return "GET_TOPIC_CONFIG"
	case CodeGetSubscriptionGroupConfig:
		return "GET_SUBSCRIPTIONGROUP_CONFIG"
	case CodeUpdateAndGetGroupForbidden:
		return "UPDATE_AND_GET_GROUP_FORBIDDEN"
	case CodeCheckRocksDBCQWriteProgress:
		return "CHECK_ROCKSDB_CQ_WRITE_PROGRESS"
	case CodeExportRocksDBConfigToJSON:
		return "EXPORT_ROCKSDB_CONFIG_TO_JSON"
	case CodeLitePullMessage:
		return "LITE_PULL_MESSAGE"
	case CodeRecallMessage:
		return "RECALL_MESSAGE"
	case CodeQueryAssignment:
		return "QUERY_ASSIGNMENT"
	case CodeSetMessageRequestMode:
		return "SET_MESSAGE_REQUEST_MODE"
	case CodeGetAllMessageRequestMode:
		return "GET_ALL_MESSAGE_REQUEST_MODE"
	case CodeUpdateAndCreateStaticTopic:
		return "UPDATE_AND_CREATE_STATIC_TOPIC"
	case CodeGetBrokerMemberGroup:
		return "GET_BROKER_MEMBER_GROUP"
	case CodeAddBroker:
		return "ADD_BROKER"
	case CodeRemoveBroker:
		return "REMOVE_BROKER"
	case CodeBrokerHeartbeat:
		return "BROKER_HEARTBEAT"
	case CodeNotifyMinBrokerIDChange:
		return "NOTIFY_MIN_BROKER_ID_CHANGE"
	case CodeExchangeBrokerHAInfo:
		return "EXCHANGE_BROKER_HA_INFO"
	case CodeGetBrokerHAStatus:
		return "GET_BROKER_HA_STATUS"
	case CodeResetMasterFlushOffset:
		return "RESET_MASTER_FLUSH_OFFSET"
	case CodeControllerAlterSyncStateSet:
		return "CONTROLLER_ALTER_SYNC_STATE_SET"
	case CodeControllerElectMaster:
		return "CONTROLLER_ELECT_MASTER"
	case CodeControllerRegisterBroker:
		return "CONTROLLER_REGISTER_BROKER"
	case CodeControllerGetReplicaInfo:
		return "CONTROLLER_GET_REPLICA_INFO"
	case CodeControllerGetMetadataInfo:
		return "CONTROLLER_GET_METADATA_INFO"
	case CodeControllerGetSyncStateData:
		return "CONTROLLER_GET_SYNC_STATE_DATA"
	case CodeGetBrokerEpochCache:
		return "GET_BROKER_EPOCH_CACHE"
	case CodeNotifyBrokerRoleChanged:
		return "NOTIFY_BROKER_ROLE_CHANGED"
	case CodeUpdateControllerConfig:
		return "UPDATE_CONTROLLER_CONFIG"
	case CodeGetControllerConfig:
		return "GET_CONTROLLER_CONFIG"
	case CodeCleanBrokerData:
		return "CLEAN_BROKER_DATA"
	case CodeControllerGetNextBrokerID:
		return "CONTROLLER_GET_NEXT_BROKER_ID"
	case CodeControllerApplyBrokerID:
		return "CONTROLLER_APPLY_BROKER_ID"
	case CodeBrokerCloseChannelRequest:
		return "BROKER_CLOSE_CHANNEL_REQUEST"
	case CodeCheckNotActiveBrokerRequest:
		return "CHECK_NOT_ACTIVE_BROKER_REQUEST"
	case CodeGetBrokerLiveInfoRequest:
		return "GET_BROKER_LIVE_INFO_REQUEST"
	case CodeGetSyncStateDataRequest:
		return "GET_SYNC_STATE_DATA_REQUEST"
	case CodeRaftBrokerHeartBeatEventRequest:
		return "RAFT_BROKER_HEART_BEAT_EVENT_REQUEST"
	case CodeUpdateColdDataFlowCtrConfig:
		return "UPDATE_COLD_DATA_FLOW_CTR_CONFIG"
	case CodeRemoveColdDataFlowCtrConfig:
		return "REMOVE_COLD_DATA_FLOW_CTR_CONFIG"
	case CodeGetColdDataFlowCtrInfo:
		return "GET_COLD_DATA_FLOW_CTR_INFO"
	case CodeSetCommitLogReadMode:
		return "SET_COMMITLOG_READ_MODE"
	case CodeAuthCreateUser:
		return "AUTH_CREATE_USER"
	case CodeAuthUpdateUser:
		return "AUTH_UPDATE_USER"
	case CodeAuthDeleteUser:
		return "AUTH_DELETE_USER"
	case CodeAuthGetUser:
		return "AUTH_GET_USER"
	case CodeAuthListUser:
		return "AUTH_LIST_USER"
	case CodeAuthCreateACL:
		return "AUTH_CREATE_ACL"
	case CodeAuthUpdateACL:
		return "AUTH_UPDATE_ACL"
	case CodeAuthDeleteACL:
		return "AUTH_DELETE_ACL"
	case CodeAuthGetACL:
		return "AUTH_GET_ACL"
	case CodeAuthListACL:
		return "AUTH_LIST_ACL"
	case CodeSwitchTimerEngine:
		return "SWITCH_TIMER_ENGINE"
	case CodePopMessage:
		return "POP_MESSAGE"
	case CodeAckMessage:
		return "ACK_MESSAGE"
	case CodePeekMessage:
		return "PEEK_MESSAGE"
	case CodeChangeMessageInvisibleTime:
		return "CHANGE_MESSAGE_INVISIBLETIME"
	case CodeNotification:
		return "NOTIFICATION"
	case CodePollingInfo:
		return "POLLING_INFO"
	case CodePopRollback:
		return "POP_ROLLBACK"
	case CodePopLiteMessage:
		return "POP_LITE_MESSAGE"
	case CodeLiteSubscriptionCtl:
		return "LITE_SUBSCRIPTION_CTL"
	case CodeAckLiteMessage:
		return "ACK_LITE_MESSAGE"
	case CodeNotifyUnsubscribeLite:
		return "NOTIFY_UNSUBSCRIBE_LITE"
	case CodeGetBrokerLiteInfo:
		return "GET_BROKER_LITE_INFO"
	case CodeGetParentTopicInfo:
		return "GET_PARENT_TOPIC_INFO"
	case CodeGetLiteTopicInfo:
		return "GET_LITE_TOPIC_INFO"
	case CodeGetLiteClientInfo:
		return "GET_LITE_CLIENT_INFO"
	case CodeGetLiteGroupInfo:
		return "GET_LITE_GROUP_INFO"
	case CodeTriggerLiteDispatch:
		return "TRIGGER_LITE_DISPATCH"
	case CodeBatchAckMessage:
		return "BATCH_ACK_MESSAGE"
	}
	return strconv.Itoa(int(code))
}
