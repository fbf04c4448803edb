package consume

import (
	"slices"
	"testing"
)

func TestAGroupIsSeenAsItsMembersDescribeIt(t *testing.T) {
	r := newRegistry()
	a, b, again := new(member), new(member), new(member)
	says := Consumer{Group: "shop", Type: "CONSUME_PASSIVELY", Model: Broadcasting, FromWhere: "CONSUME_FROM_LAST_OFFSET", Subscriptions: []Subscription{
		{Topic: "orders", Expression: "a||b", Type: "TAG", Version: 1}, {Topic: "bills", Expression: "*", Type: "TAG", Version: 1},
	}}
	r.Heartbeat(b, heartbeat("b", says), r.notify)
	r.Heartbeat(a, heartbeat("a", says), r.notify)
	r.clock.t = r.clock.t.Add(1)
	r.Heartbeat(again, heartbeat("a", says), r.notify)

	v, ok := r.Group("shop")
	if !ok || v.Type != "CONSUME_PASSIVELY" || v.Model != Broadcasting || v.FromWhere != "CONSUME_FROM_LAST_OFFSET" {
		t.Fatalf("%v %+v", ok, v)
	}
	var ids []string
	for _, m := range v.Members {
		ids = append(ids, m.ID)
	}
	if !slices.Equal(ids, []string{"a", "a", "b"}) {
		t.Errorf("members %v", ids)
	}
	if len(v.Subscriptions) != 2 || v.Subscriptions[0].Topic != "bills" || v.Subscriptions[1].Expression != "a||b" {
		t.Errorf("subscriptions %+v", v.Subscriptions)
	}
	if m, ok := r.Member("shop", "a"); !ok || m.Conn != again {
		t.Error("of two connections of a client, the one that was heard of last is the one to talk to")
	}
	if _, ok := r.Member("shop", "c"); ok {
		t.Error("a member that isn't there")
	}
	if _, ok := r.Group("none"); ok {
		t.Error("a group that isn't there")
	}
}

func TestWhoConsumesATopicIsKnownFromSubscriptions(t *testing.T) {
	r := newRegistry()
	r.beat(new(member), "a", "shop", "*", 1)
	r.beat(new(member), "b", "bank", "*", 1)
	r.Heartbeat(new(member), heartbeat("c", Consumer{Group: "idle"}), r.notify)
	if groups := r.Subscribers("orders"); !slices.Equal(groups, []string{"bank", "shop"}) {
		t.Errorf("%v", groups)
	}
	for _, c := range []struct {
		group, topic string
		want         bool
	}{{"shop", "orders", true}, {"shop", "bills", false}, {"idle", "bills", true}, {"offline", "bills", true}} {
		if got := r.Subscribes(c.group, c.topic); got != c.want {
			t.Errorf("%s of %s: %v", c.group, c.topic, got)
		}
	}
}

func TestProducersAreListedByGroup(t *testing.T) {
	r := newRegistry()
	m := new(member)
	r.Heartbeat(m, &Heartbeat{Client: Client{ID: "a", Language: "JAVA", Version: 513}, Producers: []string{"p", "q"}}, r.notify)
	all := r.Producers()
	if len(all) != 2 || len(all["p"]) != 1 || all["p"][0].Conn != m || all["q"][0].Version != 513 {
		t.Errorf("%+v", all)
	}
}
