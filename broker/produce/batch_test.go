package produce

import (
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/record"
)

func batchRequest(topic string, items ...item) *Request {
	r := order()
	r.Topic, r.Batch, r.Body = []byte(topic), true, batchOf(items...)
	return r
}

func TestABatchBecomesOneRecordPerMessageWithItsOwnPropertiesAlone(t *testing.T) {
	f := newFixture(t, nil)
	r := batchRequest("orders",
		item{"one", string(props("UNIQ_KEY", "a"))}, item{"two", string(props("UNIQ_KEY", "b", "POP_CK", "forged"))}, item{"", ""})
	all := f.all(t, f.send(t, r), 0)
	if len(all) != 3 {
		t.Fatalf("%d records", len(all))
	}
	for i, want := range []struct{ body, key string }{{"one", "a"}, {"two", "b"}, {"", ""}} {
		got := all[i]
		if string(got.Body) != want.body || property(got, "UNIQ_KEY") != want.key || got.Flag != 3 || got.QueueOffset != int64(i) || got.BornHost != r.BornHost {
			t.Errorf("message %d: %+v", i, got)
		}
		for _, name := range []string{"CLUSTER", "MSG_REGION", "POP_CK"} {
			if v := property(got, name); v != "" {
				t.Errorf("message %d has %s=%s", i, name, v)
			}
		}
	}
}

func TestABatchIsStoredWholeOrNotAtAll(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.store.Log.CRCProperty = true })
	// An item's properties fit, and those of its record, with the CRC, don't.
	long := string(props("X", strings.Repeat("x", record.MaxPropertiesLen-5)))
	for name, r := range map[string]*Request{
		"a message's properties are too long": batchRequest("orders", item{"one", ""}, item{"two", long}, item{"three", ""}),
		"a message waits":                     batchRequest("orders", item{"one", ""}, item{"two", string(props("DELAY", "2"))}),
		"a message is half":                   batchRequest("orders", item{"one", ""}, item{"two", string(props("TRAN_MSG", "true"))}),
		"a message is an inner batch":         batchRequest("orders", item{"one", ""}, item{"two", string(props("INNER_NUM", "2"))}),
		"it is empty":                         batchRequest("orders"),
		"it is cut":                           cut(batchRequest("orders", item{"one", ""}, item{"two", ""})),
		"it is too large":                     batchRequest("orders", item{strings.Repeat("x", 3<<20), ""}, item{strings.Repeat("x", 1<<20), ""}),
		"it is for a retry topic":             batchRequest("%RETRY%shop", item{"one", ""}),
	} {
		t.Run(name, func(t *testing.T) {
			no := f.refusal(t, r)
			if no.Reason != IllegalMessage && no.Reason != NotSupported {
				t.Errorf("%d %s", no.Reason, no.Remark)
			}
		})
	}
	if got := f.one(t, f.send(t, order()), 0); got.QueueOffset != 0 {
		t.Errorf("the refused batches left a gap of %d queue offsets", got.QueueOffset)
	}
}

func cut(r *Request) *Request {
	r.Body = r.Body[:len(r.Body)-1]
	return r
}

func TestABatchForATopicOfInnerBatchesIsOneRecord(t *testing.T) {
	f := newFixture(t, nil)
	r := batchRequest("batches", item{"one", ""}, item{"two", ""}, item{"three", ""})
	b := f.send(t, r, r)
	first, second := f.one(t, b, 0), f.one(t, b, 1)
	if first.SysFlag != record.SysInnerBatch|record.SysNeedUnwrap || string(first.Body) != string(r.Body) {
		t.Errorf("stored %+v", first)
	}
	for _, test := range []struct {
		got  record.Record
		base string
	}{{first, "0"}, {second, "3"}} {
		if property(test.got, "INNER_NUM") != "3" || property(test.got, "INNER_BASE") != test.base {
			t.Errorf("properties %q, expected 3 from %s on", test.got.Properties, test.base)
		}
	}
	if second.QueueOffset != 3 {
		t.Errorf("the second batch has queue offset %d, expected 3", second.QueueOffset)
	}

	r.Properties = nil
	if all := f.all(t, f.send(t, r), 0); len(all) != 3 || all[0].SysFlag != 0 {
		t.Errorf("without a unique key: %d records, the first with flag %x", len(all), all[0].SysFlag)
	}
}

func TestAnInnerBatchHasAsManyMessagesAsItsCounterCanCount(t *testing.T) {
	f := newFixture(t, nil)
	if no := f.refusal(t, batchRequest("batches", make([]item, 32768)...)); no.Reason != IllegalMessage {
		t.Errorf("%d %s", no.Reason, no.Remark)
	}
}

func TestABatchGivesTheMemoryOfAHugeRequestBack(t *testing.T) {
	f := newFixture(t, nil)
	b := f.send(t, batchRequest("orders", make([]item, 2*keptDrafts)...))
	b.Reset()
	if cap(b.drafts) > keptDrafts {
		t.Errorf("room for %d drafts is kept", cap(b.drafts))
	}
}
