package produce

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// waitsFor expects a record to wait at a level for a queue of a topic.
func waitsFor(t *testing.T, r record.Record, level int, topic string, queue int) {
	t.Helper()
	if string(r.Topic) != meta.ScheduleTopic || int(r.QueueID) != level-1 {
		t.Errorf("it is in %s/%d, expected to wait at level %d", r.Topic, r.QueueID, level)
	}
	for name, want := range map[string]string{"DELAY": strconv.Itoa(level), "REAL_TOPIC": topic, "REAL_QID": strconv.Itoa(queue)} {
		if v := property(r, name); v != want {
			t.Errorf("property %s is %q, expected %q", name, v, want)
		}
	}
}

// due stores the copy of a message that waits, as it is delivered.
func (f *fixture) due(t *testing.T, r record.Record) record.Record {
	t.Helper()
	topic := property(r, "REAL_TOPIC")
	id, err := strconv.Atoi(property(r, "REAL_QID"))
	if err != nil {
		t.Fatal(err)
	}
	ds := []record.Draft{{
		Topic: topic, QueueID: int32(id), Queue: f.store.Queue(topic, int32(id)), Flag: r.Flag, SysFlag: r.SysFlag, Body: r.Body, Properties: r.Properties,
		BornTimestamp: r.BornTimestamp, BornHost: r.BornHost, StoreHost: r.StoreHost, ReconsumeTimes: r.ReconsumeTimes, PreparedTransactionOffset: r.LogOffset,
	}}
	if err := f.store.Append(ds); err != nil || ds[0].Err != nil {
		t.Fatal(err, ds[0].Err)
	}
	return f.read(t, ds[0].LogOffset)
}

func TestADelayedMessageWaitsAtItsLevelForItsQueue(t *testing.T) {
	f := newFixture(t, nil)
	for wish, level := range map[string]int{"1": 1, "18": 18, "19": 18, "2147483647": 18} {
		r := order()
		r.Properties = props("UNIQ_KEY", "k1", "DELAY", wish, "REAL_TOPIC", "elsewhere", "REAL_QID", "77")
		b := f.send(t, r)
		got := f.one(t, b, 0)
		waitsFor(t, got, level, "orders", 1)
		if property(got, "UNIQ_KEY") != "k1" || property(got, "CLUSTER") != "DefaultCluster" || string(got.Body) != "one book" || got.Flag != 7 {
			t.Errorf("stored %+v", got)
		}
		if b.QueueID(0) != 1 {
			t.Errorf("its sender is told that it is for queue %d", b.QueueID(0))
		}
	}
}

func TestALevelOverridesWhatAMessageSaysOfAnyDelay(t *testing.T) {
	f := newFixture(t, nil)
	r := order()
	r.Properties = props("TIMER_DELIVER_MS", "5", "TIMER_DELAY_MS", "5", "DELAY", "2", "TIMER_DELAY_SEC", "5")
	got := f.one(t, f.send(t, r), 0)
	waitsFor(t, got, 2, "orders", 1)
	if strings.Contains(string(got.Properties), "TIMER") {
		t.Errorf("properties %q", got.Properties)
	}
}

func TestABatchCannotWait(t *testing.T) {
	f := newFixture(t, nil)
	for name, edit := range map[string]func(*Request){
		"all of it": func(r *Request) { r.Properties = props("DELAY", "2") },
		"one of it": func(r *Request) { r.Body = batchOf(item{"a", ""}, item{"b", string(props("DELAY", "2"))}) },
	} {
		r := order()
		r.Batch, r.Body = true, batchOf(item{"a", ""}, item{"b", ""})
		edit(r)
		if no := f.refusal(t, r); no.Reason != IllegalMessage || !strings.Contains(no.Remark, "wait") {
			t.Errorf("%s: %+v", name, no)
		}
	}
}

func TestAGroupsPolicySaysAtWhichLevelARetryWaits(t *testing.T) {
	f := newFixture(t, nil)
	f.Config.Load().DelayLevels = []time.Duration{time.Second, time.Minute, 10 * time.Second, 5 * time.Second}
	f.levels = f.levels[:4]
	exponential := meta.RetryPolicy{Type: meta.RetryExponential, Exponential: &meta.ExponentialRetry{Initial: 900, Max: 1 << 40, Multiplier: 6}}
	customized := meta.RetryPolicy{Type: meta.RetryCustomized, Customized: &meta.CustomizedRetry{Next: []int64{1, 1, 10_000, 5_000, 5_001}}}
	for name, test := range map[string]struct {
		policy meta.RetryPolicy
		levels []int32 // by reconsume times
	}{
		"none":        {meta.RetryPolicy{Type: meta.RetryCustomized}, []int32{3, 4, 4, 4}},
		"exponential": {exponential, []int32{1, 3, 2, 2}}, // 0.9 s, 5.4 s, 32.4 s, 194 s
		"customized":  {customized, []int32{3, 4, 3, 3}},
	} {
		g := meta.NewGroup("shop")
		g.Retry = test.policy
		for times, want := range test.levels {
			if got := f.retryLevel(&g, int32(times)); got != want {
				t.Errorf("%s: after %d tries level %d, expected %d", name, times, got, want)
			}
		}
		if got := f.retryLevel(&g, math.MaxInt32); got < 1 || got > 4 {
			t.Errorf("%s: level %d", name, got)
		}
	}
}

// TestARetryOfARetryWaitsAsItself: the copy that is given back still has the properties of its own wait.
func TestARetryOfARetryWaitsAsItself(t *testing.T) {
	f := newFixture(t, nil)
	f.makeGroup(t, nil)
	r := order()
	r.Properties = props("UNIQ_KEY", "k1", "DELAY", "9")
	first := f.due(t, f.one(t, f.send(t, r), 0))
	all, no := f.back(t, SendBack{Group: "shop", LogOffset: first.LogOffset, MaxReconsume: -1})
	if no != nil {
		t.Fatal(no)
	}
	waitsFor(t, all[0], 3, "%RETRY%shop", 0)
	for _, name := range []string{"DELAY", "REAL_TOPIC", "REAL_QID", "UNIQ_KEY"} {
		if n := strings.Count(string(all[0].Properties), name+"\x01"); n != 1 {
			t.Errorf("%s is there %d times in %q", name, n, all[0].Properties)
		}
	}
	all, _ = f.back(t, SendBack{Group: "shop", LogOffset: f.due(t, all[0]).LogOffset, DelayLevel: 2, MaxReconsume: -1})
	waitsFor(t, all[0], 2, "%RETRY%shop", 0)
	all, _ = f.back(t, SendBack{Group: "shop", LogOffset: f.due(t, all[0]).LogOffset, MaxReconsume: -1})
	if string(all[0].Topic) != "%DLQ%shop" || property(all[0], "DLQ_ORIGIN_TOPIC") != "orders" || property(all[0], "REAL_TOPIC") != "" {
		t.Errorf("after its tries it is in %s with %q", all[0].Topic, all[0].Properties)
	}
}
