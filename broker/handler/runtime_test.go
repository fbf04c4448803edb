package handler_test

import (
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// runtimeKeys are those of a RocketMQ 5.5 broker; that of the directory apart.
const runtimeKeys = `EndTransactionQueueSize EndTransactionThreadPoolQueueCapacity ackThreadPoolQueueCapacity ackThreadPoolQueueHeadWaitTimeMills
ackThreadPoolQueueSize bootTimestamp brokerActive brokerVersionDesc commitLogDirCapacity commitLogDiskRatio commitLogMaxOffset commitLogMinOffset
consumeQueueDiskRatio dispatchBehindBytes dispatchMaxBuffer earliestMessageTimeStamp getFoundTps getMessageEntireTimeMax getMissTps getTotalTps
getTransferredTps litePullThreadPoolQueueCapacity litePullThreadPoolQueueHeadWaitTimeMills litePullThreadPoolQueueSize msgGetTotalTodayMorning
msgGetTotalTodayNow msgGetTotalYesterdayMorning msgPutTotalTodayMorning msgPutTotalTodayNow msgPutTotalYesterdayMorning pageCacheLockTimeMills
pullThreadPoolQueueCapacity pullThreadPoolQueueHeadWaitTimeMills pullThreadPoolQueueSize putLatency99 putLatency999 putMessageAverageSize
putMessageDistributeTime putMessageEntireTimeMax putMessageFailedTimes putMessageSizeTotal putMessageTimesTotal putTps queryThreadPoolQueueCapacity
queryThreadPoolQueueHeadWaitTimeMills queryThreadPoolQueueSize remainHowManyDataToFlush remainTransientStoreBufferNumbs runtime
sendThreadPoolQueueCapacity sendThreadPoolQueueHeadWaitTimeMills sendThreadPoolQueueSize startAcceptSendRequestTimeStamp timerCongestNum
timerDequeueTps timerEnqueueTps timerOffsetBehind timerReadBehind`

func (c *client) runtime(t *testing.T) map[string]string {
	t.Helper()
	return bodyOf[struct {
		Table map[string]string `json:"table"`
	}](t, c.ok(t, remoting.CodeGetBrokerRuntimeInfo, nil, nil)).Table
}

func TestRunTimeInfoHasWhatToolsPrint(t *testing.T) {
	f, c := sells(t)
	c.ok(t, remoting.CodePullMessage, pullFields(0, subscription), nil)
	c.fails(t, remoting.RespPullNotFound, remoting.CodePullMessage, pullFields(2, subscription), nil)
	info := c.runtime(t)
	for key := range strings.FieldsSeq(runtimeKeys) {
		if info[key] == "" {
			t.Errorf("no %s", key)
		}
	}
	for key, want := range map[string]string{
		"msgPutTotalTodayNow": "3", "msgGetTotalTodayNow": "2", "commitLogMaxOffset": itoa(f.Store.Log.Max()), "brokerVersionDesc": "V5_5_0", "putMessageTimesTotal": "3",
	} {
		if info[key] != want {
			t.Errorf("%s is %q, expected %q", key, info[key], want)
		}
	}
	for _, key := range []string{"putTps", "getFoundTps", "getMissTps", "getTotalTps", "getTransferredTps"} {
		if rates := strings.Fields(info[key]); len(rates) != 3 || rates[0] == "0" {
			t.Errorf("%s is %q", key, info[key])
		}
	}
	first, err := f.Store.StoreTime(f.Store.Queue("orders", 0), 0)
	if err != nil || info["earliestMessageTimeStamp"] != itoa(first) {
		t.Errorf("the earliest message is of %s, expected %d: %v", info["earliestMessageTimeStamp"], first, err)
	}
}

func TestStatsAreViewedByNameAndKey(t *testing.T) {
	_, c := sells(t)
	c.ok(t, remoting.CodePullMessage, pullFields(0, subscription), nil)
	type item struct {
		Sum     int64   `json:"sum"`
		TPS     float64 `json:"tps"`
		Average float64 `json:"avgpt"`
	}
	view := func(name, key string) (minute, day item) {
		t.Helper()
		body := bodyOf[struct {
			Minute item `json:"statsMinute"`
			Day    item `json:"statsDay"`
		}](t, c.ok(t, remoting.CodeViewBrokerStatsData, fields("statsName", name, "statsKey", key), nil))
		return body.Minute, body.Day
	}
	for _, x := range []struct {
		name, key string
		sum       int64
		average   float64
	}{
		{"TOPIC_PUT_NUMS", "orders", 3, 1}, {"GROUP_GET_NUMS", "orders@shop", 2, 2},
		{"QUEUE_PUT_NUMS", "orders@0", 2, 1}, {"QUEUE_PUT_NUMS", "orders@1", 1, 1},
		{"BROKER_PUT_NUMS", "DefaultCluster", 3, 1}, {"BROKER_GET_NUMS", "DefaultCluster", 2, 2},
	} {
		minute, day := view(x.name, x.key)
		if minute.Sum != x.sum || day.Sum != x.sum || minute.TPS <= 0 || minute.Average != x.average {
			t.Errorf("%s %s: %+v, day %+v", x.name, x.key, minute, day)
		}
	}
	if minute, _ := view("TOPIC_PUT_SIZE", "orders"); minute.Sum < 300 {
		t.Errorf("%+v", minute)
	}
	if minute, _ := view("QUEUE_PUT_NUMS", "orders@3"); minute.Sum != 0 || minute.TPS != 0 {
		t.Errorf("an empty queue: %+v", minute)
	}
	for _, key := range []string{"orders@4", "orders@-1", "orders@x", "orders", "none@0", "@"} {
		c.fails(t, remoting.RespSystemError, remoting.CodeViewBrokerStatsData, fields("statsName", "QUEUE_PUT_NUMS", "statsKey", key), nil)
	}
	r := c.fails(t, remoting.RespSystemError, remoting.CodeViewBrokerStatsData, fields("statsName", "TOPIC_PUT_NUMS", "statsKey", "none"), nil)
	equal(t, "remark", r.Remark, "The stats <TOPIC_PUT_NUMS> <none> not exist")
}

func TestUnitsOfAQueueAreShownWithWhatAGroupsFilterSays(t *testing.T) {
	f, c := sells(t)
	f.consumer(t, "a", "shop", noAnswer)
	view := func(ask ...string) (body struct {
		Filter string `json:"filterData"`
		Units  []struct {
			Size   int32 `json:"physicSize"`
			Code   int64 `json:"tagsCode"`
			Passes bool  `json:"eval"`
		} `json:"queueData"`
		Max int64 `json:"maxQueueIndex"`
	}) {
		t.Helper()
		r := c.ok(t, remoting.CodeQueryConsumeQueue, fields(append(ask, "topic", "orders", "queueId", "0")...), nil)
		return bodyOf[struct {
			Filter string `json:"filterData"`
			Units  []struct {
				Size   int32 `json:"physicSize"`
				Code   int64 `json:"tagsCode"`
				Passes bool  `json:"eval"`
			} `json:"queueData"`
			Max int64 `json:"maxQueueIndex"`
		}](t, r)
	}
	all := view("index", "0", "count", "10", "consumerGroup", "shop")
	if len(all.Units) != 2 || all.Max != 2 || !all.Units[1].Passes || all.Units[0].Size == 0 || all.Units[0].Code == all.Units[1].Code {
		t.Errorf("%+v", all)
	}
	if last := view("index", "1", "count", "1000000"); len(last.Units) != 1 || last.Units[0].Code != all.Units[1].Code {
		t.Errorf("%+v", last)
	}
	if none := view("index", "7", "count", "10", "consumerGroup", "bank"); len(none.Units) != 0 || none.Filter != "bank@orders is not online!" {
		t.Errorf("%+v", none)
	}
	c.fails(t, remoting.RespSystemError, remoting.CodeQueryConsumeQueue, fields("topic", "none", "queueId", "0", "count", "1"), nil)
	c.fails(t, remoting.RespSystemError, remoting.CodeQueryConsumeQueue, fields("topic", "orders", "queueId", "9", "count", "1"), nil)
}
