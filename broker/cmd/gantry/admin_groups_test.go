package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// groupProgress is what is compared of a group's progress.
type groupProgress struct {
	Diff   int64 `json:"diffTotal"`
	Queues []struct {
		Topic    string
		ID       int    `json:"queueId"`
		Broker   int64  `json:"brokerOffset"`
		Consumer int64  `json:"consumerOffset"`
		Client   string `json:"clientIp"`
	}
}

func TestAdminShowsWhoConsumesAndHowFar(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	c := consumer(t, s, topic, topic)
	runClient(t, s, "send", "-topic", topic, "-count", "20")
	c.await(t, "20 messages", patience, func() bool { return c.last("progress").Distinct >= 20 })

	var conn struct {
		Connections   []struct{ ClientID, ClientAddr, Language string } `json:"connectionSet"`
		Subscriptions map[string]struct{ SubString string }             `json:"subscriptionTable"`
		Model         string                                            `json:"messageModel"`
	}
	tells(t, s, &conn, "consumerConnection", "-g", topic)
	if len(conn.Connections) != 1 || conn.Connections[0].Language != "GO" || conn.Subscriptions[topic].SubString != "*" || conn.Model != "CLUSTERING" {
		t.Errorf("%+v", conn)
	}
	var all struct {
		Groups []struct {
			Group   string
			Clients int
		}
	}
	tells(t, s, &all, "consumerProgress")
	found := false
	for _, g := range all.Groups {
		found = found || g.Group == topic && g.Clients == 1
	}
	if !found {
		t.Errorf("%s with one client isn't among %+v", topic, all.Groups)
	}
	var uses struct {
		Topics []struct {
			Topic  string
			Groups []string
		}
	}
	tells(t, s, &uses, "topicList", "-c")
	for _, u := range uses.Topics {
		if u.Topic == topic && strings.Join(u.Groups, ",") != topic {
			t.Errorf("%+v", u)
		}
	}
	c.stop(t) // commits

	var p groupProgress
	tells(t, s, &p, "consumer", "progress", topic, "-t", topic)
	var consumed int64
	for _, q := range p.Queues {
		consumed += q.Consumer
	}
	if p.Diff != 0 || consumed != 20 || len(p.Queues) != 4 {
		t.Errorf("%+v, expected 20 consumed from 4 queues", p)
	}
	eventually(t, "the consumer has gone", func() bool { _, code := operate(t, s, "consumer", "connection", topic); return code == 3 })
	refuses(t, s, 3, "no-such-group", "consumer", "progress", "no-such-group")
}

func TestAdminSaysWhichClientHasWhichQueue(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	c := consumer(t, s, topic, topic)
	runClient(t, s, "send", "-topic", topic, "-count", "4", "-queue", "-2")
	c.await(t, "4 messages", patience, func() bool { return c.last("progress").Distinct >= 4 })
	eventually(t, "all queues have a client", func() bool {
		var p groupProgress
		tells(t, s, &p, "consumerProgress", "-g", topic, "-t", topic, "-s", "true")
		with := 0
		for _, q := range p.Queues {
			if q.Client != "" {
				with++
			}
		}
		return with == 4
	})
	// And has it consume a message again.
	var conn struct {
		Connections []struct{ ClientID string } `json:"connectionSet"`
	}
	tells(t, s, &conn, "consumerConnection", "-g", topic, "-b", s.addr["broker"])
	var read struct{ Messages []adminMessage }
	tells(t, s, &read, "message", "consume", topic, "-c", "1")
	var result struct {
		Consumed []struct {
			Result string `json:"consumeResult"`
		}
	}
	tells(t, s, &result, "queryMsgById", "-t", topic, "-i", read.Messages[0].OffsetID, "-g", topic, "-d", conn.Connections[0].ClientID)
	if len(result.Consumed) != 1 || result.Consumed[0].Result != "CR_SUCCESS" {
		t.Errorf("%+v", result)
	}
	c.await(t, "a duplicate", patience, func() bool { return c.last("progress").Duplicates == 1 })
}

func TestAdminMovesGroups(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	runClient(t, s, "send", "-topic", topic, "-count", "20", "-queue", "-2")
	consumer(t, s, topic, topic, "-want", "20").finish(t, patience)
	committed := func() int64 {
		var p groupProgress
		tells(t, s, &p, "consumer", "progress", topic, "-t", topic)
		var n int64
		for _, q := range p.Queues {
			n += q.Consumer
		}
		return n
	}
	eventually(t, "all is committed", func() bool { return committed() == 20 })
	var reset struct{ Offsets []struct{ Offset int64 } }
	tells(t, s, &reset, "resetOffsetByTime", "-g", topic, "-t", topic, "-s", "0")
	if len(reset.Offsets) != 4 || reset.Offsets[0].Offset != 0 {
		t.Errorf("%+v", reset)
	}
	if n := committed(); n != 0 {
		t.Errorf("back at the beginning: %d are committed", n)
	}
	does(t, s, "consumer", "reset", topic, "-t", topic, "-s", "now")
	if n := committed(); n != 20 {
		t.Errorf("at the end: %d are committed", n)
	}
	does(t, s, "consumer", "reset", topic, "-t", topic, "-b", "broker-a", "-q", "2", "-o", "1", "-s", "now")
	if n := committed(); n != 16 {
		t.Errorf("one queue of five messages at its second: %d are committed", n)
	}
	refuses(t, s, 3, topic+"-none", "consumer", "reset", topic, "-t", topic+"-none", "-s", "now")
}

func TestAdminCreatesAndDeletesGroups(t *testing.T) {
	t.Parallel()
	s := shared(t)
	group := t.Name()
	does(t, s, "updateSubGroup", "-b", s.addr["broker"], "-g", group, "-r", "3", "-o", "true", "-p", `{"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000,5000]}}`)
	config := func() *remoting.Response {
		return dial(t, s.addr["broker"]).call(t, remoting.CodeGetSubscriptionGroupConfig, map[string]string{"group": group}, nil)
	}
	if r := config(); !strings.Contains(string(r.Body), `"retryMaxTimes":3`) || !strings.Contains(string(r.Body), `5000`) {
		t.Errorf("code %d: %s", r.Code, r.Body)
	}
	does(t, s, "group", "delete", group, "-r", "true")
	if r := config(); strings.Contains(string(r.Body), `"retryMaxTimes":3`) {
		t.Errorf("after it was deleted: code %d: %s", r.Code, r.Body)
	}
	refuses(t, s, 2, "illegal name", "group", "create", "a b")
}

func TestAdminShowsProducers(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	c := dial(t, s.addr["broker"])
	beat := `{"clientID":"10.1.2.3@4","consumerDataSet":[],"heartbeatFingerprint":0,"producerDataSet":[{"groupName":"` + topic + `"}],"withoutSub":false}`
	if r := c.call(t, remoting.CodeHeartBeat, nil, []byte(beat)); r.Code != remoting.RespSuccess {
		t.Fatal(r.Code, r.Remark)
	}
	var conn struct {
		Connections []struct{ ClientID string } `json:"connectionSet"`
	}
	tells(t, s, &conn, "producerConnection", "-g", topic, "-t", topic)
	if len(conn.Connections) != 1 || conn.Connections[0].ClientID != "10.1.2.3@4" {
		t.Errorf("%+v", conn)
	}
	refuses(t, s, 3, "no-such-producer", "producer", "connection", "no-such-producer", "-t", topic)
}

func TestAdminShowsBrokersAndConfiguresThem(t *testing.T) {
	t.Parallel()
	s := shared(t)
	var list struct {
		Brokers []struct {
			Name   string `json:"brokerName"`
			Addr   string `json:"brokerAddr"`
			Values map[string]string
		}
	}
	for _, args := range [][]string{{"clusterList"}, {"brokerStatus", "-c", "DefaultCluster"}, {"broker", "status", "broker-a"}, {"broker", "status", s.addr["broker"]}} {
		tells(t, s, &list, args...)
		if b := list.Brokers; len(b) != 1 || b[0].Addr != s.addr["broker"] || b[0].Values["brokerVersionDesc"] == "" || b[0].Values["putTps"] == "" {
			t.Errorf("%v: %+v", args, b)
		}
	}
	if out := does(t, s, "cluster", "list"); !strings.Contains(out, "broker-a  0   "+s.addr["broker"]) {
		t.Error(out)
	}
	does(t, s, "clusterList", "-m")

	s = start(t, t.TempDir())                          // one that can be changed
	does(t, s, "message", "send", "before", "-p", "x") // its topic comes into being
	does(t, s, "updateBrokerConfig", "-b", s.addr["broker"], "-k", "autoCreateTopicEnable", "-v", "false")
	tells(t, s, &list, "getBrokerConfig", "-c", "DefaultCluster")
	if b := list.Brokers; len(b) != 1 || b[0].Values["autoCreateTopicEnable"] != "false" {
		t.Errorf("%+v", b)
	}
	if out, code := operate(t, s, "message", "send", "after", "-p", "x"); code == 0 {
		t.Errorf("a topic came into being though the broker was told not to create any: %s", out)
	}
	refuses(t, s, 1, "noSuchKey", "broker", "config", "set", "noSuchKey", "1")
	topic := t.Name()
	does(t, s, "topic", "create", topic, "-r", "1", "-w", "1")
	does(t, s, "message", "send", topic, "-p", "x")
	var status struct {
		Queues []struct {
			Max     int64 `json:"maxOffset"`
			Updated int64 `json:"lastUpdateTimestamp"`
		}
	}
	tells(t, s, &status, "topicStatus", "-t", topic)
	if q := status.Queues; len(q) != 1 || q[0].Max != 1 || time.Since(time.UnixMilli(q[0].Updated)).Abs() > time.Minute {
		t.Errorf("%+v", status)
	}
	s.stop(t)
}
