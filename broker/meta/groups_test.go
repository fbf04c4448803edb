package meta

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAGroupIsCreatedByItsFirstConsumerIfThatIsAllowed(t *testing.T) {
	s := newStore(t)
	groups := s.groups(t)
	for _, c := range []struct {
		name       string
		autoCreate bool
		err        error
	}{
		{"g", false, nil},
		{"g", true, nil},
		{"g", true, nil},
		{"CID_RMQ_SYS_REVIVE_GROUP", false, nil},
		{"TOOLS_CONSUMER", false, nil},
		{"g@h", true, ErrName},
		{strings.Repeat("g", 121), true, ErrName},
		{"", true, ErrName},
	} {
		g, err := groups.Ensure(c.name, c.autoCreate)
		if !errors.Is(err, c.err) {
			t.Errorf("%q: %v", c.name, err)
		}
		if absent := c.err != nil || c.name == "g" && !c.autoCreate; (g == nil) != absent {
			t.Errorf("%q: got %v", c.name, g)
		}
	}
	must(t, groups.Persist())
	want := NewGroup("g")
	want.Attributes = map[string]string{}
	if diff := cmp.Diff(&want, s.groups(t).Get("g")); diff != "" {
		t.Error(diff)
	}
}

func TestNewGroupHasTheDefaultsOfRocketMQ(t *testing.T) {
	golden := newStore(t, "features").groups(t).Get("feat-fifo-group")
	ours := NewGroup("feat-fifo-group")
	if diff := cmp.Diff(golden, ours.clone()); diff != "" {
		t.Error(diff)
	}
}

func TestMissingFieldsOfAGroupHaveTheirDefaults(t *testing.T) {
	s := newStore(t)
	s.write(t, "subscriptionGroup.json", `{"subscriptionGroupTable":{"g":{"groupName":"g","consumeEnable":false,"later":{"x":1},
		"groupRetryPolicy":{"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":5000,"max":7200000,"multiplier":2}},
		"subscriptionDataSet":[{"topic":"t","expressionType":"TAG","expression":"a||b","version":3}]},"null":null}}`)
	want := NewGroup("g")
	want.ConsumeEnable = false
	want.Retry = RetryPolicy{Type: RetryExponential, Exponential: &ExponentialRetry{Initial: 5000, Max: 7200000, Multiplier: 2}}
	want.Subscriptions = []Subscription{{Topic: "t", ExpressionType: "TAG", Expression: "a||b", Version: 3}}
	groups := s.groups(t)
	if diff := cmp.Diff(want.clone(), groups.Get("g")); diff != "" {
		t.Error(diff)
	}
	if groups.Get("null") != nil {
		t.Error("a group that is null is a group")
	}
}

func TestWhatAGroupIsForbiddenLastsAsLongAsTheGroup(t *testing.T) {
	s := newStore(t)
	groups := s.groups(t)
	_, err := groups.Put(NewGroup("g"))
	must(t, err)
	groups.SetForbidden("g", "a", 1)
	groups.SetForbidden("g", "b", 3)
	groups.SetForbidden("g", "a", 0)
	must(t, groups.Persist())
	again := s.groups(t)
	if a, b := again.Forbidden("g", "a"), again.Forbidden("g", "b"); a != 0 || b != 3 {
		t.Errorf("forbidden: a %d, b %d; 0 and 3 expected", a, b)
	}
	if !again.Delete("g") || again.Delete("g") || again.Forbidden("g", "b") != 0 {
		t.Error("the group outlives its deletion")
	}
	must(t, again.Persist())
	if s.groups(t).Get("g") != nil {
		t.Error("the group is back after a restart")
	}
}

func TestRetriesWaitAsTheirPolicySays(t *testing.T) {
	exponential := func(initial, most, multiplier int64) RetryPolicy {
		return RetryPolicy{Type: RetryExponential, Exponential: &ExponentialRetry{Initial: initial, Max: most, Multiplier: multiplier}}
	}
	for _, c := range []struct {
		policy RetryPolicy
		times  int32
		want   time.Duration
	}{
		{RetryPolicy{Type: RetryCustomized}, 0, 10 * time.Second},
		{RetryPolicy{Type: RetryCustomized}, -5, 10 * time.Second},
		{RetryPolicy{Type: RetryCustomized}, 15, 2 * time.Hour},
		{RetryPolicy{Type: RetryCustomized}, math.MaxInt32, 2 * time.Hour},
		{RetryPolicy{}, 1, 30 * time.Second},
		{RetryPolicy{Type: RetryExponential}, 1, 30 * time.Second},
		{RetryPolicy{Type: RetryCustomized, Customized: &CustomizedRetry{Next: []int64{1, 2, 3, 4}}}, 1, 4 * time.Millisecond},
		{RetryPolicy{Type: RetryCustomized, Customized: &CustomizedRetry{Next: []int64{1}}}, 0, time.Millisecond},
		{RetryPolicy{Type: RetryCustomized, Customized: &CustomizedRetry{}}, 0, 10 * time.Second},
		{RetryPolicy{Type: RetryCustomized, Customized: &CustomizedRetry{Next: []int64{-1}}}, 0, 0},
		{exponential(5000, 7200000, 2), 0, 5 * time.Second},
		{exponential(5000, 7200000, 2), 3, 40 * time.Second},
		{exponential(5000, 7200000, 2), 30, 2 * time.Hour},
		{exponential(5, math.MaxInt64, math.MaxInt64), 2, millis(math.MaxInt64)},
		{exponential(5, 100, 0), 2, 0},
		{exponential(-5, -1, -1), 2, 0},
	} {
		if got := c.policy.Wait(c.times); got != c.want {
			t.Errorf("%+v after %d: %v, %v expected", c.policy, c.times, got, c.want)
		}
	}
}

func TestGroupsAreAlteredAllOrNone(t *testing.T) {
	g := newStore(t).groups(t)
	with := func(name string, attributes map[string]string) GroupConfig {
		c := NewGroup(name)
		c.Attributes = attributes
		return c
	}
	for _, bad := range []GroupConfig{
		with("a b", nil), with("two", map[string]string{"+colour": "red"}), with("two", map[string]string{"+priority.factor": "101"}),
		with("two", map[string]string{"-priority.factor": ""}), with("two", map[string]string{"priority.factor": "1"}),
	} {
		if err := g.Alter(with("one", nil), bad); err == nil || g.Get("one") != nil {
			t.Errorf("%s %v: %v", bad.Name, bad.Attributes, err)
		}
	}
	if err := g.Alter(with("one", map[string]string{"+priority.factor": "7", "+lite.bind.topic": "t"})); err != nil {
		t.Fatal(err)
	}
	if err := g.Alter(with("one", map[string]string{"-priority.factor": ""})); err != nil {
		t.Fatal(err)
	}
	if a := g.Get("one").Attributes; len(a) != 1 || a["lite.bind.topic"] != "t" {
		t.Errorf("%v", a)
	}
}
