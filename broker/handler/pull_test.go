package handler_test

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Bits of a pull's sysFlag.
const (
	commitOffset = 1
	suspend      = 2
	subscription = 4
)

// pullFields are those of a pull of queue 0 of the topic "orders"; later pairs replace earlier ones.
func pullFields(from, sysFlag int, pairs ...string) remoting.Fields {
	return append(fields("consumerGroup", "shop", "topic", "orders", "queueId", "0", "queueOffset", strconv.Itoa(from), "maxMsgNums", "32",
		"sysFlag", strconv.Itoa(sysFlag), "commitOffset", "0", "suspendTimeoutMillis", "15000", "subscription", "*", "subVersion", "0", "expressionType", "TAG"),
		fields(pairs...)...)
}

func checkPull(t *testing.T, r *remoting.Response, code int32, next, lowest, end int64, bodies string) {
	t.Helper()
	if r.Code != code {
		t.Fatalf("answer %s %q, expected %s", remoting.ResponseName(r.Code), r.Remark, remoting.ResponseName(code))
	}
	if n, l, e := number(t, r, "nextBeginOffset"), number(t, r, "minOffset"), number(t, r, "maxOffset"); n != next || l != lowest || e != end {
		t.Errorf("next %d in [%d,%d), expected %d in [%d,%d)", n, l, e, next, lowest, end)
	}
	if n := number(t, r, "suggestWhichBrokerId"); n != 0 {
		t.Errorf("broker %d is suggested", n)
	}
	var got []string
	for _, rec := range records(t, r.Body) {
		got = append(got, string(rec.Body))
	}
	if s := strings.Join(got, " "); s != bodies {
		t.Errorf("messages %q, expected %q", s, bodies)
	}
}

func TestAPullIsAnsweredByWhatTheQueueHas(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	pull := func(from int, pairs ...string) *remoting.Response {
		t.Helper()
		return c.call(t, remoting.CodePullMessage, pullFields(from, subscription, pairs...), nil)
	}
	checkPull(t, pull(0), remoting.RespPullNotFound, 0, 0, 0, "")
	checkPull(t, pull(7), remoting.RespPullOffsetMoved, 0, 0, 0, "")
	for _, body := range []string{"a", "b", "c"} {
		f.send(t, c, "orders", 0, body, body+"-tag", "")
	}
	checkPull(t, pull(0), remoting.RespSuccess, 3, 0, 3, "a b c")
	checkPull(t, pull(1, "maxMsgNums", "1"), remoting.RespSuccess, 2, 0, 3, "b")
	checkPull(t, pull(0, "maxMsgNums", "-5"), remoting.RespSuccess, 1, 0, 3, "a")
	checkPull(t, pull(3), remoting.RespPullNotFound, 3, 0, 3, "")
	checkPull(t, pull(4), remoting.RespPullOffsetMoved, 3, 0, 3, "")
	checkPull(t, pull(0, "subscription", "b-tag || c-tag"), remoting.RespSuccess, 3, 0, 3, "b c")
	checkPull(t, pull(0, "subscription", "d-tag"), remoting.RespPullRetryImmediately, 3, 0, 3, "")
	if s := f.Handler.Stats(); s.Got.Total().Messages != 7 || s.Put.Total().Messages != 3 {
		t.Errorf("%d messages out, %d in", s.Got.Total().Messages, s.Put.Total().Messages)
	}
}

func TestAPullThatIsNotAllowedSaysWhoForbidsIt(t *testing.T) {
	group := func(edit func(*meta.GroupConfig)) func(*fixture) {
		return func(f *fixture) {
			g := meta.NewGroup("shop")
			edit(&g)
			f.Groups.Put(g)
		}
	}
	beat := func(model string) map[string]any {
		return map[string]any{"clientID": "a", "consumerDataSet": []any{map[string]any{
			"groupName": "shop", "messageModel": model, "subscriptionDataSet": []any{map[string]any{"topic": "orders", "subString": "*", "subVersion": 5, "expressionType": "TAG"}},
		}}}
	}
	for name, test := range map[string]struct {
		config    func(*config.Config)
		prepare   func(*fixture)
		beat      map[string]any // nil: the pull has the subscription
		pairs     []string
		code      int32
		forbidden string
	}{
		"broker":             {func(c *config.Config) { c.BrokerPerm = meta.PermWrite }, nil, nil, nil, remoting.RespNoPermission, "1"},
		"group":              {nil, group(func(g *meta.GroupConfig) { g.ConsumeEnable = false }), nil, nil, remoting.RespNoPermission, "2"},
		"topic":              {nil, func(f *fixture) { c := meta.NewTopic("orders", 4); c.Perm = meta.PermWrite; f.Topics.Put(c, 0) }, nil, nil, remoting.RespNoPermission, "3"},
		"broadcasting":       {nil, group(func(g *meta.GroupConfig) { g.ConsumeBroadcast = false }), beat("BROADCASTING"), nil, remoting.RespNoPermission, "4"},
		"subscription":       {nil, func(f *fixture) { f.Groups.SetForbidden("shop", "orders", meta.PermRead) }, beat("CLUSTERING"), nil, remoting.RespNoPermission, "5"},
		"no group":           {func(c *config.Config) { c.AutoCreateGroup = false }, nil, nil, nil, remoting.RespSubscriptionGroupNotExist, ""},
		"illegal group":      {nil, nil, nil, []string{"consumerGroup", "a b"}, remoting.RespSubscriptionGroupNotExist, ""},
		"no topic":           {nil, nil, nil, []string{"topic", "nothing"}, remoting.RespTopicNotExist, ""},
		"no queue":           {nil, nil, nil, []string{"queueId", "4"}, remoting.RespInvalidParameter, ""},
		"negative queue":     {nil, nil, nil, []string{"queueId", "-1"}, remoting.RespInvalidParameter, ""},
		"nobody's heartbeat": {nil, nil, map[string]any{"clientID": "a"}, nil, remoting.RespSubscriptionNotExist, ""},
		"of another topic":   {nil, nil, beat("CLUSTERING"), []string{"topic", "batches"}, remoting.RespSubscriptionNotExist, ""},
		"an old heartbeat":   {nil, nil, beat("CLUSTERING"), []string{"subVersion", "6"}, remoting.RespSubscriptionNotLatest, ""},
		"bad expression":     {nil, nil, nil, []string{"subscription", "||"}, remoting.RespSubscriptionParseFailed, ""},
		"SQL":                {nil, nil, nil, []string{"expressionType", "SQL92"}, remoting.RespSystemError, ""},
		"no number":          {nil, nil, nil, []string{"queueOffset", "many"}, remoting.RespSystemError, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, vfs.NewMem(), test.config)
			c := f.dial(t)
			flag := subscription
			if test.beat != nil {
				flag = 0
				c.ok(t, remoting.CodeHeartBeat, nil, jsonBody(t, test.beat))
			}
			if test.prepare != nil {
				test.prepare(f)
			}
			r := c.fails(t, test.code, remoting.CodePullMessage, pullFields(0, flag, test.pairs...), nil)
			if got := r.Fields.Str("forbiddenType"); got != test.forbidden || r.Remark == "" {
				t.Errorf("forbidden by %q, expected %q: %q", got, test.forbidden, r.Remark)
			}
		})
	}
}

// hold sends a pull that is to be held, and waits until it is.
func (f *fixture) hold(t *testing.T, c *client, pf remoting.Fields) <-chan *remoting.Response {
	t.Helper()
	before := f.held()
	answer := make(chan *remoting.Response, 1)
	go func() {
		r, err := c.Call(context.Background(), &remoting.Request{Code: remoting.CodePullMessage, Fields: pf})
		if err != nil {
			close(answer)
			return
		}
		answer <- r
	}()
	for end := time.Now().Add(10 * time.Second); f.held() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the pull isn't held")
		}
		select {
		case r := <-answer:
			t.Fatalf("the pull was answered: %+v", r)
		default:
		}
	}
	return answer
}

func (f *fixture) held() float64 {
	for _, m := range f.Metrics() {
		if m.Name == "gantry_held_pulls" {
			return m.Value
		}
	}
	return -1
}

func TestAHeldPullIsAnsweredWhenAMessageComesThatItWants(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	answer := f.hold(t, c, pullFields(0, subscription|suspend, "subscription", "blue", "suspendTimeoutMillis", "60000"))
	f.send(t, c, "orders", 0, "a", "red", "")
	f.send(t, c, "orders", 1, "b", "blue", "") // another queue
	f.send(t, c, "orders", 0, "c", "blue", "")
	checkPull(t, <-answer, remoting.RespSuccess, 2, 0, 2, "c")
}

func TestAHeldPullIsAnsweredWhenItsPatienceEnds(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	f.send(t, c, "orders", 0, "a", "red", "")
	answer := f.hold(t, c, pullFields(1, subscription|suspend, "suspendTimeoutMillis", "50"))
	checkPull(t, <-answer, remoting.RespPullNotFound, 1, 0, 1, "")
}

func TestWithoutLongPollingPatienceIsShort(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) { c.LongPolling, c.ShortPolling = false, 50*time.Millisecond })
	answer := f.hold(t, f.dial(t), pullFields(0, subscription|suspend, "suspendTimeoutMillis", "60000"))
	checkPull(t, <-answer, remoting.RespPullNotFound, 0, 0, 0, "")
}

func TestAPullThatHasNoPatienceIsNotHeld(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	for _, wait := range []string{"0", "-1", "-9223372036854775808"} {
		checkPull(t, c.call(t, remoting.CodePullMessage, pullFields(0, subscription|suspend, "suspendTimeoutMillis", wait), nil), remoting.RespPullNotFound, 0, 0, 0, "")
	}
	answer := f.hold(t, c, pullFields(0, subscription|suspend, "suspendTimeoutMillis", "9223372036854775807")) // no overflow
	f.send(t, c, "orders", 0, "a", "", "")
	checkPull(t, <-answer, remoting.RespSuccess, 1, 0, 1, "a")
}

func TestHeldPullsAreAnsweredWhenTheBrokerStops(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	answer := f.hold(t, f.dial(t), pullFields(0, subscription|suspend, "suspendTimeoutMillis", "60000"))
	f.stop(t)
	checkPull(t, <-answer, remoting.RespPullNotFound, 0, 0, 0, "")
}

func TestAPullCommitsTheOffsetThatItCarries(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	f.send(t, c, "orders", 0, "a", "", "")
	c.ok(t, remoting.CodePullMessage, pullFields(0, subscription, "commitOffset", "1"), nil)
	if n := f.Offsets.Query("shop", "orders", 0); n != -1 {
		t.Errorf("without the flag, %d was committed", n)
	}
	c.ok(t, remoting.CodePullMessage, pullFields(0, subscription|commitOffset, "commitOffset", "1"), nil)
	c.ok(t, remoting.CodePullMessage, pullFields(0, subscription|commitOffset, "commitOffset", "-4"), nil)
	if n := f.Offsets.Query("shop", "orders", 0); n != 1 {
		t.Errorf("%d was committed, expected 1", n)
	}
}

func TestAPullHasTheLimitsOfTheConfiguration(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) { c.MaxPullMessages = 2 })
	c := f.dial(t)
	for _, body := range []string{"a", "b", "c"} {
		f.send(t, c, "orders", 0, body, "", "")
	}
	checkPull(t, c.call(t, remoting.CodeLitePullMessage, pullFields(0, subscription), nil), remoting.RespSuccess, 2, 0, 3, "a b")
}

func TestAPullTakesNoMoreBytesThanItAsksFor(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	for _, body := range []string{"a", "b", "c"} {
		f.send(t, c, "orders", 0, body, "", "")
	}
	size := len(c.ok(t, remoting.CodePullMessage, pullFields(0, subscription, "maxMsgNums", "1"), nil).Body)
	checkPull(t, c.call(t, remoting.CodePullMessage, pullFields(0, subscription, "maxMsgBytes", strconv.Itoa(2*size+1)), nil), remoting.RespSuccess, 2, 0, 3, "a b")
	checkPull(t, c.call(t, remoting.CodePullMessage, pullFields(0, subscription, "maxMsgBytes", "1"), nil), remoting.RespSuccess, 1, 0, 3, "a") // one always
	checkPull(t, c.call(t, remoting.CodePullMessage, pullFields(0, subscription, "maxMsgBytes", "2147483647"), nil), remoting.RespSuccess, 3, 0, 3, "a b c")
}

// A topic shrinks in two steps: first it is written to fewer queues, and read from fewer when they are drained.
func TestATopicThatShrinksIsDrained(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	shrunk := meta.NewTopic("orders", 4)
	shrunk.WriteQueues = 2
	f.Topics.Put(shrunk, 0)
	f.send(t, c, "orders", 3, "late", "", "") // a producer that hasn't heard of it
	checkPull(t, c.call(t, remoting.CodePullMessage, pullFields(0, subscription, "queueId", "3"), nil), remoting.RespSuccess, 1, 0, 1, "late")
	for range 50 {
		r := c.ok(t, remoting.CodeSendMessageV2, sendFields("orders", -1), []byte("x"))
		if q := number(t, r, "queueId"); q >= 2 {
			t.Fatalf("the broker chose queue %d", q)
		}
	}
	c.ok(t, remoting.CodeHeartBeat, nil, heartbeat("a", "shop"))
	c.ok(t, remoting.CodeUpdateConsumerOffset, queueFields("queueId", "3", "commitOffset", "1"), nil)
	shrunk.ReadQueues = 2
	f.Topics.Put(shrunk, 0)
	c.fails(t, remoting.RespInvalidParameter, remoting.CodePullMessage, pullFields(0, subscription, "queueId", "3"), nil)
	c.fails(t, remoting.RespInvalidParameter, remoting.CodeSendMessageV2, sendFields("orders", 3), []byte("x"))
	if n := number(t, c.ok(t, remoting.CodeQueryConsumerOffset, queueFields("queueId", "3"), nil), "offset"); n != 1 {
		t.Errorf("offset %d of a queue that is gone, expected 1", n)
	}
}

func TestPullsOverTheWireAllocateNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	f := start(t, vfs.OS(), func(c *config.Config) { c.StoreDir, c.SegmentBytes = filepath.Join(t.TempDir(), "store"), 8<<20 })
	c := f.dial(t)
	c.ok(t, remoting.CodeHeartBeat, nil, []byte(strings.ReplaceAll(string(heartbeat("a", "shop")), `"subString":"*"`, `"subString":"red || blue"`)))
	for range 32 {
		f.send(t, c, "orders", 0, "a", "red", "")
	}
	for name, pf := range map[string]remoting.Fields{
		"everything":        pullFields(0, subscription|commitOffset, "commitOffset", "1"),
		"by tags":           pullFields(0, subscription|commitOffset, "subscription", "red||blue", "commitOffset", "1"),
		"by the heartbeat":  pullFields(0, commitOffset, "commitOffset", "1"),
		"nothing is wanted": pullFields(0, subscription, "subscription", "green"),
	} {
		nc := dialRaw(t, f)
		const together = 16
		var requests []byte
		for range together {
			requests = append(requests, frame(remoting.CodePullMessage, 7, 0, pf, nil)...)
		}
		exchange := exchanger(t, nc, requests, together)
		for range 20 {
			exchange()
		}
		// What is left is that of a collection that empties the pools.
		if n := testing.AllocsPerRun(100, exchange) / together; n > 0.2 {
			t.Errorf("%s: %.3f allocations per pull", name, n)
		}
	}
}
