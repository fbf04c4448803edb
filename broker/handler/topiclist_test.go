package handler_test

import (
	"slices"
	"testing"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestAListOfTopicsIsCreatedAsAWhole(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	good := `{"topicName":"one","readQueueNums":2,"writeQueueNums":2,"perm":6},{"topicName":"two","attributes":{"+message.type":"FIFO"}}`
	for _, bad := range []string{`{"topicName":"a b"}`, `{"topicName":"TBW102"}`, `{"topicName":"three","attributes":{"+colour":"red"}}`, `{"topicName":"three","perm":99}`, `{"topicName":""}`} {
		c.fails(t, remoting.RespInvalidParameter, remoting.CodeUpdateAndCreateTopicList, nil, []byte(`{"topicConfigList":[`+good+","+bad+`]}`))
	}
	if f.Topics.Get("one") != nil {
		t.Error("a list with a topic that can't be is half made")
	}
	c.ok(t, remoting.CodeUpdateAndCreateTopicList, nil, []byte(`{"topicConfigList":[`+good+`]}`))
	one := bodyOf[meta.TopicConfig](t, c.ok(t, remoting.CodeGetTopicConfig, fields("topic", "one"), nil))
	two := bodyOf[meta.TopicConfig](t, c.ok(t, remoting.CodeGetTopicConfig, fields("topic", "two"), nil))
	if one.ReadQueues != 2 || two.WriteQueues != 16 || two.Attributes["message.type"] != "FIFO" {
		t.Errorf("%+v %+v", one, two)
	}
	c.fails(t, remoting.RespTopicNotExist, remoting.CodeGetTopicConfig, fields("topic", "three"), nil)
	if r := c.ok(t, remoting.CodeGetAllTopicConfig, nil, nil); number(t, r, "totalTopicNum") < 10 {
		t.Errorf("fields %s", r.Fields)
	}
}

func TestTheStatsOfATopicAreKeyedByItsQueues(t *testing.T) {
	f, c := sells(t)
	r := c.ok(t, remoting.CodeGetTopicStatsInfo, fields("topic", "orders"), nil)
	// The only form of such a map that Java reads.
	contains(t, r.Body, `{"topic":"orders","brokerName":"broker-a","queueId":0}:{`)
	body := bodyOf[struct {
		TPS     float64 `json:"topicPutTps"`
		Offsets byQueue[struct {
			Min     int64 `json:"minOffset"`
			Max     int64 `json:"maxOffset"`
			Updated int64 `json:"lastUpdateTimestamp"`
		}] `json:"offsetTable"`
	}](t, r)
	last, err := f.Store.StoreTime(f.Store.Queue("orders", 0), 1)
	if err != nil {
		t.Fatal(err)
	}
	if q := body.Offsets.of("orders", 0); len(body.Offsets) != 4 || q.Min != 0 || q.Max != 2 || q.Updated != last {
		t.Errorf("%d queues, the first: %+v", len(body.Offsets), q)
	}
	if q := body.Offsets.of("orders", 3); q.Max != 0 || q.Updated != 0 {
		t.Errorf("an empty queue: %+v", q)
	}
	if body.TPS <= 0 || body.TPS > 3 {
		t.Errorf("%v messages a second", body.TPS)
	}
	c.fails(t, remoting.RespTopicNotExist, remoting.CodeGetTopicStatsInfo, fields("topic", "none"), nil)
}

type list struct {
	Topics []string `json:"topicList"`
	Groups []string `json:"groupList"`
	Broker string   `json:"brokerAddr"`
}

func TestTopicsAndGroupsFindEachOther(t *testing.T) {
	f, c := sells(t)
	f.consumer(t, "a", "bank", noAnswer)
	topics := bodyOf[list](t, c.ok(t, remoting.CodeQueryTopicsByConsumer, fields("group", "shop"), nil))
	if !slices.Equal(topics.Topics, []string{"orders"}) || topics.Broker != "127.0.0.1:10911" {
		t.Errorf("%+v", topics)
	}
	groups := bodyOf[list](t, c.ok(t, remoting.CodeQueryTopicConsumeByWho, fields("topic", "orders"), nil))
	if !slices.Equal(groups.Groups, []string{"bank", "shop"}) {
		t.Errorf("%+v", groups)
	}
	// Null instead of an empty list is what Java's tools stumble over.
	equal(t, "no topics", string(c.ok(t, remoting.CodeQueryTopicsByConsumer, fields("group", "none"), nil).Body), `{"topicList":[],"brokerAddr":"127.0.0.1:10911"}`)
	equal(t, "no groups", string(c.ok(t, remoting.CodeQueryTopicConsumeByWho, fields("topic", "none"), nil).Body), `{"groupList":[]}`)
	system := bodyOf[list](t, c.ok(t, remoting.CodeGetSystemTopicListFromBroker, nil, nil)).Topics
	if !slices.Contains(system, meta.ScheduleTopic) || slices.Contains(system, "orders") {
		t.Errorf("%v", system)
	}
}

func TestADeletedTopicTakesTheRetryTopicsOfPoppedMessagesAlong(t *testing.T) {
	f, c := sells(t)
	f.Topics.Reserve([]meta.TopicConfig{meta.NewTopic("%RETRY%shop+orders", 1)}) // not a name that users may give
	for _, name := range []string{"%RETRY%shop_orders", "%RETRY%shop"} {
		c.ok(t, remoting.CodeUpdateAndCreateTopic, topicFields(name), nil)
	}
	c.ok(t, remoting.CodeDeleteTopicInBroker, fields("topic", "orders"), nil)
	for name, want := range map[string]bool{"orders": false, "%RETRY%shop_orders": false, "%RETRY%shop+orders": false, "%RETRY%shop": true} {
		if got := f.Topics.Get(name) != nil; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if f.Offsets.Query("shop", "orders", 0) != -1 {
		t.Error("its offsets are there")
	}
	c.fails(t, remoting.RespSystemError, remoting.CodeViewBrokerStatsData, fields("statsName", "TOPIC_PUT_NUMS", "statsKey", "orders"), nil)
}

func TestCleaningLeavesWhatIsInUse(t *testing.T) {
	f, c := sells(t)
	for _, code := range []int32{remoting.CodeCleanExpiredConsumeQueue, remoting.CodeDeleteExpiredCommitLog, remoting.CodeCleanUnusedTopic} {
		c.ok(t, code, nil, nil)
	}
	if _, next := f.Store.Queue("orders", 0).Bounds(); next != 2 {
		t.Errorf("the queue ends at %d", next)
	}
}
