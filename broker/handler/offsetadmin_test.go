package handler_test

import (
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
)

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

func TestDelayLevelsAreToldAsTheirFileHasThem(t *testing.T) {
	f, c := sells(t)
	ask := sendFields("orders", 0)
	ask.Add("i", "DELAY\x013\x02") // 10 s
	c.ok(t, remoting.CodeSendMessageV2, ask, []byte("later"))
	f.arrive(t, "SCHEDULE_TOPIC_XXXX", 2, 0)
	contains(t, c.ok(t, remoting.CodeGetAllDelayOffset, nil, nil).Body, `"offsetTable":{`, `3:0`, `"dataVersion":{`)
	if info := c.runtime(t); info["scheduleMessageOffset_3"] != "0,1" {
		t.Errorf("%q", info["scheduleMessageOffset_3"])
	}
}
