package handler_test

import (
	"testing"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestGroupsAreCreatedChangedAndListed(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	c.fails(t, remoting.RespInvalidParameter, remoting.CodeUpdateAndCreateSubscriptionGroupList, nil, []byte(`{"groupConfigList":[{"groupName":"one"},{"groupName":"a b"}]}`))
	c.fails(t, remoting.RespInvalidParameter, remoting.CodeUpdateAndCreateSubscriptionGroupList, nil, []byte(`{"groupConfigList":[{"groupName":"one"},{"groupName":"two","attributes":{"+x":"y"}}]}`))
	if f.Groups.Get("one") != nil {
		t.Error("a list with a group that can't be is half made")
	}
	c.ok(t, remoting.CodeUpdateAndCreateSubscriptionGroupList, nil, []byte(`{"groupConfigList":[{"groupName":"one","retryMaxTimes":3},{"groupName":"two","attributes":{"+priority.factor":"50"}}]}`))
	get := func(name string) meta.GroupConfig {
		t.Helper()
		return bodyOf[meta.GroupConfig](t, c.ok(t, remoting.CodeGetSubscriptionGroupConfig, fields("group", name), nil))
	}
	if g := get("one"); g.RetryMaxTimes != 3 || !g.ConsumeEnable {
		t.Errorf("%+v", g)
	}
	// What isn't said of the attributes stays.
	c.ok(t, remoting.CodeUpdateAndCreateSubscriptionGroup, nil, []byte(`{"groupName":"two","consumeEnable":false}`))
	if g := get("two"); g.Attributes["priority.factor"] != "50" || g.ConsumeEnable {
		t.Errorf("%+v", g)
	}
	c.ok(t, remoting.CodeUpdateAndCreateSubscriptionGroup, nil, []byte(`{"groupName":"two","attributes":{"-priority.factor":""}}`))
	if g := get("two"); len(g.Attributes) != 0 {
		t.Errorf("%+v", g)
	}
	c.fails(t, remoting.RespSubscriptionGroupNotExist, remoting.CodeGetSubscriptionGroupConfig, fields("group", "none"), nil)
	r := c.ok(t, remoting.CodeGetAllSubscriptionGroupConfig, nil, nil)
	all := bodyOf[struct {
		Groups map[string]meta.GroupConfig `json:"subscriptionGroupTable"`
	}](t, r).Groups
	if all["one"].RetryMaxTimes != 3 || number(t, r, "totalGroupNum") != int64(len(all)) {
		t.Errorf("%+v, %s", all, r.Fields)
	}
}

func TestAGroupIsDeletedWithItsOffsetsIfAskedTo(t *testing.T) {
	f, c := sells(t)
	c.ok(t, remoting.CodeDeleteSubscriptionGroup, fields("groupName", "shop"), nil)
	if f.Groups.Get("shop") != nil || f.Offsets.Query("shop", "orders", 0) != 1 {
		t.Errorf("group %v, offset %d", f.Groups.Get("shop"), f.Offsets.Query("shop", "orders", 0))
	}
	c.ok(t, remoting.CodeDeleteSubscriptionGroup, fields("groupName", "shop", "cleanOffset", "true"), nil)
	if n := f.Offsets.Query("shop", "orders", 0); n != -1 {
		t.Errorf("offset %d", n)
	}
}

func TestWhatAGroupIsForbiddenIsChangedOnlyIfTheRequestSaysSo(t *testing.T) {
	f, c := sells(t)
	for _, step := range []struct {
		readable string
		want     string
	}{{"", "true"}, {"false", "false"}, {"", "false"}, {"true", "true"}, {"", "true"}} {
		ask := fields("group", "shop", "topic", "orders")
		if step.readable != "" {
			ask.Add("readable", step.readable)
		}
		r := c.ok(t, remoting.CodeUpdateAndGetGroupForbidden, ask, nil)
		equal(t, "readable="+step.readable, string(r.Body), `{"group":"shop","topic":"orders","readable":`+step.want+`}`)
		if forbidden := f.Groups.Forbidden("shop", "orders")&meta.PermRead != 0; forbidden != (step.want == "false") {
			t.Errorf("forbidden %v", forbidden)
		}
	}
	c.ok(t, remoting.CodeUpdateAndGetGroupForbidden, fields("group", "shop", "topic", "orders", "readable", "false"), nil)
	contains(t, c.ok(t, remoting.CodeGetAllSubscriptionGroupConfig, nil, nil).Body, `"forbiddenTable":{"shop":{"orders":4}}`)
}
