package handler_test

import (
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
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

func TestAPullThatIsHeldIsAnsweredWhenItsGroupIsReset(t *testing.T) {
	f, c := sells(t)
	answer := make(chan *remoting.Response, 1)
	puller := f.dial(t)
	go func() { answer <- puller.call(t, remoting.CodePullMessage, pullFields(2, suspend|subscription), nil) }()
	for end := time.Now().Add(10 * time.Second); f.held() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the pull isn't held")
		}
	}
	c.ok(t, remoting.CodeInvokeBrokerToResetOffset, fields("topic", "orders", "group", "shop", "timestamp", "1", "isForce", "true"), nil)
	select {
	case r := <-answer:
		if r.Code != remoting.RespPullOffsetMoved || number(t, r, "nextBeginOffset") != 0 {
			t.Errorf("answer %d %q %s", r.Code, r.Remark, r.Fields)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the pull is held on")
	}
}
