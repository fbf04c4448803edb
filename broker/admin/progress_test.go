package admin

import (
	"errors"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// Answers as RocketMQ 5.5 and its Go client write them.
const (
	stats0 = `{"consumeTps":1.5,"offsetTable":{{"brokerName":"b0","queueId":1,"topic":"orders"}:{"brokerOffset":9,"consumerOffset":4,"lastTimestamp":1795634307930,"pullOffset":6},{"brokerName":"b0","queueId":0,"topic":"orders"}:{"brokerOffset":0,"consumerOffset":0,"lastTimestamp":0,"pullOffset":0}}}`
	stats1 = `{"consumeTps":0.5,"offsetTable":{{"brokerName":"b1","queueId":0,"topic":"orders"}:{"brokerOffset":1,"consumerOffset":0,"lastTimestamp":0,"pullOffset":0}}}`
	conns  = `{"connectionSet":[{"clientAddr":"127.0.0.1:34038","clientId":"10.0.0.9@26689","language":"GO","version":317},{"clientAddr":"127.0.0.1:34039","clientId":"10.0.0.8@1#2","language":"JAVA","version":513}],"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","subscriptionTable":{"orders":{"classFilterMode":false,"codeSet":[],"expressionType":"TAG","subString":"*","subVersion":1795634386956613237,"tagsSet":[],"topic":"orders"}}}`
)

func TestProgressIsThatOfAllBrokers(t *testing.T) {
	c := newCluster(t, 2)
	c.brokers[0].says(remoting.CodeGetConsumeStats, answer{body: stats0})
	c.brokers[1].says(remoting.CodeGetConsumeStats, answer{body: stats1})
	p, err := c.client.Progress(t.Context(), ProgressQuery{Group: "g", Topic: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "progress", *p, Progress{"g", 2, 6, 2, []QueueProgress{
		{Queue{"orders", "b0", 0}, 0, 0, 0, 0, 0, ""},
		{Queue{"orders", "b0", 1}, 9, 4, 5, 2, 1795634307930, ""},
		{Queue{"orders", "b1", 0}, 1, 0, 1, 0, 0, ""},
	}})
	equal(t, "request", c.brokers[0].got(), []string{"GET_CONSUME_STATS consumerGroup=g topic=orders"})
}

func TestProgressCanSayWhichClientHasWhichQueue(t *testing.T) {
	c := newCluster(t, 2)
	c.brokers[0].says(remoting.CodeGetConsumeStats, answer{body: stats0})
	c.brokers[1].says(remoting.CodeGetConsumeStats, answer{body: stats1})
	c.brokers[0].says(remoting.CodeGetConsumerConnectionList, answer{body: conns})
	c.brokers[1].says(remoting.CodeGetConsumerConnectionList, answer{code: remoting.RespConsumerNotOnline})
	c.brokers[0].on(remoting.CodeGetConsumerRunningInfo, func(a asked) answer {
		queue := "0"
		if a.fields["clientId"] == "10.0.0.9@26689" {
			queue = "1"
		}
		return answer{body: `{"mqTable":{{"brokerName":"b0","queueId":` + queue + `,"topic":"orders"}:{"cachedMsgCount":0,"droped":false}},"properties":{}, "jstack":"" }`}
	})
	p, err := c.client.Progress(t.Context(), ProgressQuery{Group: "g", Clients: true})
	if err != nil {
		t.Fatal(err)
	}
	var owners []string
	for _, q := range p.Queues {
		owners = append(owners, q.ClientIP)
	}
	equal(t, "owners", owners, []string{"10.0.0.8", "10.0.0.9", ""})
}

func TestAGroupThatNobodyKnowsIsNotFound(t *testing.T) {
	c := newCluster(t, 2)
	c.miss("%RETRY%g")
	c.say(remoting.CodeGetConsumeStats, answer{body: `{"consumeTps":0.0,"offsetTable":{}}`})
	if _, err := c.client.Progress(t.Context(), ProgressQuery{Group: "g"}); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `"g"`) {
		t.Error(err)
	}
	if len(c.brokers[0].got()) != 1 || len(c.brokers[1].got()) != 1 {
		t.Error("a group without a topic for retries was not looked for in all brokers")
	}
	c.miss("orders")
	if _, err := c.client.Progress(t.Context(), ProgressQuery{Group: "g", Topic: "orders"}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestAllProgressHasAGroupForEachTopicForRetries(t *testing.T) {
	c := newCluster(t, 1)
	c.names.says(remoting.CodeGetAllTopicListFromNameServer, answer{body: `{"topicList":["orders","%RETRY%off","%RETRY%on"]}`})
	c.say(remoting.CodeGetConsumeStats, answer{body: stats0})
	c.brokers[0].on(remoting.CodeGetConsumerConnectionList, func(a asked) answer {
		if a.fields["consumerGroup"] == "on" {
			return answer{body: conns}
		}
		return answer{code: remoting.RespConsumerNotOnline}
	})
	all, err := c.client.AllProgress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "groups", all, []GroupProgress{
		{"off", 0, "", "", "", 1.5, 5},
		{"on", 2, "V4_5_2", "CONSUME_PASSIVELY", "CLUSTERING", 1.5, 5},
	})
}

func TestConnectionsToSeveralBrokersAreOneClient(t *testing.T) {
	c := newCluster(t, 2)
	c.say(remoting.CodeGetConsumerConnectionList, answer{body: conns})
	cc, err := c.client.ConsumerConnection(t.Context(), "g", "")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "clients", cc.Connections, []Connection{{"10.0.0.8@1#2", "127.0.0.1:34039", "JAVA", 513}, {"10.0.0.9@26689", "127.0.0.1:34038", "GO", 317}})
	equal(t, "subscriptions", cc.Subscriptions, map[string]Subscription{"orders": {"orders", "*", "TAG"}})
	if cc.Type != "CONSUME_PASSIVELY" || cc.Model != "CLUSTERING" || cc.From != "CONSUME_FROM_FIRST_OFFSET" {
		t.Errorf("%+v", cc)
	}
	c.say(remoting.CodeGetConsumerConnectionList, answer{code: remoting.RespConsumerNotOnline})
	for _, addr := range []string{"", c.brokers[0].addr} {
		if _, err := c.client.ConsumerConnection(t.Context(), "g", addr); !errors.Is(err, ErrNotFound) {
			t.Errorf("nobody online, asked at %q: %v", addr, err)
		}
	}
	c.brokers[1].says(remoting.CodeGetConsumerConnectionList, answer{code: remoting.RespNoPermission})
	if _, err := c.client.ConsumerConnection(t.Context(), "g", ""); err == nil || !strings.Contains(err.Error(), "NO_PERMISSION") {
		t.Errorf("a broker that refuses: %v", err)
	}
}

func TestProducersAreThoseOfAllBrokersOfTheTopic(t *testing.T) {
	c := newCluster(t, 2)
	c.brokers[0].says(remoting.CodeGetProducerConnectionList, answer{code: remoting.RespSystemError, remark: "the producer group[p] not exist"})
	c.brokers[1].says(remoting.CodeGetProducerConnectionList, answer{body: `{"connectionSet":[{"clientAddr":"h:1","clientId":"x@1","language":"JAVA","version":399}]}`})
	pc, err := c.client.ProducerConnection(t.Context(), "p", "orders")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "producers", *pc, ProducerConnection{"p", []Connection{{"x@1", "h:1", "JAVA", 399}}})
	c.brokers[1].says(remoting.CodeGetProducerConnectionList, answer{code: remoting.RespSystemError, remark: "the producer group[p] not exist"})
	if _, err := c.client.ProducerConnection(t.Context(), "p", "orders"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestVersionsHaveThePeersNames(t *testing.T) {
	for version, want := range map[int32]string{
		513: "V5_5_0", 512: "V5_5_0_SNAPSHOT", 475: "V5_3_1", 399: "V4_9_3", 317: "V4_5_2", 213: "V4_0_0", 212: "V4_0_0_SNAPSHOT", 211: "V3 (211)", 0: "V3 (0)", -1: "V3 (-1)",
	} {
		if got := VersionName(version); got != want {
			t.Errorf("%d: %s, expected %s", version, got, want)
		}
	}
}
