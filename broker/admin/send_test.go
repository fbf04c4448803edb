package admin

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// stores makes a broker take messages.
func stores(b *fake) {
	b.on(remoting.CodeSendMessageV2, func(a asked) answer {
		return answer{fields: map[string]string{"msgId": "OID", "queueId": a.fields["e"], "queueOffset": "42"}}
	})
}

func TestAMessageIsSentWithAllItsFields(t *testing.T) {
	c := newCluster(t, 2)
	stores(c.brokers[1])
	sent, err := c.client.Send(t.Context(), Outgoing{Topic: "orders", Body: []byte("hello"), Tags: "a", Keys: "k1 k2", Properties: map[string]string{"p": "q"}, Broker: "b1", QueueID: 1})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "sent", *sent, Sent{sent.ID, "OID", "orders", "b1", 1, 42, "SEND_OK"})
	a := c.brokers[1].first(t, remoting.CodeSendMessageV2)
	equal(t, "properties", record.ParseMap([]byte(a.fields["i"])), map[string]string{"KEYS": "k1 k2", "TAGS": "a", "UNIQ_KEY": sent.ID, "WAIT": "true", "p": "q"})
	delete(a.fields, "i")
	delete(a.fields, "g") // the time
	equal(t, "request", a.String(), "SEND_MESSAGE_V2 a=CLIENT_INNER_PRODUCER b=orders c=TBW102 d=4 e=1 f=0 h=0 j=0 k=false m=false n=b1 | hello")
	if len(c.brokers[0].got()) > 0 {
		t.Error("another broker was asked")
	}
}

func TestMessagesAreSpreadOverTheQueues(t *testing.T) {
	c := newCluster(t, 2)
	for _, b := range c.brokers {
		stores(b)
	}
	seen := map[string]bool{}
	for range 200 {
		sent, err := c.client.Send(t.Context(), Outgoing{Topic: "orders", QueueID: -1})
		if err != nil {
			t.Fatal(err)
		}
		seen[sent.Broker+"/"+string(rune('0'+sent.QueueID))] = true
	}
	equal(t, "queues", slices.Sorted(maps.Keys(seen)), []string{"b0/0", "b0/1", "b1/0", "b1/1"})
}

func TestATopicThatIsntThereIsSentToWhereItWouldBeCreated(t *testing.T) {
	c := newCluster(t, 1)
	stores(c.brokers[0])
	c.miss("new")
	if _, err := c.client.Send(t.Context(), Outgoing{Topic: "new", QueueID: -1}); err != nil {
		t.Fatal(err)
	}
	c.miss("TBW102")
	if _, err := c.client.Send(t.Context(), Outgoing{Topic: "new", QueueID: -1}); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `"new"`) {
		t.Errorf("where no broker creates topics: %v", err)
	}
}

func TestOtherWaysToStoreAreToldApartFromFailures(t *testing.T) {
	c := newCluster(t, 1)
	out := Outgoing{Topic: "orders", QueueID: -1}
	c.say(remoting.CodeSendMessageV2, answer{code: remoting.RespFlushDiskTimeout, fields: map[string]string{"queueId": "1", "queueOffset": "2"}})
	if sent, err := c.client.Send(t.Context(), out); err != nil || sent.Status != "FLUSH_DISK_TIMEOUT" || sent.QueueOffset != 2 {
		t.Errorf("%+v, %v", sent, err)
	}
	c.say(remoting.CodeSendMessageV2, answer{code: remoting.RespMessageIllegal, remark: "too large"})
	if sent, err := c.client.Send(t.Context(), out); err == nil || sent != nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%+v, %v", sent, err)
	}
	for _, out := range []Outgoing{{Topic: "orders", Broker: "none", QueueID: -1}, {Topic: "orders", Broker: "b0", QueueID: 9}} {
		if _, err := c.client.Send(t.Context(), out); !errors.Is(err, ErrNotFound) {
			t.Errorf("%+v: %v", out, err)
		}
	}
	for _, out := range []Outgoing{{Topic: "a b"}, {Topic: "orders", Keys: "a\x01b"}, {Topic: "orders", Tags: "a\x02b"}} {
		if _, err := c.client.Send(t.Context(), out); !errors.Is(err, ErrInput) {
			t.Errorf("%+v: %v", out, err)
		}
	}
}

func TestACopyKeepsWhatTheApplicationGaveTheMessage(t *testing.T) {
	c := newCluster(t, 1)
	stores(c.brokers[0])
	m := Message{Topic: "orders", Properties: map[string]string{"TAGS": "a", "KEYS": "k", "UNIQ_KEY": "old", "CLUSTER": "c", "color": "red"}}
	m.setBody([]byte{0xff})
	sent, err := c.client.Resend(t.Context(), &m)
	if err != nil {
		t.Fatal(err)
	}
	a := c.brokers[0].first(t, remoting.CodeSendMessageV2)
	equal(t, "properties", record.ParseMap([]byte(a.fields["i"])), map[string]string{"KEYS": "k", "TAGS": "a", "UNIQ_KEY": sent.ID, "WAIT": "true", "color": "red"})
	if a.body != "\xff" || m.Properties["UNIQ_KEY"] != "old" {
		t.Errorf("body %q, original %v", a.body, m.Properties)
	}
}

func TestUniqueIDsAreUniqueAndCarryTheirTime(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 5e6, time.UTC)
	seen := map[string]bool{}
	for range 1000 {
		id := newUniqueID(now)
		if len(id) != 32 || id[20:28] != "7DBDF105" { // 24 d 10 h and 5 ms
			t.Fatal(id)
		}
		seen[id] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d of 1000 are different", len(seen))
	}
}
