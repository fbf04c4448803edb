package handler_test

import (
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
)

type progress struct {
	Broker   int64 `json:"brokerOffset"`
	Consumer int64 `json:"consumerOffset"`
	Pull     int64 `json:"pullOffset"`
	Last     int64 `json:"lastTimestamp"`
}

type consumeStats struct {
	Offsets byQueue[progress] `json:"offsetTable"`
	TPS     float64           `json:"consumeTps"`
}

func TestConsumeStatsTellHowFarAGroupIs(t *testing.T) {
	f, c := sells(t)
	first, err := f.Store.StoreTime(f.Store.Queue("orders", 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Offsets.NotePull("shop", "orders", 0, 2)
	f.Handler.Stats().CountGot("shop", "orders", 5, 50)
	for what, ask := range map[string]remoting.Fields{
		"all topics": fields("consumerGroup", "shop"),
		"one":        fields("consumerGroup", "shop", "topic", "orders"),
		"a list":     fields("consumerGroup", "shop", "topicList", "orders;none;orders;"),
	} {
		r := c.ok(t, remoting.CodeGetConsumeStats, ask, nil)
		contains(t, r.Body, `{"topic":"orders","brokerName":"broker-a","queueId":1}:{`)
		s := bodyOf[consumeStats](t, r)
		if len(s.Offsets) != 4 || s.TPS <= 0 {
			t.Errorf("%s: %+v", what, s)
		}
		equal(t, what, s.Offsets.of("orders", 0), progress{2, 1, 2, first})
		equal(t, what, s.Offsets.of("orders", 1), progress{1, 0, 0, 0})
	}
	if s := bodyOf[consumeStats](t, c.ok(t, remoting.CodeGetConsumeStats, fields("consumerGroup", "none"), nil)); len(s.Offsets) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestATopicThatAGroupHasLeftIsNotPartOfItsProgress(t *testing.T) {
	f, c := sells(t)
	f.Offsets.Commit("shop", "batches", 0, 0)
	queues := func(ask ...string) int {
		t.Helper()
		return len(bodyOf[consumeStats](t, c.ok(t, remoting.CodeGetConsumeStats, fields(append(ask, "consumerGroup", "shop")...), nil)).Offsets)
	}
	equal(t, "nobody there", queues(), 5)
	f.consumer(t, "a", "shop", noAnswer) // subscribes to orders
	equal(t, "members that subscribe to another", queues(), 4)
	equal(t, "asked for by name", queues("topic", "batches"), 0)
	equal(t, "in a list", queues("topicList", "batches"), 1)
}

func TestTheProgressOfAllGroupsIsSummedUp(t *testing.T) {
	f, c := sells(t)
	f.Offsets.NotePull("shop", "orders", 0, 2)
	type answer struct {
		Broker   string                      `json:"brokerAddr"`
		Groups   []map[string][]consumeStats `json:"consumeStatsList"`
		Behind   int64                       `json:"totalDiff"`
		InFlight int64                       `json:"totalInflightDiff"`
	}
	a := bodyOf[answer](t, c.ok(t, remoting.CodeGetBrokerConsumeStats, fields("isOrder", "false"), nil))
	if a.Behind != 2 || a.InFlight != 1 || a.Broker != "127.0.0.1:10911" {
		t.Errorf("%+v", a)
	}
	var shop []consumeStats
	for _, g := range a.Groups {
		if s, ok := g["shop"]; ok {
			shop = s
		}
	}
	if len(shop) != 1 || shop[0].Offsets.of("orders", 0).Broker != 2 {
		t.Errorf("%+v", shop)
	}
	if a := bodyOf[answer](t, c.ok(t, remoting.CodeGetBrokerConsumeStats, fields("isOrder", "true"), nil)); a.Behind != 0 {
		t.Errorf("ordered topics only: %+v", a)
	}
}

func TestTimeSpansTellFromWhenMessagesAre(t *testing.T) {
	f, c := sells(t)
	at := func(offset int64) int64 {
		t.Helper()
		ms, err := f.Store.StoreTime(f.Store.Queue("orders", 0), offset)
		if err != nil {
			t.Fatal(err)
		}
		return ms
	}
	spans := bodyOf[struct {
		Spans []struct {
			Queue    queueName `json:"messageQueue"`
			Min      int64     `json:"minTimeStamp"`
			Max      int64     `json:"maxTimeStamp"`
			Consumed int64     `json:"consumeTimeStamp"`
			Delay    int64     `json:"delayTime"`
		} `json:"consumeTimeSpanSet"`
	}](t, c.ok(t, remoting.CodeQueryConsumeTimeSpan, fields("topic", "orders", "group", "shop"), nil)).Spans
	if len(spans) != 4 {
		t.Fatalf("%+v", spans)
	}
	if s := spans[0]; s.Queue.ID != 0 || s.Min != at(0) || s.Max != at(1) || s.Consumed != at(0) || s.Delay < 0 {
		t.Errorf("%+v", s)
	}
	if s := spans[3]; s.Min != -1 || s.Max != -1 || s.Consumed != -1 || s.Delay != 0 {
		t.Errorf("an empty queue: %+v", s)
	}
	c.fails(t, remoting.RespTopicNotExist, remoting.CodeQueryConsumeTimeSpan, fields("topic", "none", "group", "shop"), nil)
}
