package remoting

import "strconv"

// Response codes, with the names that RocketMQ gives them.
const (
	RespRPCTimeOut                           int32 = -1006
	RespRPCSendToChannelFailed               int32 = -1004
	RespRPCAddrIsNull                        int32 = -1002
	RespRPCUnknown                           int32 = -1000
	RespSuccess                              int32 = 0
	RespSystemError                          int32 = 1
	RespSystemBusy                           int32 = 2
	RespRequestCodeNotSupported              int32 = 3
	RespTransactionFailed                    int32 = 4
	RespFlushDiskTimeout                     int32 = 10
	RespSlaveNotAvailable                    int32 = 11
	RespFlushSlaveTimeout                    int32 = 12
	RespMessageIllegal                       int32 = 13
	RespServiceNotAvailable                  int32 = 14
	RespVersionNotSupported                  int32 = 15
	RespNoPermission                         int32 = 16
	RespTopicNotExist                        int32 = 17
	RespTopicExistAlready                    int32 = 18
	RespPullNotFound                         int32 = 19
	RespPullRetryImmediately                 int32 = 20
	RespPullOffsetMoved                      int32 = 21
	RespQueryNotFound                        int32 = 22
	RespSubscriptionParseFailed              int32 = 23
	RespSubscriptionNotExist                 int32 = 24
	RespSubscriptionNotLatest                int32 = 25
	RespSubscriptionGroupNotExist            int32 = 26
	RespFilterDataNotExist                   int32 = 27
	RespFilterDataNotLatest                  int32 = 28
	RespInvalidParameter                     int32 = 29
	RespTransactionShouldCommit              int32 = 200
	RespTransactionShouldRollback            int32 = 201
	RespTransactionStateUnknown              int32 = 202
	RespTransactionStateGroupWrong           int32 = 203
	RespNoBuyerID                            int32 = 204
	RespNotInCurrentUnit                     int32 = 205
	RespConsumerNotOnline                    int32 = 206
	RespConsumeMsgTimeout                    int32 = 207
	RespNoMessage                            int32 = 208
	RespPollingFull                          int32 = 209
	RespPollingTimeout                       int32 = 210
	RespBrokerNotExist                       int32 = 211
	RespBrokerDispatchNotComplete            int32 = 212
	RespBroadcastConsumption                 int32 = 213
	RespFlowControl                          int32 = 215
	RespNotLeaderForQueue                    int32 = 501
	RespIllegalOperation                     int32 = 604
	RespGoAway                               int32 = 1500
	RespControllerFencedMasterEpoch          int32 = 2000
	RespControllerFencedSyncStateSetEpoch    int32 = 2001
	RespControllerInvalidMaster              int32 = 2002
	RespControllerInvalidReplicas            int32 = 2003
	RespControllerMasterNotAvailable         int32 = 2004
	RespControllerInvalidRequest             int32 = 2005
	RespControllerBrokerNotAlive             int32 = 2006
	RespControllerNotLeader                  int32 = 2007
	RespControllerBrokerMetadataNotExist     int32 = 2008
	RespControllerInvalidCleanBrokerMetadata int32 = 2009
	RespControllerBrokerNeedToBeRegistered   int32 = 2010
	RespControllerMasterStillExist           int32 = 2011
	RespControllerElectMasterFailed          int32 = 2012
	RespControllerAlterSyncStateSetFailed    int32 = 2013
	RespControllerBrokerIDInvalid            int32 = 2014
	RespControllerJRaftInternalError         int32 = 2015
	RespControllerBrokerLiveInfoNotExists    int32 = 2016
	RespLMQQuotaExceeded                     int32 = 2017
	RespLiteSubscriptionQuotaExceeded        int32 = 2018
	RespUserNotExist                         int32 = 3001
	RespPolicyNotExist                       int32 = 3002
)

// ResponseName is the peer's name of a response code (SYSTEM_BUSY), as metrics and logs show it; the number where the code is unknown.
func ResponseName(code int32) string {
	switch code {
	case RespRPCTimeOut:
		return "RPC_TIME_OUT"
	case RespRPCSendToChannelFailed:
		return "RPC_SEND_TO_CHANNEL_FAILED"
	case RespRPCAddrIsNull:
		return "RPC_ADDR_IS_NULL"
	case RespRPCUnknown:
		return "RPC_UNKNOWN"
	case RespSuccess:
		return "SUCCESS"
	case RespSystemError:
		return "SYSTEM_ERROR"
	case RespSystemBusy:
		return "SYSTEM_BUSY"
	case RespRequestCodeNotSupported:
		return "REQUEST_CODE_NOT_SUPPORTED"
	case RespTransactionFailed:
		return "TRANSACTION_FAILED"
	case RespFlushDiskTimeout:
		return "FLUSH_DISK_TIMEOUT"
	case RespSlaveNotAvailable:
		return "SLAVE_NOT_AVAILABLE"
	case RespFlushSlaveTimeout:
		return "FLUSH_SLAVE_TIMEOUT"
	case RespMessageIllegal:
		return "MESSAGE_ILLEGAL"
	case RespServiceNotAvailable:
		return "SERVICE_NOT_AVAILABLE"
	case RespVersionNotSupported:
		return "VERSION_NOT_SUPPORTED"
	case RespNoPermission:
		return "NO_PERMISSION"
	case RespTopicNotExist:
		return "TOPIC_NOT_EXIST"
	case RespTopicExistAlready:
		return "TOPIC_EXIST_ALREADY"
	case RespPullNotFound:
		return "PULL_NOT_FOUND"
	case RespPullRetryImmediately:
		return "PULL_RETRY_IMMEDIATELY"
	case RespPullOffsetMoved:
		return "PULL_OFFSET_MOVED"
	case RespQueryNotFound:
		return "QUERY_NOT_FOUND"
	case RespSubscriptionParseFailed:
		return "SUBSCRIPTION_PARSE_FAILED"
	case RespSubscriptionNotExist:
		return "SUBSCRIPTION_NOT_EXIST"
	case RespSubscriptionNotLatest:
		return "SUBSCRIPTION_NOT_LATEST"
	case RespSubscriptionGroupNotExist:
		return "SUBSCRIPTION_GROUP_NOT_EXIST"
	case RespFilterDataNotExist:
		return "FILTER_DATA_NOT_EXIST"
	case RespFilterDataNotLatest:
		return "FILTER_DATA_NOT_LATEST"
	case RespInvalidParameter:
		return "INVALID_PARAMETER"
	case RespTransactionShouldCommit:
		return "TRANSACTION_SHOULD_COMMIT"
	case RespTransactionShouldRollback:
		return "TRANSACTION_SHOULD_ROLLBACK"
	case RespTransactionStateUnknown:
		return "TRANSACTION_STATE_UNKNOW"
	case RespTransactionStateGroupWrong:
		return "TRANSACTION_STATE_GROUP_WRONG"
	case RespNoBuyerID:
		return "NO_BUYER_ID"
	case RespNotInCurrentUnit:
		return "NOT_IN_CURRENT_UNIT"
	case RespConsumerNotOnline:
		return "CONSUMER_NOT_ONLINE"
	case RespConsumeMsgTimeout:
		return "CONSUME_MSG_TIMEOUT"
	case RespNoMessage:
		return "NO_MESSAGE"
	case RespPollingFull:
		return "POLLING_FULL"
	case RespPollingTimeout:
		return "POLLING_TIMEOUT"
	case RespBrokerNotExist:
		return "BROKER_NOT_EXIST"
	case RespBrokerDispatchNotComplete:
		return "BROKER_DISPATCH_NOT_COMPLETE"
	case RespBroadcastConsumption:
		return "BROADCAST_CONSUMPTION"
	case RespFlowControl:
		return "FLOW_CONTROL"
	case RespNotLeaderForQueue:
		return "NOT_LEADER_FOR_QUEUE"
	case RespIllegalOperation:
		return "ILLEGAL_OPERATION"
	case RespGoAway:
		return "GO_AWAY"
	case RespControllerFencedMasterEpoch:
		return "CONTROLLER_FENCED_MASTER_EPOCH"
	case RespControllerFencedSyncStateSetEpoch:
		return "CONTROLLER_FENCED_SYNC_STATE_SET_EPOCH"
	case RespControllerInvalidMaster:
		return "CONTROLLER_INVALID_MASTER"
	case RespControllerInvalidReplicas:
		return "CONTROLLER_INVALID_REPLICAS"
	case RespControllerMasterNotAvailable:
		return "CONTROLLER_MASTER_NOT_AVAILABLE"
	case RespControllerInvalidRequest:
		return "CONTROLLER_INVALID_REQUEST"
	case RespControllerBrokerNotAlive:
		return "CONTROLLER_BROKER_NOT_ALIVE"
	case RespControllerNotLeader:
		return "CONTROLLER_NOT_LEADER"
	case RespControllerBrokerMetadataNotExist:
		return "CONTROLLER_BROKER_METADATA_NOT_EXIST"
	case RespControllerInvalidCleanBrokerMetadata:
		return "CONTROLLER_INVALID_CLEAN_BROKER_METADATA"
	case RespControllerBrokerNeedToBeRegistered:
		return "CONTROLLER_BROKER_NEED_TO_BE_REGISTERED"
	case RespControllerMasterStillExist:
		return "CONTROLLER_MASTER_STILL_EXIST"
	case RespControllerElectMasterFailed:
		return "CONTROLLER_ELECT_MASTER_FAILED"
	case RespControllerAlterSyncStateSetFailed:
		return "CONTROLLER_ALTER_SYNC_STATE_SET_FAILED"
	case RespControllerBrokerIDInvalid:
		return "CONTROLLER_BROKER_ID_INVALID"
	case RespControllerJRaftInternalError:
		return "CONTROLLER_JRAFT_INTERNAL_ERROR"
	case RespControllerBrokerLiveInfoNotExists:
		return "CONTROLLER_BROKER_LIVE_INFO_NOT_EXISTS"
	case RespLMQQuotaExceeded:
		return "LMQ_QUOTA_EXCEEDED"
	case RespLiteSubscriptionQuotaExceeded:
		return "LITE_SUBSCRIPTION_QUOTA_EXCEEDED"
	case RespUserNotExist:
		return "USER_NOT_EXIST"
	case RespPolicyNotExist:
		return "POLICY_NOT_EXIST"
	}
	return strconv.Itoa(int(code))
}
