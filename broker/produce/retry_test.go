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

func TestAMessageThatAConsumerRetriesIsReadAtOnceAndInTheEndADeadLetter(t *testing.T) {
	f := newFixture(t, nil)
	f.makeGroup(t, nil)
	own := retryOf(3)
	own.MaxReconsume = 5
	b := f.send(t, retryOf(1), retryOf(2), retryOf(3), own)
	for i, topic := range []string{"%RETRY%shop", "%RETRY%shop", "%DLQ%shop", "%RETRY%shop"} {
		got := f.one(t, b, i)
		if string(got.Topic) != topic || got.QueueID != 0 {
			t.Errorf("send %d went to %s/%d, expected %s", i, got.Topic, got.QueueID, topic)
		}
		if dead := topic == "%DLQ%shop"; dead && (property(got, "DLQ_ORIGIN_TOPIC") != "orders" || property(got, "DLQ_ORIGIN_MESSAGE_ID") != "ID1") {
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
	f.Config.AutoCreateGroup = false
	for _, topic := range []string{"%RETRY%shop", "%DLQ%shop"} {
		r := order()
		r.Topic = []byte(topic)
		if no := f.refusal(t, r); no.Reason != NoGroup {
			t.Errorf("%s: %+v", topic, no)
		}
	}
	f.Config.AutoCreateGroup = true
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
		topic string
	}{
		"to the dead letters":   {SendBack{Group: "shop", LogOffset: off, DelayLevel: -1, MaxReconsume: -1}, "%DLQ%shop"},
		"no tries at all":       {SendBack{Group: "shop", LogOffset: off, MaxReconsume: 0}, "%DLQ%shop"},
		"a delay is not waited": {SendBack{Group: "shop", LogOffset: off, DelayLevel: 7, MaxReconsume: -1}, "%RETRY%shop"},
	} {
		if all, no := f.back(t, test.wish); no != nil || string(all[0].Topic) != test.topic {
			t.Errorf("%s: %+v %+v", name, all, no)
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
	f.Config.AutoCreateGroup = false
	if _, no := f.back(t, SendBack{Group: "nobody", LogOffset: off}); no == nil || no.Reason != NoGroup {
		t.Errorf("no group: %+v", no)
	}
	f.Config.BrokerPerm = meta.PermRead
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
