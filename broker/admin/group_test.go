package admin

import (
	"errors"
	"testing"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestPuttingAGroupSendsItAsTheBodyHasIt(t *testing.T) {
	c := newCluster(t, 1)
	c.say(remoting.CodeUpdateAndCreateSubscriptionGroup, answer{})
	g := meta.NewGroup("billing")
	g.Attributes = map[string]string{"+a": "1"}
	done, err := c.client.PutGroup(t.Context(), Target{Broker: c.brokers[0].addr}, g)
	if err != nil || len(done) != 1 {
		t.Fatal(done, err)
	}
	equal(t, "request", c.brokers[0].got(), []string{`UPDATE_AND_CREATE_SUBSCRIPTIONGROUP | {"groupName":"billing","consumeEnable":true,"consumeFromMinEnable":true,"consumeBroadcastEnable":true,"consumeMessageOrderly":false,"retryQueueNums":1,"retryMaxTimes":16,"groupRetryPolicy":{"type":"CUSTOMIZED"},"brokerId":0,"whichBrokerWhenConsumeSlowly":1,"notifyConsumerIdsChangedEnable":true,"groupSysFlag":0,"consumeTimeoutMinute":15,"attributes":{"+a":"1"}}`})
	if _, err := c.client.PutGroup(t.Context(), Target{}, meta.NewGroup("a b")); !errors.Is(err, ErrInput) {
		t.Error(err)
	}
}

func TestAGroupIsDeletedWithItsTopicsFromAClusterOnly(t *testing.T) {
	c := newCluster(t, 1)
	b := c.brokers[0]
	b.says(remoting.CodeDeleteSubscriptionGroup, answer{})
	b.says(remoting.CodeDeleteTopicInBroker, answer{})
	c.names.says(remoting.CodeDeleteTopicInNamesrv, answer{})
	if _, err := c.client.DeleteGroup(t.Context(), Target{Broker: b.addr}, "billing", true); err != nil {
		t.Fatal(err)
	}
	equal(t, "one broker", b.got(), []string{"DELETE_SUBSCRIPTIONGROUP cleanOffset=true groupName=billing"})
	if _, err := c.client.DeleteGroup(t.Context(), Target{Cluster: "c"}, "billing", false); err != nil {
		t.Fatal(err)
	}
	equal(t, "cluster", b.got()[1:], []string{
		"DELETE_SUBSCRIPTIONGROUP cleanOffset=false groupName=billing",
		"DELETE_TOPIC_IN_BROKER topic=%RETRY%billing", "DELETE_TOPIC_IN_BROKER topic=%DLQ%billing",
	})
	if got := c.names.got(remoting.CodeDeleteTopicInNamesrv); len(got) != 2 {
		t.Errorf("name server: %v", got)
	}
}
