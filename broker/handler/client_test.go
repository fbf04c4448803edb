package handler_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// heartbeat is the body of a consumer's heartbeat as Java clients write it.
func heartbeat(id, group string) []byte {
	return []byte(`{"clientID":"` + id + `","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"` + group +
		`","messageModel":"CLUSTERING","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[],"expressionType":"TAG","subString":"*","subVersion":1,"tagsSet":[],"topic":"orders"}],"unitMode":false}],` +
		`"heartbeatFingerprint":0,"producerDataSet":[{"groupName":"CLIENT_INNER_PRODUCER"}],"withoutSub":false}`)
}

func (c *client) hears(t *testing.T, group string) {
	t.Helper()
	select {
	case got := <-c.told:
		if got != group {
			t.Errorf("told of %s, expected %s", got, group)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("nobody told of %s", group)
	}
}

func (c *client) consumers(t *testing.T, group string) []string {
	t.Helper()
	return bodyOf[struct {
		IDs []string `json:"consumerIdList"`
	}](t, c.ok(t, remoting.CodeGetConsumerListByGroup, fields("consumerGroup", group), nil)).IDs
}

func TestConsumersKnowOfEachOther(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	a, b := f.dial(t), f.dial(t)
	r := a.fails(t, remoting.RespSystemError, remoting.CodeGetConsumerListByGroup, fields("consumerGroup", "shop"), nil)
	if r.Remark != "no consumer for this group, shop" {
		t.Errorf("remark %q", r.Remark)
	}
	r = a.ok(t, remoting.CodeHeartBeat, nil, heartbeat("a", "shop"))
	if r.Fields.Str("IS_SUPPORT_HEART_BEAT_V2") != "true" || r.Fields.Str("IS_SUB_CHANGE") != "true" {
		t.Errorf("fields %s", r.Fields)
	}
	a.hears(t, "shop")
	b.ok(t, remoting.CodeHeartBeat, nil, heartbeat("b", "shop"))
	a.hears(t, "shop")
	b.hears(t, "shop")
	if ids := a.consumers(t, "shop"); !slices.Equal(ids, []string{"a", "b"}) {
		t.Errorf("consumers %v", ids)
	}
	b.Close()
	a.hears(t, "shop")
	if ids := a.consumers(t, "shop"); !slices.Equal(ids, []string{"a"}) {
		t.Errorf("consumers %v", ids)
	}
	a.ok(t, remoting.CodeUnregisterClient, fields("clientID", "a", "consumerGroup", "shop"), nil)
	a.fails(t, remoting.RespSystemError, remoting.CodeGetConsumerListByGroup, fields("consumerGroup", "shop"), nil)
}

func TestAHeartbeatMakesTheGroupAndItsRetryTopic(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	f.dial(t).ok(t, remoting.CodeHeartBeat, nil, heartbeat("a", "shop"))
	if g := f.Groups.Get("shop"); g == nil || g.RetryMaxTimes != 16 {
		t.Errorf("group %+v", g)
	}
	if c := f.Topics.Get("%RETRY%shop"); c == nil || c.ReadQueues != 1 {
		t.Errorf("retry topic %+v", c)
	}
}

func TestARetryTopicIsLikeItsGroupAndWhatThatConsumes(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	ordered := meta.NewTopic("orders", 4)
	ordered.Order = true
	f.Topics.Put(ordered, 0)
	g := meta.NewGroup("shop")
	g.RetryQueues = 3
	f.Groups.Put(g)
	c.ok(t, remoting.CodeHeartBeat, nil, bytes.ReplaceAll(heartbeat("a", "shop"), []byte(`"unitMode":false`), []byte(`"unitMode":true`)))
	got := f.Topics.Get("%RETRY%shop")
	if got == nil || got.ReadQueues != 3 || got.WriteQueues != 3 || got.Perm != meta.PermRead|meta.PermWrite || !got.Order || got.SysFlag != meta.SysFlagUnitSubscription {
		t.Errorf("%+v", got)
	}
	g.Name, g.RetryQueues = "audit", 0
	f.Groups.Put(g)
	c.ok(t, remoting.CodeHeartBeat, nil, heartbeat("a", "audit"))
	if f.Topics.Get("%RETRY%audit") != nil {
		t.Error("a group that wants no retries has a topic for them")
	}
}

func TestAClientIsToldBeforeItStartsWhatTheBrokerCanNotDo(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	for _, body := range []string{`{"clientId":"a","group":"shop","subscriptionData":{"topic":"orders","subString":"a||b","expressionType":"TAG","codeSet":[97],"tagsSet":["a"]}}`, `{"clientId":"a"}`} {
		c.ok(t, remoting.CodeCheckClientConfig, nil, []byte(body))
	}
	r := c.fails(t, remoting.RespSystemError, remoting.CodeCheckClientConfig, nil, []byte(`{"subscriptionData":{"topic":"orders","subString":"a > 1","expressionType":"SQL92"}}`))
	if r.Remark != "The broker does not support consumer to filter message by SQL92" {
		t.Errorf("remark %q", r.Remark)
	}
}

func TestAGroupThatMayNotBeHasNoConsumers(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) { c.AutoCreateGroup = false })
	c := f.dial(t)
	for _, group := range []string{"shop", "a b", ""} {
		c.ok(t, remoting.CodeHeartBeat, nil, heartbeat("a", group))
		c.fails(t, remoting.RespSystemError, remoting.CodeGetConsumerListByGroup, fields("consumerGroup", group), nil)
	}
	if f.Topics.Get("%RETRY%shop") != nil {
		t.Error("it has a retry topic")
	}
}

func TestAHeartbeatMayLeaveOutSubscriptionsThatAreKnown(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	body := func(fingerprint string, brief bool) []byte {
		subs := `[{"topic":"orders","subString":"red","subVersion":1,"expressionType":"TAG"}]`
		flag := "false"
		if brief {
			subs, flag = "[]", "true"
		}
		return []byte(`{"clientID":"a","consumerDataSet":[{"groupName":"shop","subscriptionDataSet":` + subs + `}],"heartbeatFingerprint":` + fingerprint + `,"withoutSub":` + flag + `}`)
	}
	for i, test := range []struct {
		body []byte
		send string
	}{{body("7", true), "true"}, {body("7", false), "false"}, {body("7", true), "false"}, {body("8", true), "true"}} {
		if got := c.ok(t, remoting.CodeHeartBeat, nil, test.body).Fields.Str("IS_SUB_CHANGE"); got != test.send {
			t.Errorf("heartbeat %d: IS_SUB_CHANGE %s, expected %s", i, got, test.send)
		}
	}
	f.send(t, c, "orders", 0, "a", "red", "")
	checkPull(t, c.call(t, remoting.CodePullMessage, pullFields(0, 0), nil), remoting.RespSuccess, 1, 0, 1, "a")
}

// A client renews its subscription's version at each rebalance. Should the heartbeat that says so get lost, it would go on with brief
// ones, and its pulls be refused for ever.
func TestAClientWhoseSubscriptionIsOutOfDateIsAskedForIt(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	beat := func(version string, brief bool) string {
		t.Helper()
		body := `{"clientID":"a","consumerDataSet":[{"groupName":"shop","subscriptionDataSet":[{"topic":"orders","subString":"*","subVersion":` + version + `}]}],"heartbeatFingerprint":7,"withoutSub":false}`
		if brief {
			body = `{"clientID":"a","consumerDataSet":[{"groupName":"shop","subscriptionDataSet":[]}],"heartbeatFingerprint":7,"withoutSub":true}`
		}
		return c.ok(t, remoting.CodeHeartBeat, nil, []byte(body)).Fields.Str("IS_SUB_CHANGE")
	}
	if first, then := beat("5", false), beat("", true); first != "false" || then != "false" {
		t.Errorf("asked for subscriptions that are known: %s %s", first, then)
	}
	for _, pairs := range [][]string{{"subVersion", "6"}, {"topic", "batches"}} {
		if r := c.call(t, remoting.CodePullMessage, pullFields(0, 0, pairs...), nil); r.Code != remoting.RespSubscriptionNotLatest && r.Code != remoting.RespSubscriptionNotExist {
			t.Fatalf("answer %s", remoting.ResponseName(r.Code))
		}
		if beat("", true) != "true" {
			t.Errorf("after a pull with %q nobody asks", pairs)
		}
		if beat("6", false) != "false" {
			t.Error("asked again for what came just now")
		}
	}
	c.fails(t, remoting.RespPullNotFound, remoting.CodePullMessage, pullFields(0, 0, "subVersion", "6"), nil)
}

func TestQueuesAreLockedForOneClient(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	lock := func(code int32, client string) int {
		t.Helper()
		return len(bodyOf[struct {
			Locked []struct {
				Broker string `json:"brokerName"`
				ID     int32  `json:"queueId"`
			} `json:"lockOKMQSet"`
		}](t, c.ok(t, code, nil, []byte(`{"clientId":"`+client+`","consumerGroup":"shop","mqSet":[{"brokerName":"broker-a","queueId":0,"topic":"orders"},{"brokerName":"broker-a","queueId":1,"topic":"orders"}]}`))).Locked)
	}
	// The queues have the names that the client gave them: it looks for those.
	logical := c.ok(t, remoting.CodeLockBatchMQ, nil, []byte(`{"clientId":"x","consumerGroup":"other","mqSet":[{"brokerName":"__syslo__global__","queueId":7,"topic":"orders"}]}`))
	if want := `{"lockOKMQSet":[{"topic":"orders","brokerName":"__syslo__global__","queueId":7}]}`; string(logical.Body) != want {
		t.Errorf("%s, expected %s", logical.Body, want)
	}
	if a, b := lock(remoting.CodeLockBatchMQ, "a"), lock(remoting.CodeLockBatchMQ, "b"); a != 2 || b != 0 {
		t.Errorf("a has %d queues and b %d", a, b)
	}
	c.ok(t, remoting.CodeUnlockBatchMQ, nil, []byte(`{"clientId":"a","consumerGroup":"shop","mqSet":[{"brokerName":"broker-a","queueId":0,"topic":"orders"}]}`))
	if b := lock(remoting.CodeLockBatchMQ, "b"); b != 1 {
		t.Errorf("b has %d queues", b)
	}
	c.ok(t, remoting.CodeUnregisterClient, fields("clientID", "a", "consumerGroup", "shop"), nil)
	if b := lock(remoting.CodeLockBatchMQ, "b"); b != 2 {
		t.Errorf("b has %d queues after a has left", b)
	}
	c.ok(t, remoting.CodeUnregisterClient, fields("clientID", "b", "consumerGroup", "shop"), nil)
	if b := lock(remoting.CodeLockBatchMQ, "b"); b != 0 {
		t.Errorf("b has left and got %d queues", b)
	}
	c.ok(t, remoting.CodeHeartBeat, nil, heartbeat("b", "shop"))
	if b := lock(remoting.CodeLockBatchMQ, "b"); b != 2 {
		t.Errorf("b is back and has %d queues", b)
	}
	// A group that holds locks consumes in order: what it gives up on isn't tried again.
	c.ok(t, remoting.CodeSendMessageV2, sendFields("%RETRY%shop", 0), []byte("x"))
	f.arrive(t, "%DLQ%shop", 0, 0)
}

func TestASentBackMessageWaitsAtItsLevelAndIsThenInTheRetryTopic(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) {
		c.DelayLevels = []time.Duration{time.Hour, time.Hour, 50 * time.Millisecond, time.Hour}
	})
	c := f.dial(t)
	c.ok(t, remoting.CodeHeartBeat, nil, heartbeat("a", "shop"))
	f.send(t, c, "orders", 0, "book", "", "")
	off := records(t, c.ok(t, remoting.CodePullMessage, pullFields(0, subscription), nil).Body)[0].LogOffset
	back := func(pairs ...string) remoting.Fields {
		return append(fields("offset", itoa(off), "group", "shop", "delayLevel", "0", "originMsgId", "x", "originTopic", "orders", "unitMode", "false", "maxReconsumeTimes", "16"), fields(pairs...)...)
	}
	c.ok(t, remoting.CodeConsumerSendMsgBack, back(), nil)
	f.arrive(t, meta.ScheduleTopic, 2, 0)
	f.arrive(t, "%RETRY%shop", 0, 0)
	got := records(t, c.ok(t, remoting.CodePullMessage, pullFields(0, subscription, "topic", "%RETRY%shop"), nil).Body)
	if len(got) != 1 || string(got[0].Body) != "book" || got[0].ReconsumeTimes != 1 || got[0].StoreTimestamp-got[0].BornTimestamp < 50 {
		t.Errorf("%+v", got)
	}
	c.ok(t, remoting.CodeConsumerSendMsgBack, back("delayLevel", "-1"), nil)
	f.arrive(t, "%DLQ%shop", 0, 0)
	c.ok(t, remoting.CodeConsumerSendMsgBack, back("delayLevel", "1"), nil)
	f.arrive(t, meta.ScheduleTopic, 0, 0)
	c.fails(t, remoting.RespSystemError, remoting.CodeConsumerSendMsgBack, back("offset", itoa(off+1)), nil)
}

func TestOldClientsDoNotSayHowOftenAMessageMayBeConsumed(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	nc := dialRaw(t, f)
	request := func(version, code, opaque int32, fs remoting.Fields) {
		t.Helper()
		if _, err := nc.Write(frameOf(version, code, opaque, 0, fs, []byte("book"))); err != nil {
			t.Fatal(err)
		}
		if a := readAnswer(t, nc); a.Code != remoting.RespSuccess {
			t.Fatalf("%+v", a)
		}
	}
	retry := append(sendFields("%RETRY%shop", 0), fields("j", "1", "l", "0")...)
	back := fields("offset", "0", "group", "shop", "delayLevel", "0", "maxReconsumeTimes", "0")
	request(remoting.Version349-1, remoting.CodeSendMessageV2, 1, retry)
	request(remoting.Version349-1, remoting.CodeConsumerSendMsgBack, 2, back)
	if q := f.Store.Lookup("%DLQ%shop", 0); q != nil {
		t.Error("what old clients have in that field was taken for a limit")
	}
	request(remoting.Version349, remoting.CodeSendMessageV2, 3, retry)
	f.arrive(t, "%DLQ%shop", 0, 0)
	request(remoting.Version349, remoting.CodeConsumerSendMsgBack, 4, back)
	f.arrive(t, "%DLQ%shop", 0, 1)
}

func TestTheSenderOfADelayedMessageIsToldTheQueueThatItIsFor(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	a := c.ok(t, remoting.CodeSendMessageV2, append(sendFields("orders", 3), fields("i", "DELAY\x018\x02")...), []byte("x"))
	if q, off := number(t, a, "queueId"), number(t, a, "queueOffset"); q != 3 || off != 0 {
		t.Errorf("queue %d offset %d", q, off)
	}
	f.arrive(t, meta.ScheduleTopic, 7, 0)
}

// Nobody else has to come and wake the dispatcher, which looks for itself each second.
func TestASentBackMessageIsInItsQueueSoon(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	c.ok(t, remoting.CodeHeartBeat, nil, heartbeat("a", "shop"))
	f.send(t, c, "orders", 0, "book", "", "")
	began := time.Now()
	const rounds = 5
	for n := range int64(rounds) {
		c.ok(t, remoting.CodeConsumerSendMsgBack, fields("offset", "0", "group", "shop", "delayLevel", "-1"), nil)
		f.arrive(t, "%DLQ%shop", 0, n)
	}
	if d := time.Since(began); d > rounds*time.Second/2 {
		t.Errorf("%d messages took %v", rounds, d)
	}
}

func TestASentBackMessageIsAnsweredWhenItIsOnDisk(t *testing.T) {
	disk, slow, free := slowDisk(vfs.NewMem())
	f := start(t, disk, func(c *config.Config) { c.FlushDisk, c.SyncFlushTimeout = config.SyncFlush, time.Hour })
	defer free()
	nc := dialRaw(t, f)
	if _, err := nc.Write(frame(remoting.CodeSendMessageV2, 1, 0, sendFields("orders", 0), []byte("book"))); err != nil {
		t.Fatal(err)
	}
	if a := readAnswer(t, nc); a.Code != remoting.RespSuccess {
		t.Fatalf("%+v", a)
	}
	slow()
	if _, err := nc.Write(append(frame(remoting.CodeConsumerSendMsgBack, 2, 0, fields("offset", "0", "group", "shop"), nil), frame(9999, 3, 0, nil, nil)...)); err != nil {
		t.Fatal(err)
	}
	if a := readAnswer(t, nc); a.Opaque != 3 {
		t.Errorf("answered before the flush: %+v", a)
	}
	free()
	if a := readAnswer(t, nc); a.Opaque != 2 || a.Code != remoting.RespSuccess {
		t.Errorf("%+v", a)
	}
}
