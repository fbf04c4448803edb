package generator

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func (b *fakeBroker) topicsOptions() Options {
	o := b.options()
	o.Mode, o.Topics, o.Namesrv, o.Count = ModeTopics, 100, o.Addr, 0
	return o
}

func TestTopicsAreCreatedFilledAndFound(t *testing.T) {
	b := startBroker(t, nil)
	r, err := Run(t.Context(), b.topicsOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.topics) != 100 || b.topics["T-000000"] != 3 || b.topics["T-000099"] != 3 || b.sends != 100 || len(b.keys) != 100 || len(b.stored) != 100 {
		t.Errorf("topics %v, %d sends with %d keys to %d queues", b.topics, b.sends, len(b.keys), len(b.stored))
	}
	p := r.Topics
	if !r.Clean() || p.Created != 100 || p.CreatedPerSecond <= 0 || r.Messages != 100 || r.MessagesPerSecond <= 0 || r.Latency.P50 <= 0 {
		t.Errorf("report %+v, topics %+v", r, p)
	}
	if p.Routes == nil || p.Routes.Right != 100 || p.Routes.PerSecond <= 0 || b.routes != 101 { // one finds out whether the routes are there
		t.Errorf("routes %+v, asked %d times", p.Routes, b.routes)
	}
}

func TestMoreMessagesGoToAllQueuesOfEachTopic(t *testing.T) {
	b := startBroker(t, nil)
	o := b.topicsOptions()
	o.Count, o.Namesrv = 6, ""
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != 600 || len(b.stored) != 300 || r.Topics.Routes != nil || !r.Clean() {
		t.Errorf("%d messages in %d queues: %+v", r.Messages, len(b.stored), r)
	}
	for q, bodies := range b.stored {
		if len(bodies) != 2 {
			t.Errorf("%d messages in %s, expected 2", len(bodies), q)
		}
	}
}

func TestRoutesAreAwaitedUntilTheNameServerKnowsThem(t *testing.T) {
	b := startBroker(t, nil)
	b.spoilRoute = func(n int, a request) request {
		if n < 4 {
			a.Code = 17
		}
		return a
	}
	r, err := Run(t.Context(), b.topicsOptions(), nil)
	if err != nil || !r.Clean() || r.Topics.Routes.Right != 100 {
		t.Errorf("report %+v, error %v", r, err)
	}
}

func TestATopicThatIsNeverRegisteredIsAnError(t *testing.T) {
	b := startBroker(t, nil)
	b.spoilRoute = func(_ int, a request) request { a.Code = 17; return a }
	o := b.topicsOptions()
	o.AnswerTimeout = 200 * time.Millisecond
	r, err := Run(t.Context(), o, nil)
	if err == nil || !strings.Contains(err.Error(), "route of topic T-000099") || !strings.Contains(err.Error(), "still answer code 17") || r.Messages != 100 {
		t.Errorf("report %+v, error %v", r, err)
	}
}

func TestWrongRoutesAreCountedWithAnExample(t *testing.T) {
	b := startBroker(t, nil)
	b.spoilRoute = func(n int, a request) request {
		switch n {
		case 50:
			a.Body = []byte(routeOf(4))
		case 60:
			a.Code = 17
		}
		return a
	}
	r, err := Run(t.Context(), b.topicsOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(r.Problems, "; ")
	if r.Topics.Routes.Right != 98 || !strings.Contains(got, "1 wrong answers to routes") || !strings.Contains(got, "4 queues to read and 4 to write, expected 3") {
		t.Errorf("routes %+v, problems %q", r.Topics.Routes, got)
	}
	if !slices.Equal(r.Failures, []Failure{{Code: 17, Count: 1}}) {
		t.Errorf("failures %+v", r.Failures)
	}
}

func TestARouteIsRightOnlyIfClientsCouldUseIt(t *testing.T) {
	good := routeOf(3)
	if err := checkRoute([]byte(good), 3); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"nothing":                "",
		"no JSON":                `{brokerDatas`,
		"no broker":              strings.Replace(good, `{"brokerAddrs":{"0":"127.0.0.1:10911"},"brokerName":"a","cluster":"c","enableActingMaster":false}`, "", 1),
		"no master":              strings.Replace(good, `"0":`, `"1":`, 1),
		"queues of another":      strings.Replace(good, `{"brokerName":"a"`, `{"brokerName":"b"`, 1),
		"other queues to read":   strings.Replace(good, `"readQueueNums":3`, `"readQueueNums":4`, 1),
		"other queues to write":  strings.Replace(good, `"writeQueueNums":3`, `"writeQueueNums":0`, 1),
		"a broker without name":  strings.ReplaceAll(good, `"brokerName":"a"`, `"brokerName":""`),
		"queues of two brokers":  strings.Replace(good, `"queueDatas":[`, `"queueDatas":[{},`, 1),
		"addresses of something": strings.Replace(good, `{"0":"127.0.0.1:10911"}`, `[1]`, 1),
	} {
		if err := checkRoute([]byte(body), 3); err == nil {
			t.Errorf("%s: no error for %s", name, body)
		}
	}
}

func TestAWrongPlaceOfATopicsMessageIsNamed(t *testing.T) {
	b := startBroker(t, func(sends []send) []string {
		out := answers(sends)
		for i, s := range sends {
			if s.ExtFields["b"] == "T-000007" {
				out[i] = s.answerAt(2, 0)
			}
		}
		return out
	})
	r, err := Run(t.Context(), b.topicsOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Problems, "; "); !strings.Contains(got, "1 wrong answers to msg, for example: topic T-000007: queue 2, offset 0") || r.Messages != 99 {
		t.Errorf("%d messages, problems %q", r.Messages, got)
	}
}

func TestRefusedTopicsAreFailures(t *testing.T) {
	b := startBroker(t, nil)
	b.refused = "not you"
	o := b.topicsOptions()
	o.Namesrv = ""
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Failures, []Failure{{Code: 16, Count: 100, Remark: "not you"}}) || r.Topics.Created != 0 {
		t.Errorf("created %d, failures %+v", r.Topics.Created, r.Failures)
	}
}

func TestTopicsStopWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := startBroker(t, func(sends []send) []string {
		cancel()
		return answers(sends)
	})
	o := b.topicsOptions()
	o.Count = 1_000_000
	r, err := Run(ctx, o, nil)
	if err != nil || r.Messages != int64(b.sends) || !r.Clean() {
		t.Errorf("report %+v, error %v", r, err)
	}
}

func FuzzCheckRoute(f *testing.F) {
	f.Add([]byte(routeOf(3)))
	f.Fuzz(func(t *testing.T, body []byte) { _ = checkRoute(body, 3) })
}
