package handler_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// What RocketMQ 5.5's own classes make of such bodies.
const (
	peerTopicStats   = `{"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:{"lastUpdateTimestamp":3,"maxOffset":2,"minOffset":1}},"topicPutTps":0.5}`
	peerConsumeStats = `{"consumeTps":0.5,"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:{"brokerOffset":1,"consumerOffset":2,"lastTimestamp":4,"pullOffset":3}}}`
	peerReset        = `{"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:5}}`
	peerCorrection   = `{"correctionOffsets":{0:5}}`
	peerStats        = `{"statsMinute":{"avgpt":2.0,"sum":1,"tps":0.5},"statsHour":{"avgpt":2.0,"sum":1,"tps":0.5},"statsDay":{"avgpt":2.0,"sum":1,"tps":0.5}}`
	peerConnections  = `{"connectionSet":[{"clientAddr":"1.2.3.4:5","clientId":"c","language":"JAVA","version":513}],"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","subscriptionTable":{"orders":{"classFilterMode":false,"codeSet":[],"expressionType":"TAG","subString":"*","subVersion":7,"tagsSet":[],"topic":"orders"}}}`
	peerSpans        = `{"consumeTimeSpanSet":[{"consumeTimeStamp":3,"delayTime":4,"maxTimeStamp":2,"messageQueue":{"brokerName":"broker-a","queueId":0,"topic":"orders"},"minTimeStamp":1}]}`
	peerForbidden    = `{"group":"g","readable":true,"topic":"t"}`
	peerQueue        = `{"maxQueueIndex":4,"minQueueIndex":0,"queueData":[{"eval":false,"physicOffset":1,"physicSize":2,"tagsCode":3}]}`
	peerTopics       = `{"topicConfigList":[{"attributes":{},"order":false,"perm":6,"readQueueNums":2,"topicFilterType":"SINGLE_TAG","topicName":"listed","topicSysFlag":0,"writeQueueNums":2}]}`
	peerGroups       = `{"groupConfigList":[{"attributes":{},"brokerId":0,"consumeBroadcastEnable":true,"consumeEnable":true,"consumeFromMinEnable":true,"consumeMessageOrderly":false,"consumeTimeoutMinute":15,"groupName":"listed","groupRetryPolicy":{"type":"CUSTOMIZED"},"groupSysFlag":0,"notifyConsumerIdsChangedEnable":true,"retryMaxTimes":16,"retryQueueNums":1,"whichBrokerWhenConsumeSlowly":1}]}`
)

// shape lists the paths to the values of a body with their kinds; the keys of a map of queues stand for one.
func shape(t *testing.T, body string) []string {
	t.Helper()
	std, err := fastjson.Standard([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(std, &v); err != nil {
		t.Fatal(err)
	}
	paths := map[string]bool{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				if strings.HasPrefix(key, "{") || strings.Trim(key, "0123456789") == "" {
					key = "*"
				}
				walk(path+"."+key, inner)
			}
		case []any:
			for _, inner := range v {
				walk(path+"[]", inner)
			}
		case string:
			paths[path+" text"] = true
		case float64:
			paths[path+" number"] = true
		case bool:
			paths[path+" bool"] = true
		case nil:
			paths[path+" null"] = true
		}
	}
	walk("", v)
	return slices.Sorted(maps.Keys(paths))
}

func TestBodiesHaveTheShapeOfThePeers(t *testing.T) {
	f, c := sells(t)
	f.consumer(t, "a", "shop", noAnswer)
	for _, x := range []struct {
		code int32
		ask  remoting.Fields
		want string
	}{
		{remoting.CodeGetTopicStatsInfo, fields("topic", "orders"), peerTopicStats},
		{remoting.CodeGetConsumeStats, fields("consumerGroup", "shop"), peerConsumeStats},
		{remoting.CodeInvokeBrokerToResetOffset, fields("topic", "orders", "group", "shop", "timestamp", "1"), peerReset},
		{remoting.CodeQueryCorrectionOffset, fields("topic", "orders"), peerCorrection},
		{remoting.CodeViewBrokerStatsData, fields("statsName", "TOPIC_PUT_NUMS", "statsKey", "orders"), peerStats},
		{remoting.CodeGetConsumerConnectionList, fields("consumerGroup", "shop"), peerConnections},
		{remoting.CodeQueryConsumeTimeSpan, fields("topic", "orders", "group", "shop"), peerSpans},
		{remoting.CodeUpdateAndGetGroupForbidden, fields("group", "shop", "topic", "orders"), peerForbidden},
		{remoting.CodeQueryConsumeQueue, fields("topic", "orders", "queueId", "0", "index", "0", "count", "1"), peerQueue},
	} {
		got := string(c.ok(t, x.code, x.ask, nil).Body)
		if a, b := shape(t, got), shape(t, x.want); !slices.Equal(a, b) {
			t.Errorf("%s\n got %s\nwant %s\nfrom %s", remoting.RequestName(x.code), a, b, got)
		}
	}
}

func TestBodiesOfThePeersAreRead(t *testing.T) {
	f, c := sells(t)
	c.ok(t, remoting.CodeUpdateAndCreateTopicList, nil, []byte(peerTopics))
	c.ok(t, remoting.CodeUpdateAndCreateSubscriptionGroupList, nil, []byte(peerGroups))
	if topic, group := f.Topics.Get("listed"), f.Groups.Get("listed"); topic == nil || topic.WriteQueues != 2 || group == nil || group.RetryMaxTimes != 16 {
		t.Errorf("%+v %+v", topic, group)
	}
}
