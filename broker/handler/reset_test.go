package handler_test

import (
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

type resetBody struct {
	Offsets byQueue[int64] `json:"offsetTable"`
}

func TestAResetMovesAGroupByTimeOrToAnOffset(t *testing.T) {
	f, c := sells(t)
	second, err := f.Store.StoreTime(f.Store.Queue("orders", 0), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what string
		ask  []string
		want map[int32]int64
	}{
		{"to the beginning", []string{"timestamp", "1"}, map[int32]int64{0: 0, 1: 0, 2: 0, 3: 0}},
		{"to the end", []string{"timestamp", "-1"}, map[int32]int64{0: 2, 1: 1, 2: 0, 3: 0}},
		{"to a time", []string{"timestamp", itoa(second), "queueId", "0"}, map[int32]int64{0: 1}},
		{"to an offset", []string{"queueId", "0", "offset", "1", "timestamp", "-1"}, map[int32]int64{0: 1}},
		{"a queue by time", []string{"queueId", "1", "offset", "-1", "timestamp", "-1"}, map[int32]int64{1: 1}},
	} {
		r := c.ok(t, remoting.CodeInvokeBrokerToResetOffset, fields(append(test.ask, "topic", "orders", "group", "shop", "isForce", "true")...), nil)
		table := bodyOf[resetBody](t, r).Offsets
		if len(table) != len(test.want) {
			t.Errorf("%s: %s", test.what, r.Body)
		}
		for id, want := range test.want {
			if got := table.of("orders", id); got != want || f.Offsets.Query("shop", "orders", id) != want {
				t.Errorf("%s: queue %d moved to %d, committed %d, expected %d", test.what, id, got, f.Offsets.Query("shop", "orders", id), want)
			}
		}
	}
}

func TestAResetThatCanNotBeIsRefused(t *testing.T) {
	f, c := sells(t)
	for what, test := range map[string]struct {
		code int32
		ask  remoting.Fields
	}{
		"topic":        {remoting.RespTopicNotExist, fields("topic", "none", "group", "shop", "timestamp", "1")},
		"group":        {remoting.RespSubscriptionGroupNotExist, fields("topic", "orders", "group", "none", "timestamp", "1")},
		"queue":        {remoting.RespInvalidParameter, fields("topic", "orders", "group", "shop", "queueId", "9", "timestamp", "1")},
		"number":       {remoting.RespInvalidParameter, fields("topic", "orders", "group", "shop", "timestamp", "x")},
		"behind queue": {remoting.RespSystemError, fields("topic", "orders", "group", "shop", "queueId", "0", "offset", "3", "timestamp", "1")},
		"before queue": {remoting.RespSystemError, fields("topic", "orders", "group", "shop", "queueId", "0", "offset", "-2", "timestamp", "1")},
	} {
		if r := c.fails(t, test.code, remoting.CodeInvokeBrokerToResetOffset, test.ask, nil); r.Remark == "" {
			t.Errorf("%s: no remark", what)
		}
	}
	if n := f.Offsets.Query("shop", "orders", 0); n != 1 {
		t.Errorf("offset %d", n)
	}
}

func TestAConsumerAtWorkLearnsOfAResetWithItsNextPull(t *testing.T) {
	f, c := sells(t)
	f.consumer(t, "a", "shop", noAnswer)
	c.ok(t, remoting.CodeInvokeBrokerToResetOffset, fields("topic", "orders", "group", "shop", "timestamp", "1", "isForce", "true"), nil)
	r := c.fails(t, remoting.RespPullOffsetMoved, remoting.CodePullMessage, pullFields(0, 0), nil)
	if n := number(t, r, "nextBeginOffset"); n != 0 {
		t.Errorf("to go on from %d", n)
	}
}

// resetsItself starts a broker that leaves it to the consumers to reset their offsets.
func resetsItself(t *testing.T) (*fixture, *client) {
	f, c := sells(t)
	c.ok(t, remoting.CodeUpdateBrokerConfig, nil, []byte("useServerSideResetOffset=false\n"))
	for id := range int32(4) {
		f.Offsets.Commit("shop", "orders", id, 1)
	}
	return f, c
}

func TestConsumersAreToldToResetWhereTheBrokerDoesNot(t *testing.T) {
	f, c := resetsItself(t)
	ask := func(force string) remoting.Fields {
		return fields("topic", "orders", "group", "shop", "timestamp", "-1", "isForce", force)
	}
	c.fails(t, remoting.RespConsumerNotOnline, remoting.CodeInvokeBrokerToResetOffset, ask("true"), nil)
	told := make(chan string, 2)
	f.consumer(t, "a", "shop", func(_ *remoting.Conn, cmd *remoting.Command) {
		if cmd.Code == remoting.CodeResetConsumerClientOffset {
			told <- cmd.Fields.Str("group") + "/" + cmd.Fields.Str("topic") + ": " + string(cmd.Body)
		}
	})
	for force, want := range map[string]map[int32]int64{"true": {0: 2, 1: 1, 2: 0, 3: 0}, "false": {0: 1, 1: 1, 2: 0, 3: 0}} {
		r := c.ok(t, remoting.CodeInvokeBrokerToResetOffset, ask(force), nil)
		table := bodyOf[resetBody](t, r).Offsets
		for id, n := range want {
			if got := table.of("orders", id); got != n {
				t.Errorf("force %s: queue %d to %d, expected %d", force, id, got, n)
			}
		}
		select {
		case got := <-told:
			if want := "shop/orders: " + string(r.Body); got != want {
				t.Errorf("told %s, expected %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the consumer isn't told")
		}
	}
	if n := f.Offsets.Query("shop", "orders", 0); n != 1 {
		t.Errorf("the broker has moved the offset to %d", n)
	}
	c.fails(t, remoting.RespSystemError, remoting.CodeInvokeBrokerToResetOffset, fields("topic", "orders", "group", "none", "timestamp", "1", "isForce", "true"), nil)
}

func TestOffsetsAreListedClonedAndCompared(t *testing.T) {
	f, c := sells(t)
	f.Offsets.Commit("shop", "batches", 0, 0)
	contains(t, c.ok(t, remoting.CodeGetAllConsumerOffset, nil, nil).Body, `"orders@shop":{0:1}`, `"dataVersion":{`)

	c.ok(t, remoting.CodeCloneGroupOffset, fields("srcGroup", "shop", "destGroup", "bank", "topic", "orders", "offline", "false"), nil)
	if a, b := f.Offsets.Query("bank", "orders", 0), f.Offsets.Query("bank", "batches", 0); a != 1 || b != -1 {
		t.Errorf("one topic cloned: %d %d", a, b)
	}
	c.ok(t, remoting.CodeCloneGroupOffset, fields("srcGroup", "shop", "destGroup", "bank", "offline", "true"), nil)
	if b := f.Offsets.Query("bank", "batches", 0); b != 0 {
		t.Errorf("all topics cloned: %d", b)
	}
	c.fails(t, remoting.RespInvalidParameter, remoting.CodeCloneGroupOffset, fields("srcGroup", "shop", "destGroup", "a b"), nil)

	f.Offsets.Commit("bank", "orders", 0, 2)
	f.Offsets.Commit("bank", "orders", 1, 1)
	for what, test := range map[string]struct{ ask, want string }{
		"smallest":          {"", `{"correctionOffsets":{0:1,1:1}}`},
		"without one group": {"filterGroups=shop", `{"correctionOffsets":{0:2,1:1}}`},
		"compared":          {"compareGroup=shop\nfilterGroups=shop", `{"correctionOffsets":{0:9223372036854775807,1:1}}`},
	} {
		r := c.ok(t, remoting.CodeQueryCorrectionOffset, append(split(test.ask), fields("topic", "orders")...), nil)
		equal(t, what, string(r.Body), test.want)
	}
}

func TestDelayOffsetsAreThoseOfTheOwner(t *testing.T) {
	f, c := sells(t)
	c.fails(t, remoting.RespSystemError, remoting.CodeGetAllDelayOffset, nil, nil)
	f.Handler.DelayOffsets = func() ([]byte, error) { return []byte(`{"offsetTable":{1:5}}`), nil }
	equal(t, "body", string(f.dial(t).ok(t, remoting.CodeGetAllDelayOffset, nil, nil).Body), `{"offsetTable":{1:5}}`)
	contains(t, c.ok(t, remoting.CodeGetBrokerRuntimeInfo, nil, nil).Body, `"scheduleMessageOffset_1":"5,0"`)
}

func TestTheConfigurationIsReadAndChanged(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) { c.MaxQueryMessages = 7 })
	c := f.dial(t)
	r := c.ok(t, remoting.CodeGetBrokerConfig, nil, nil)
	contains(t, r.Body, "defaultQueryMaxNum=7\n", "brokerPermission=6\n")
	contains(t, []byte(r.Fields.Str("version")), `"counter":`)
	version := f.Topics.Version()
	c.ok(t, remoting.CodeUpdateBrokerConfig, nil, []byte("brokerPermission=4\n"))
	c.fails(t, remoting.RespNoPermission, remoting.CodeSendMessageV2, sendFields("orders", 0), []byte("x"))
	if f.Topics.Version() == version {
		t.Error("name servers would not take the new permission")
	}
	for text, code := range map[string]int32{
		"listenPort=1": remoting.RespInvalidParameter, "nonsense=1": remoting.RespInvalidParameter, "brokerPermission=x": remoting.RespInvalidParameter,
		"brokerConfigPath=/etc/passwd": remoting.RespNoPermission,
	} {
		if r := c.fails(t, code, remoting.CodeUpdateBrokerConfig, nil, []byte(text+"\nlongPollingEnable=false")); r.Remark == "" {
			t.Errorf("%s: no remark", text)
		}
	}
	contains(t, c.ok(t, remoting.CodeGetBrokerConfig, nil, nil).Body, "brokerPermission=4\n", "longPollingEnable=true\n")
}
