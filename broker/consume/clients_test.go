package consume

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// member notes what it is told.
type member struct{ told []string }

func (m *member) ConsumersChanged(group string) { m.told = append(m.told, group) }

// take returns what the member was told since the last call.
func (m *member) take() string {
	s := strings.Join(m.told, " ")
	m.told = nil
	return s
}

type registry struct {
	*Clients[*member]
	clock clock
	quiet map[string]bool // groups that want to hear nothing
}

func newRegistry() *registry {
	r := &registry{clock: clock{time.Now()}, quiet: map[string]bool{}}
	r.Clients = NewClients[*member](time.Minute, r.clock.now)
	return r
}

func (r *registry) notify(group string) bool { return !r.quiet[group] }

// beat is a heartbeat of a consumer of the topic "orders".
func (r *registry) beat(m *member, id, group, expression string, version int64) bool {
	return r.Heartbeat(m, heartbeat(id, consumer(group, expression, version)), r.notify)
}

func consumer(group, expression string, version int64) Consumer {
	return Consumer{Group: group, Subscriptions: []Subscription{{Topic: "orders", Expression: expression, Type: "TAG", Version: version}}}
}

func heartbeat(id string, consumers ...Consumer) *Heartbeat {
	return &Heartbeat{Client: Client{ID: id}, Consumers: consumers}
}

func told(t *testing.T, what string, m *member, want string) {
	t.Helper()
	if got := m.take(); got != want {
		t.Errorf("%s: told of %q, expected %q", what, got, want)
	}
}

func TestMembersHearOfThoseWhoComeAndGo(t *testing.T) {
	r := newRegistry()
	a, b := new(member), new(member)
	r.beat(a, "a", "shop", "*", 1)
	told(t, "a comes", a, "shop")
	r.beat(a, "a", "shop", "*", 1)
	told(t, "a is still there", a, "")
	r.beat(b, "b", "shop", "*", 1)
	told(t, "b comes", a, "shop")
	told(t, "b comes", b, "shop")
	if ids := r.ConsumerIDs("shop"); !slices.Equal(ids, []string{"a", "b"}) {
		t.Errorf("consumers %v", ids)
	}
	r.Unregister(b, "", "shop", r.notify)
	told(t, "b goes", a, "shop")
	told(t, "b goes", b, "")
	r.Unregister(b, "", "shop", r.notify)
	told(t, "b goes again", a, "")
	r.Gone(a, r.notify)
	if ids := r.ConsumerIDs("shop"); ids != nil {
		t.Errorf("consumers %v", ids)
	}
}

func TestAGroupThatWantsNoNoticesGetsNone(t *testing.T) {
	r := newRegistry()
	r.quiet["shop"] = true
	a := new(member)
	r.beat(a, "a", "shop", "*", 1)
	told(t, "quiet group", a, "")
	c := consumer("news", "*", 1)
	c.Model = Broadcasting
	r.Heartbeat(a, heartbeat("a", c), r.notify)
	told(t, "broadcasting group", a, "")
}

func TestLaterSubscriptionsReplaceEarlierOnes(t *testing.T) {
	r := newRegistry()
	a, b := new(member), new(member)
	r.beat(a, "a", "shop", "red", 10)
	r.beat(b, "b", "shop", "blue", 9) // it started earlier
	want := func(expression string) {
		t.Helper()
		if s, model, ok := r.Subscription("shop", "orders"); !ok || model != Clustering || s.Expression != expression {
			t.Errorf("%+v %s %v, expected %s", s, model, ok, expression)
		}
	}
	want("red")
	a.take()
	r.beat(a, "a", "shop", "red", 11)
	told(t, "the same, later", a, "")
	r.beat(b, "b", "shop", "blue", 12)
	want("blue")
	told(t, "another one", a, "shop")
	b.take()

	r.Heartbeat(a, heartbeat("a", Consumer{Group: "shop"}), r.notify)
	if _, model, ok := r.Subscription("shop", "orders"); ok || model == "" {
		t.Error("a subscription that nobody has any more is there")
	}
	told(t, "none any more", b, "shop")
	if _, model, _ := r.Subscription("nobody", "orders"); model != "" {
		t.Error("a group that isn't there has a model")
	}
}

func TestSubscriptionsThatAreLeftOutAreThoseOfTheFingerprint(t *testing.T) {
	r := newRegistry()
	a, b := new(member), new(member)
	brief := func(fingerprint int32) *Heartbeat {
		return &Heartbeat{Client: Client{ID: "a"}, Consumers: []Consumer{{Group: "shop"}}, Fingerprint: fingerprint, Brief: true}
	}
	full := heartbeat("a", consumer("shop", "red", 1))
	full.Fingerprint = 7
	if r.Heartbeat(a, brief(7), r.notify) {
		t.Error("subscriptions that never came are known")
	}
	if !r.Heartbeat(a, full, r.notify) || !r.Heartbeat(a, brief(7), r.notify) {
		t.Error("subscriptions that came are not known")
	}
	if s, _, ok := r.Subscription("shop", "orders"); !ok || s.Expression != "red" {
		t.Errorf("a heartbeat without subscriptions removed them: %+v", s)
	}
	if r.Heartbeat(a, brief(8), r.notify) {
		t.Error("other subscriptions are known")
	}
	if r.beat(b, "b", "shop", "red", 1) {
		t.Error("a client without fingerprints was told that it can leave subscriptions out")
	}
	if r.Heartbeat(a, brief(7), r.notify) {
		t.Error("the subscriptions are those of another client by now")
	}
}

func TestAClientMayHaveSeveralGroups(t *testing.T) {
	r := newRegistry()
	a, b := new(member), new(member)
	hb := heartbeat("a", consumer("shop", "*", 1), consumer("audit", "*", 1))
	hb.Producers = []string{"till", "web"}
	r.Heartbeat(a, hb, r.notify)
	told(t, "both come", a, "audit shop")
	r.beat(b, "b", "shop", "*", 1)
	a.take()
	if p, c := r.Counts(); p != 2 || c != 3 {
		t.Errorf("%d producers and %d consumers", p, c)
	}
	r.Unregister(a, "till", "audit", r.notify)
	if p, c := r.Counts(); p != 1 || c != 2 {
		t.Errorf("%d producers and %d consumers", p, c)
	}
	b.take()
	r.Gone(a, r.notify)
	told(t, "the connection ends", b, "shop")
	if p, c := r.Counts(); p != 0 || c != 1 {
		t.Errorf("%d producers and %d consumers", p, c)
	}
}

func TestSilentClientsAreDropped(t *testing.T) {
	r := newRegistry()
	a, b, c := new(member), new(member), new(member)
	r.beat(a, "a", "shop", "*", 1)
	r.beat(b, "b", "shop", "*", 1)
	r.clock.t = r.clock.t.Add(50 * time.Second)
	r.beat(c, "c", "shop", "*", 1)
	c.take()
	r.clock.t = r.clock.t.Add(20 * time.Second)
	if n := r.Expire(r.notify); n != 2 {
		t.Errorf("%d clients expired", n)
	}
	told(t, "both at once", c, "shop")
	if ids := r.ConsumerIDs("shop"); !slices.Equal(ids, []string{"c"}) {
		t.Errorf("consumers %v", ids)
	}
}
