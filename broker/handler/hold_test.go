package handler_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// patient are the fields of a pull of queue 0 of "orders" that may be held for a minute.
func patient(from int, pairs ...string) remoting.Fields {
	return append(pullFields(from, subscription|suspend, "suspendTimeoutMillis", "60000"), fields(pairs...)...)
}

func TestAHeldPullIsForgottenWhenItsConnectionEnds(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	stays, goes := f.dial(t), f.dial(t)
	answer := f.hold(t, stays, patient(0))
	for range 10 {
		f.hold(t, goes, patient(0))
	}
	goes.Close()
	for end := time.Now().Add(10 * time.Second); f.held() != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%v pulls are held, expected 1", f.held())
		}
	}
	f.send(t, stays, "orders", 0, "a", "", "")
	checkPull(t, <-answer, remoting.RespSuccess, 1, 0, 1, "a")
}

func TestAHeldPullIsAnsweredByWhatIsAllowedWhenItsMessageComes(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*testing.T, *fixture)
		code   int32
	}{
		"the topic may not be read": {func(t *testing.T, f *fixture) {
			c := meta.NewTopic("orders", 4)
			c.Perm = meta.PermWrite
			f.Topics.Put(c, 0)
		}, remoting.RespNoPermission},
		"the queue is for reading no more": {func(t *testing.T, f *fixture) {
			c := meta.NewTopic("orders", 4)
			c.ReadQueues = 0
			f.Topics.Put(c, 0)
		}, remoting.RespInvalidParameter},
		"the group may not consume": {func(t *testing.T, f *fixture) {
			g := meta.NewGroup("shop")
			g.ConsumeEnable = false
			f.Groups.Put(g)
		}, remoting.RespNoPermission},
		"its offset was reset": {func(t *testing.T, f *fixture) { f.Offsets.Reset("shop", "orders", 0, 0) }, remoting.RespPullOffsetMoved},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, vfs.NewMem(), nil)
			c := f.dial(t)
			f.send(t, c, "orders", 0, "a", "", "")
			answer := f.hold(t, c, patient(1))
			test.change(t, f)
			f.send(t, c, "orders", 0, "b", "", "")
			if r := <-answer; r.Code != test.code {
				t.Errorf("answer %s %q, expected %s", remoting.ResponseName(r.Code), r.Remark, remoting.ResponseName(test.code))
			}
		})
	}
}

func TestAHeldPullIsToldThatItsTopicWasDeleted(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	answer := f.hold(t, c, patient(0))
	c.ok(t, remoting.CodeDeleteTopicInBroker, fields("topic", "orders"), nil)
	if r := <-answer; r.Code != remoting.RespTopicNotExist {
		t.Errorf("answer %s %q", remoting.ResponseName(r.Code), r.Remark)
	}
}

func TestAResetOffsetReachesAConsumerThatIsAtWork(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	c.ok(t, remoting.CodeHeartBeat, nil, heartbeat("a", "shop"))
	for _, body := range []string{"a", "b", "c"} {
		f.send(t, c, "orders", 0, body, "", "")
	}
	c.ok(t, remoting.CodeUpdateConsumerOffset, queueFields("commitOffset", "3"), nil)
	f.Offsets.Reset("shop", "orders", 0, 1)
	if r := c.ok(t, remoting.CodeUpdateConsumerOffset, queueFields("commitOffset", "3"), nil); r.Remark != "Offset has been previously reset" {
		t.Errorf("remark %q", r.Remark)
	}
	if n := number(t, c.ok(t, remoting.CodeQueryConsumerOffset, queueFields(), nil), "offset"); n != 1 {
		t.Errorf("offset %d", n)
	}
	// The pull brings along what the consumer has done since; that doesn't count.
	checkPull(t, c.call(t, remoting.CodePullMessage, pullFields(3, subscription|suspend|commitOffset, "commitOffset", "3"), nil), remoting.RespPullOffsetMoved, 1, 0, 3, "")
	if n := f.Offsets.Query("shop", "orders", 0); n != 1 {
		t.Errorf("offset %d", n)
	}
	checkPull(t, c.call(t, remoting.CodePullMessage, pullFields(1, subscription|commitOffset, "commitOffset", "1"), nil), remoting.RespSuccess, 3, 0, 3, "b c")
	c.ok(t, remoting.CodeUpdateConsumerOffset, queueFields("commitOffset", "2"), nil)
	if committed, pulled := f.Offsets.Query("shop", "orders", 0), f.Offsets.Pulled("shop", "orders", 0); committed != 2 || pulled != 3 {
		t.Errorf("committed %d, pulled %d", committed, pulled)
	}
}

func TestAHeldPullCostsLittleMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector needs memory of its own")
	}
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	f.hold(t, c, patient(0)) // what is made once is made
	const pulls = 20_000
	heap := func() uint64 {
		runtime.GC()
		runtime.GC() // what the pools had
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	request := frame(remoting.CodePullMessage, 7, remoting.FlagOneway, patient(0), nil)
	nc := dialRaw(t, f)
	before := heap()
	for range pulls {
		if _, err := nc.Write(request); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(20 * time.Second); f.held() != pulls+1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%v pulls are held, expected %d", f.held(), pulls+1)
		}
	}
	if each := (heap() - before) / pulls; each > 600 {
		t.Errorf("%d bytes per pull", each)
	} else {
		t.Logf("%d bytes per pull", each)
	}
}
