package handler_test

import (
	"testing"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func topicFields(name string, pairs ...string) remoting.Fields {
	return append(fields("topic", name, "defaultTopic", meta.DefaultTopic, "readQueueNums", "2", "writeQueueNums", "3", "perm", "6", "topicFilterType", "SINGLE_TAG", "topicSysFlag", "0", "order", "false"), fields(pairs...)...)
}

func TestATopicIsCreatedAndChanged(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	c.ok(t, remoting.CodeUpdateAndCreateTopic, topicFields("fresh", "attributes", "+message.type=FIFO", "order", "true"), nil)
	if got := f.Topics.Get("fresh"); got == nil || got.ReadQueues != 2 || got.WriteQueues != 3 || !got.Order || got.Attributes["message.type"] != "FIFO" {
		t.Errorf("%+v", got)
	}
	c.ok(t, remoting.CodeUpdateAndCreateTopic, topicFields("fresh", "perm", "4"), nil)
	if got := f.Topics.Get("fresh"); got.Perm != 4 || got.Attributes["message.type"] != "FIFO" {
		t.Errorf("%+v", got)
	}
	all := bodyOf[struct {
		Topics map[string]meta.TopicConfig `json:"topicConfigTable"`
	}](t, c.ok(t, remoting.CodeGetAllTopicConfig, nil, nil)).Topics
	if all["fresh"].WriteQueues != 3 || len(all) < 10 {
		t.Errorf("%d topics, fresh is %+v", len(all), all["fresh"])
	}
}

func TestATopicThatCannotBeIsRefused(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	for name, test := range map[string]remoting.Fields{
		"system topic":      topicFields(meta.ScheduleTopic),
		"the broker's own":  topicFields("broker-a"),
		"no name":           topicFields(""),
		"illegal name":      topicFields("a b"),
		"illegal number":    topicFields("fresh", "readQueueNums", "many"),
		"negative number":   topicFields("fresh", "readQueueNums", "-1"),
		"permission":        topicFields("fresh", "perm", "99"),
		"filter type":       topicFields("fresh", "topicFilterType", "NO_TAG"),
		"order":             topicFields("fresh", "order", "maybe"),
		"unknown attribute": topicFields("fresh", "attributes", "+colour=red"),
		"attribute twice":   topicFields("fresh", "attributes", "+message.type=FIFO,+message.type=NORMAL"),
		"attribute unset":   topicFields("fresh", "attributes", "-message.type"),
		"another type":      topicFields("orders", "attributes", "+queue.type=BatchCQ"),
	} {
		t.Run(name, func(t *testing.T) {
			if r := c.fails(t, remoting.RespInvalidParameter, remoting.CodeUpdateAndCreateTopic, test, nil); r.Remark == "" {
				t.Error("the remark is empty")
			}
		})
	}
	for _, name := range []string{meta.ScheduleTopic, "broker-a", ""} {
		c.fails(t, remoting.RespInvalidParameter, remoting.CodeDeleteTopicInBroker, fields("topic", name), nil)
	}
	if f.Topics.Get("fresh") != nil {
		t.Error("the topic is there")
	}
}

func TestADeletedTopicComesAgainEmpty(t *testing.T) {
	mem := vfs.NewMem()
	f := start(t, mem, nil)
	c := f.dial(t)
	c.ok(t, remoting.CodeUpdateAndCreateTopic, topicFields("fresh"), nil)
	for range 3 {
		f.send(t, c, "fresh", 0, "old", "", "k")
	}
	off := records(t, c.ok(t, remoting.CodePullMessage, pullFields(0, subscription, "topic", "fresh"), nil).Body)[0].LogOffset
	c.ok(t, remoting.CodeUpdateConsumerOffset, queueFields("topic", "fresh", "commitOffset", "3"), nil)
	c.ok(t, remoting.CodeDeleteTopicInBroker, fields("topic", "fresh"), nil)
	c.ok(t, remoting.CodeDeleteTopicInBroker, fields("topic", "fresh"), nil)
	c.fails(t, remoting.RespTopicNotExist, remoting.CodePullMessage, pullFields(0, subscription, "topic", "fresh"), nil)
	c.fails(t, remoting.RespSystemError, remoting.CodeViewMessageByID, fields("offset", itoa(off)), nil)

	c.ok(t, remoting.CodeUpdateAndCreateTopic, topicFields("fresh"), nil)
	checkPull(t, c.call(t, remoting.CodePullMessage, pullFields(0, subscription, "topic", "fresh"), nil), remoting.RespPullNotFound, 0, 0, 0, "")
	if n := number(t, c.ok(t, remoting.CodeQueryConsumerOffset, queueFields("topic", "fresh"), nil), "offset"); n != 0 {
		t.Errorf("the group begins at %d", n)
	}
	f.send(t, c, "fresh", 0, "new", "", "k")
	c.Close()
	f.stop(t)

	f = start(t, mem, nil)
	c = f.dial(t)
	checkPull(t, c.call(t, remoting.CodePullMessage, pullFields(0, subscription, "topic", "fresh"), nil), remoting.RespSuccess, 1, 0, 1, "new")
	found := records(t, c.ok(t, remoting.CodeQueryMessage, queryFields("fresh", "k"), nil).Body)
	if len(found) != 1 || string(found[0].Body) != "new" {
		t.Errorf("%d messages have the key", len(found))
	}
}

func TestAGroupIsCreatedAndChanged(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	c.ok(t, remoting.CodeUpdateAndCreateSubscriptionGroup, nil, []byte(`{"groupName":"shop","retryMaxTimes":3,"consumeEnable":true}`))
	if g := f.Groups.Get("shop"); g == nil || g.RetryMaxTimes != 3 || g.RetryQueues != 1 || !g.ConsumeEnable {
		t.Errorf("%+v", g)
	}
	for _, body := range []string{"", "{", `{"groupName":"a b"}`, `{"groupName":"shop","retryQueueNums":-1}`} {
		c.fails(t, remoting.RespInvalidParameter, remoting.CodeUpdateAndCreateSubscriptionGroup, nil, []byte(body))
	}
}
