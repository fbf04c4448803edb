package admin

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestARouteIsReadAndSorted(t *testing.T) {
	c := newCluster(t, 2)
	r, err := c.client.Route(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "queues", r.Queues, []RouteQueues{{"b0", 2, 2, 6, 0}, {"b1", 2, 2, 6, 0}})
	equal(t, "brokers", r.Brokers, []BrokerSet{{"c", "b0", map[int64]string{0: c.brokers[0].addr}}, {"c", "b1", map[int64]string{0: c.brokers[1].addr}}})
	c.miss("none")
	if _, err := c.client.Route(t.Context(), "none"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `"none"`) {
		t.Error(err)
	}
}

func TestATopicsStatusIsThatOfAllItsBrokers(t *testing.T) {
	c := newCluster(t, 2)
	// As RocketMQ 5.5 writes it.
	c.brokers[0].says(remoting.CodeGetTopicStatsInfo, answer{body: `{"offsetTable":{{"brokerName":"b0","queueId":1,"topic":"orders"}:{"lastUpdateTimestamp":1795634307930,"maxOffset":7,"minOffset":2},{"brokerName":"b0","queueId":0,"topic":"orders"}:{"lastUpdateTimestamp":0,"maxOffset":0,"minOffset":0}},"topicPutTps":0.5}`})
	c.brokers[1].says(remoting.CodeGetTopicStatsInfo, answer{body: `{"offsetTable":{{"brokerName":"b1","queueId":0,"topic":"orders"}:{"lastUpdateTimestamp":0,"maxOffset":1,"minOffset":0}},"topicPutTps":0.25}`})
	s, err := c.client.TopicStatus(t.Context(), Where{Topic: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "status", *s, TopicStatus{"orders", 0.75, []QueueBounds{{"b0", 0, 0, 0, 0}, {"b0", 1, 2, 7, 1795634307930}, {"b1", 0, 0, 1, 0}}})
	c.brokers[1].says(remoting.CodeGetTopicStatsInfo, answer{code: remoting.RespSystemError})
	if s, err := c.client.TopicStatus(t.Context(), Where{Topic: "orders"}); err == nil || s == nil || len(s.Queues) != 2 {
		t.Errorf("with a broker that fails: %+v, %v; expected what the other says and the error", s, err)
	}
}

func TestALightweightQueueIsLookedForAtItsParent(t *testing.T) {
	c := newCluster(t, 1)
	c.say(remoting.CodeGetTopicStatsInfo, answer{body: `{"offsetTable":{}}`})
	for where, route := range map[Where]string{
		{"%LMQ%x", "parent"}: "parent", {"%LMQ%x", ""}: "%LMQ%x", {"rmq_sys_wheel_timer", "c"}: "c", {"orders", "c"}: "orders",
	} {
		if _, err := c.client.TopicStatus(t.Context(), where); err != nil {
			t.Error(err)
		}
		got := c.names.got(remoting.CodeGetRouteInfoByTopic)
		if last := got[len(got)-1]; !strings.HasSuffix(last, "topic="+route) {
			t.Errorf("%+v: %s, expected the route of %s", where, last, route)
		}
	}
	if _, err := c.client.TopicStatus(t.Context(), Where{"orders", "other"}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestTopicUsesLeaveOutRetriesAndJoinGroups(t *testing.T) {
	c := newCluster(t, 2)
	c.miss("gone")
	c.names.says(remoting.CodeGetAllTopicListFromNameServer, answer{body: `{"topicList":["orders","%RETRY%g","%DLQ%g","gone"]}`})
	c.brokers[0].says(remoting.CodeQueryTopicConsumeByWho, answer{body: `{"groupList":["h","g"]}`})
	c.brokers[1].says(remoting.CodeQueryTopicConsumeByWho, answer{body: `{"groupList":["g"]}`})
	uses, err := c.client.TopicUses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "uses", uses, []TopicUse{{"gone", nil, nil}, {"orders", []string{"c"}, []string{"g", "h"}}})
	clusters, err := c.client.TopicClusters(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "clusters", clusters, []string{"c"})
}

func TestPuttingATopicSendsAllItsFields(t *testing.T) {
	c := newCluster(t, 2)
	c.say(remoting.CodeUpdateAndCreateTopic, answer{})
	topic := meta.NewTopic("orders", 3)
	topic.WriteQueues, topic.SysFlag, topic.Attributes = 2, 1, map[string]string{"-b": "", "+a": "1"}
	done, err := c.client.PutTopic(t.Context(), Target{Cluster: "c"}, topic)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "brokers", done, []Broker{{"c", "b0", 0, c.brokers[0].addr}, {"c", "b1", 0, c.brokers[1].addr}})
	equal(t, "request", c.brokers[1].got(), []string{"UPDATE_AND_CREATE_TOPIC attributes=+a=1,-b defaultTopic=TBW102 order=false perm=6 readQueueNums=3 topic=orders topicFilterType=SINGLE_TAG topicSysFlag=1 writeQueueNums=2"})
	if got := c.names.got(remoting.CodePutKVConfig); got != nil {
		t.Errorf("a topic without order was made known as ordered: %v", got)
	}
	if _, err := c.client.PutTopic(t.Context(), Target{Cluster: "c"}, meta.NewTopic("a b", 1)); !errors.Is(err, ErrInput) {
		t.Error(err)
	}
}

func TestTheBrokersThatHaveChangedATopicAreReturnedBesideTheError(t *testing.T) {
	c := newCluster(t, 2)
	c.brokers[0].says(remoting.CodeUpdateAndCreateTopic, answer{})
	done, err := c.client.PutTopic(t.Context(), Target{}, meta.NewTopic("orders", 1))
	if err == nil || len(done) != 1 || done[0].Name != "b0" {
		t.Errorf("%v, %v", done, err)
	}
}

func TestAnOrderedTopicIsMadeKnownToTheNameServers(t *testing.T) {
	c := newCluster(t, 2)
	c.say(remoting.CodeUpdateAndCreateTopic, answer{})
	c.names.says(remoting.CodePutKVConfig, answer{})
	c.names.says(remoting.CodeGetKVConfig, answer{fields: map[string]string{"value": "b0:9;b1:9;old:4"}})
	topic := meta.NewTopic("orders", 3)
	topic.Order = true
	for _, test := range []struct {
		target Target
		want   string
	}{
		{Target{Cluster: "c"}, "b0:3;b1:3"},
		{Target{Broker: c.brokers[1].addr}, "b0:9;b1:3;old:4"}, // what is known of other brokers stays
		{Target{Broker: "b0"}, "b0:3;b1:9;old:4"},
	} {
		if _, err := c.client.PutTopic(t.Context(), test.target, topic); err != nil {
			t.Fatal(err)
		}
		got := c.names.got(remoting.CodePutKVConfig)
		if last := got[len(got)-1]; last != "PUT_KV_CONFIG key=orders namespace=ORDER_TOPIC_CONFIG value="+test.want {
			t.Errorf("%+v: %s, expected %s", test.target, last, test.want)
		}
	}
	c.names.says(remoting.CodeGetKVConfig, answer{code: remoting.RespQueryNotFound})
	if _, err := c.client.PutTopic(t.Context(), Target{Broker: "b0"}, topic); err != nil {
		t.Error(err)
	}
	stranger := newFake(t)
	stranger.says(remoting.CodeUpdateAndCreateTopic, answer{})
	if _, err := c.client.PutTopic(t.Context(), Target{Broker: stranger.addr}, topic); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestATopicIsDeletedFromTheNameServersOnceNoBrokerHasIt(t *testing.T) {
	c := newCluster(t, 2)
	c.names.says(remoting.CodeDeleteTopicInNamesrv, answer{})
	c.brokers[0].says(remoting.CodeDeleteTopicInBroker, answer{})
	if _, err := c.client.DeleteTopic(t.Context(), "c", "orders"); err == nil {
		t.Error("no error though a broker refuses")
	}
	if got := c.names.got(remoting.CodeDeleteTopicInNamesrv); got != nil {
		t.Errorf("the name server forgot it though a broker has it: %v", got)
	}
	c.brokers[1].says(remoting.CodeDeleteTopicInBroker, answer{})
	done, err := c.client.DeleteTopic(t.Context(), "", "orders")
	if err != nil || len(done) != 2 {
		t.Errorf("%v, %v", done, err)
	}
	equal(t, "name server", c.names.got(remoting.CodeDeleteTopicInNamesrv), []string{"DELETE_TOPIC_IN_NAMESRV clusterName=c topic=orders"})
}

func TestChangesReachAllNameServers(t *testing.T) {
	c := newCluster(t, 1)
	c.say(remoting.CodeDeleteTopicInBroker, answer{})
	second := newFake(t)
	for _, f := range []*fake{c.names, second} {
		f.says(remoting.CodeDeleteTopicInNamesrv, answer{})
	}
	if _, err := newClient(t, c.names.addr, second.addr).DeleteTopic(t.Context(), "", "orders"); err != nil {
		t.Fatal(err)
	}
	if got := second.got(); len(got) != 1 {
		t.Errorf("the second name server got %v", got)
	}
}

func TestAttributesAreReadAndWritten(t *testing.T) {
	for in, want := range map[string]string{
		"+a=b": "+a=b", "-c , +a=b=c": "+a=b=c,-c", "+a=": "+a=", "-c=x": "-c",
		"": "ERR", "a=b": "ERR", "+a": "ERR", "+": "ERR", "+a=1,+a=2": "ERR", "+a=1,": "ERR",
	} {
		changes, err := ParseAttributes(in)
		if err != nil {
			if want != "ERR" || !errors.Is(err, ErrInput) {
				t.Errorf("%q: %v", in, err)
			}
			continue
		}
		got := FormatAttributes(changes)
		if got != want {
			t.Errorf("%q: %q, expected %q", in, got, want)
		}
		again, err := ParseAttributes(got)
		if err != nil || FormatAttributes(again) != got || len(again) != len(changes) {
			t.Errorf("%q: read again %v, %v", in, again, err)
		}
	}
}

func FuzzAttributes(f *testing.F) {
	for _, s := range []string{"+a=b,-c", "+a", ",", "-", "+message.type=FIFO", "-XX=,-&-\x00\x10\x00 =-L&'+c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		changes, err := ParseAttributes(text)
		if err != nil {
			return
		}
		again, err := ParseAttributes(FormatAttributes(changes))
		if err != nil {
			t.Fatalf("%q: what was written can't be read: %v", text, err)
		}
		for name := range changes {
			if name[0] == '-' {
				changes[name] = ""
			}
		}
		if !maps.Equal(changes, again) {
			t.Fatalf("%q: %v became %v", text, changes, again)
		}
	})
}
