package produce

import (
	"testing"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// group makes a group whose messages are retried twice.
func (f *fixture) makeGroup(t *testing.T, edit func(*meta.GroupConfig)) {
	t.Helper()
	g := meta.NewGroup("shop")
	g.RetryMaxTimes = 2
	if edit != nil {
		edit(&g)
	}
	if _, err := f.Groups.Put(g); err != nil {
		t.Fatal(err)
	}
}

func retryOf(times int32) *Request {
	r := order()
	r.Topic, r.QueueID, r.ReconsumeTimes = []byte("%RETRY%shop"), 0, times
	r.Properties = props("UNIQ_KEY", "k1", "DELAY", "5", "TRAN_MSG", "true", "RETRY_TOPIC", "orders", "ORIGIN_MESSAGE_ID", "ID1")
	return r
}

func TestAMessageThatAConsumerRetriesWaitsAndIsInTheEndADeadLetter(t *testing.T) {
	f := newFixture(t, nil)
	f.makeGroup(t, nil)
	own := retryOf(3)
	own.MaxReconsume = 5
	b := f.send(t, retryOf(1), retryOf(2), retryOf(3), own)
	for i, topic := range []string{"%RETRY%shop", "%RETRY%shop", "%DLQ%shop", "%RETRY%shop"} {
		got := f.one(t, b, i)
		dead := topic == "%DLQ%shop"
		if !dead {
			waitsFor(t, got, 5, topic, 0)
		} else if string(got.Topic) != topic || got.QueueID != 0 || property(got, "DELAY") != "-1" {
			t.Errorf("send %d went to %s/%d with %q, expected %s", i, got.Topic, got.QueueID, got.Properties, topic)
		}
		if dead && (property(got, "DLQ_ORIGIN_TOPIC") != "orders" || property(got, "DLQ_ORIGIN_MESSAGE_ID") != "ID1") {
			t.Errorf("the dead letter has properties %q", got.Properties)
		}
	}
}

func TestARetryOfAGroupThatConsumesInOrderIsADeadLetter(t *testing.T) {
	f := newFixture(t, nil)
	f.makeGroup(t, nil)
	f.ordered["shop"] = true
	if got := f.one(t, f.send(t, retryOf(0)), 0); string(got.Topic) != "%DLQ%shop" {
		t.Errorf("it went to %s", got.Topic)
	}
}

func TestRetriesNeedTheirGroup(t *testing.T) {
	f := newFixture(t, nil)
	f.Config.Load().AutoCreateGroup = false
	for _, topic := range []string{"%RETRY%shop", "%DLQ%shop"} {
		r := order()
		r.Topic = []byte(topic)
		if no := f.refusal(t, r); no.Reason != NoGroup {
			t.Errorf("%s: %+v", topic, no)
		}
	}
	f.Config.Load().AutoCreateGroup = true
	f.one(t, f.send(t, retryOf(1)), 0)
	if f.Groups.Get("shop") == nil || f.table.Get("%RETRY%shop") == nil {
		t.Error("group and topic were not made")
	}
}

// back sends a stored message back.
func (f *fixture) back(t *testing.T, r SendBack) ([]record.Record, *Refusal) {
	t.Helper()
	b := NewBatch()
	f.AddBack(b, r)
	f.submit(t, b)
	if _, no := b.Stored(0); no != nil {
		return nil, no
	}
	return f.all(t, b, 0), nil
}

func TestAMessageThatIsSentBackIsACopyThatKnowsItsOrigin(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.store.Log.CRCProperty = true })
	f.makeGroup(t, func(g *meta.GroupConfig) { g.RetryQueues = 3 })
	first := f.one(t, f.send(t, order()), 0)
	id := string(record.AppendMessageID(nil, first.StoreHost, first.LogOffset))

	wish := SendBack{Group: "shop", LogOffset: first.LogOffset, MaxReconsume: -1}
	for times, topic := range []string{"%RETRY%shop", "%RETRY%shop", "%DLQ%shop"} {
		all, no := f.back(t, wish)
		if no != nil || len(all) != 1 {
			t.Fatalf("%d %+v", len(all), no)
		}
		got := all[0]
		if times < 2 {
			got = f.due(t, got) // at level 3 first, and one more with every try
			waitsFor(t, all[0], 3+times, topic, int(got.QueueID))
		}
		if string(got.Topic) != topic || got.ReconsumeTimes != int32(times)+1 || got.QueueID >= 3 {
			t.Errorf("retry %d: %s/%d with %d tries", times, got.Topic, got.QueueID, got.ReconsumeTimes)
		}
		if string(got.Body) != "one book" || got.Flag != first.Flag || got.BornHost != first.BornHost || got.BornTimestamp != first.BornTimestamp || property(got, "UNIQ_KEY") != "k1" {
			t.Errorf("retry %d isn't a copy: %+v", times, got)
		}
		if property(got, "RETRY_TOPIC") != "orders" || property(got, "ORIGIN_MESSAGE_ID") != id {
			t.Errorf("retry %d: origin in %q, expected %s", times, got.Properties, id)
		}
		wish.LogOffset = got.LogOffset
	}
}

func TestASendBackGoesWhereItsSenderWants(t *testing.T) {
	f := newFixture(t, nil)
	f.makeGroup(t, nil)
	off := f.one(t, f.send(t, order()), 0).LogOffset
	for name, test := range map[string]struct {
		wish  SendBack
		level int // 0: a dead letter
	}{
		"to the dead letters":    {SendBack{Group: "shop", LogOffset: off, DelayLevel: -1, MaxReconsume: -1}, 0},
		"no tries at all":        {SendBack{Group: "shop", LogOffset: off, MaxReconsume: 0}, 0},
		"at a level":             {SendBack{Group: "shop", LogOffset: off, DelayLevel: 7, MaxReconsume: -1}, 7},
		"at a level too high":    {SendBack{Group: "shop", LogOffset: off, DelayLevel: 700, MaxReconsume: -1}, 18},
		"when its group says so": {SendBack{Group: "shop", LogOffset: off, MaxReconsume: -1}, 3},
	} {
		all, no := f.back(t, test.wish)
		if no != nil {
			t.Fatalf("%s: %+v", name, no)
		}
		if test.level > 0 {
			waitsFor(t, all[0], test.level, "%RETRY%shop", 0)
		} else if string(all[0].Topic) != "%DLQ%shop" || property(all[0], "DELAY") != "0" {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

func TestASendBackThatCannotBeIsRefused(t *testing.T) {
	f := newFixture(t, nil)
	f.makeGroup(t, nil)
	off := f.one(t, f.send(t, order()), 0).LogOffset
	for _, at := range []int64{-1, off + 1, 1 << 40} {
		if _, no := f.back(t, SendBack{Group: "shop", LogOffset: at}); no == nil || no.Reason != Failed {
			t.Errorf("log offset %d: %+v", at, no)
		}
	}
	f.Config.Load().AutoCreateGroup = false
	if _, no := f.back(t, SendBack{Group: "nobody", LogOffset: off}); no == nil || no.Reason != NoGroup {
		t.Errorf("no group: %+v", no)
	}
	f.Config.Load().BrokerPerm = meta.PermRead
	if _, no := f.back(t, SendBack{Group: "shop", LogOffset: off}); no == nil || no.Reason != NoPermission {
		t.Errorf("read-only: %+v", no)
	}
}

func TestAGroupThatWantsNoRetriesGetsNone(t *testing.T) {
	f := newFixture(t, nil)
	f.makeGroup(t, func(g *meta.GroupConfig) { g.RetryQueues = 0 })
	off := f.one(t, f.send(t, order()), 0).LogOffset
	end := f.store.Log.Max()
	if all, no := f.back(t, SendBack{Group: "shop", LogOffset: off}); no != nil || len(all) != 0 || f.store.Log.Max() != end {
		t.Errorf("%+v %+v", all, no)
	}
}
