package handler_test

import (
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func queueFields(pairs ...string) remoting.Fields {
	return append(fields("consumerGroup", "shop", "topic", "orders", "queueId", "0"), fields(pairs...)...)
}

func TestOffsetsOfGroupsAreKept(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	c.fails(t, remoting.RespSubscriptionGroupNotExist, remoting.CodeUpdateConsumerOffset, queueFields("commitOffset", "5"), nil)
	c.ok(t, remoting.CodeHeartBeat, nil, heartbeat("a", "shop"))
	c.ok(t, remoting.CodeUpdateConsumerOffset, queueFields("commitOffset", "5"), nil)
	if n := number(t, c.ok(t, remoting.CodeQueryConsumerOffset, queueFields(), nil), "offset"); n != 5 {
		t.Errorf("offset %d", n)
	}
	c.ok(t, remoting.CodeUpdateConsumerOffset, queueFields("commitOffset", "3"), nil) // consumers reset
	if n := number(t, c.ok(t, remoting.CodeQueryConsumerOffset, queueFields(), nil), "offset"); n != 3 {
		t.Errorf("offset %d", n)
	}
	c.fails(t, remoting.RespInvalidParameter, remoting.CodeUpdateConsumerOffset, queueFields("commitOffset", "-1"), nil)
	c.fails(t, remoting.RespInvalidParameter, remoting.CodeUpdateConsumerOffset, queueFields(), nil)
	c.fails(t, remoting.RespInvalidParameter, remoting.CodeUpdateConsumerOffset, fields("consumerGroup", "shop", "topic", "orders", "commitOffset", "1"), nil)
	c.fails(t, remoting.RespTopicNotExist, remoting.CodeUpdateConsumerOffset, queueFields("topic", "nothing", "commitOffset", "1"), nil)
}

func TestAGroupWithoutAnOffsetBeginsAtTheStartOfAYoungQueue(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	for range 2 { // empty, then with a message
		if n := number(t, c.ok(t, remoting.CodeQueryConsumerOffset, queueFields(), nil), "offset"); n != 0 {
			t.Errorf("offset %d", n)
		}
		f.send(t, c, "orders", 0, "a", "", "")
	}
	c.fails(t, remoting.RespQueryNotFound, remoting.CodeQueryConsumerOffset, queueFields("setZeroIfNotFound", "false"), nil)
	c.fails(t, remoting.RespQueryNotFound, remoting.CodeQueryConsumerOffset, queueFields("topic", "nothing"), nil)
}

func TestAQueueHasBoundsAndTimes(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	get := func(code int32, name string, pairs ...string) int64 {
		t.Helper()
		return number(t, c.ok(t, code, queueFields(pairs...), nil), name)
	}
	if lowest, next, at := get(remoting.CodeGetMinOffset, "offset"), get(remoting.CodeGetMaxOffset, "offset"), get(remoting.CodeGetEarliestMsgStoreTime, "timestamp"); lowest != 0 || next != 0 || at != -1 {
		t.Errorf("an empty queue: [%d,%d) since %d", lowest, next, at)
	}
	before := time.Now().UnixMilli()
	f.send(t, c, "orders", 0, "a", "", "")
	for time.Now().UnixMilli() <= before+1 { // the next message shall have another time
		time.Sleep(time.Millisecond)
	}
	f.send(t, c, "orders", 0, "b", "", "")
	if lowest, next, at := get(remoting.CodeGetMinOffset, "offset"), get(remoting.CodeGetMaxOffset, "offset"), get(remoting.CodeGetEarliestMsgStoreTime, "timestamp"); lowest != 0 || next != 2 || at < before {
		t.Errorf("two messages: [%d,%d) since %d", lowest, next, at)
	}
	first := get(remoting.CodeGetEarliestMsgStoreTime, "timestamp")
	for _, test := range []struct {
		at       int64
		boundary string
		want     int64
	}{
		{first, "", 0}, {first, "LOWER", 0}, {first, "upper", 0}, {first + 1, "lower", 1}, {first - 1000, "LOWER", 0}, {first - 1000, "UPPER", 0}, {first + 3600_000, "LOWER", 2}, {first + 3600_000, "UPPER", 1},
	} {
		pairs := []string{"timestamp", itoa(test.at)}
		if test.boundary != "" {
			pairs = append(pairs, "boundaryType", test.boundary)
		}
		if n := get(remoting.CodeSearchOffsetByTimestamp, "offset", pairs...); n != test.want {
			t.Errorf("%+d ms %s: offset %d, expected %d", test.at-first, test.boundary, n, test.want)
		}
	}
	for _, code := range []int32{remoting.CodeGetMinOffset, remoting.CodeGetMaxOffset, remoting.CodeGetEarliestMsgStoreTime, remoting.CodeSearchOffsetByTimestamp} {
		c.fails(t, remoting.RespTopicNotExist, code, queueFields("topic", "nothing"), nil)
		c.fails(t, remoting.RespInvalidParameter, code, queueFields("queueId", "4"), nil)
		c.fails(t, remoting.RespSystemError, code, queueFields("queueId", "first"), nil)
	}
}

func TestOffsetsOutliveTheBroker(t *testing.T) {
	mem := vfs.NewMem()
	f := start(t, mem, nil)
	c := f.dial(t)
	c.ok(t, remoting.CodeHeartBeat, nil, heartbeat("a", "shop"))
	f.send(t, c, "orders", 0, "a", "", "")
	c.ok(t, remoting.CodeUpdateConsumerOffset, queueFields("commitOffset", "1"), nil)
	c.Close()
	f.stop(t)
	f = start(t, mem, func(c *config.Config) { c.AutoCreateGroup = false })
	c = f.dial(t)
	if n := number(t, c.ok(t, remoting.CodeQueryConsumerOffset, queueFields(), nil), "offset"); n != 1 {
		t.Errorf("offset %d", n)
	}
}
