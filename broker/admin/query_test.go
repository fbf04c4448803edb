package admin

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

func TestMessagesThatOnlyShareAHashAreLeftOut(t *testing.T) {
	c := newCluster(t, 2)
	c.brokers[0].says(remoting.CodeQueryMessage, answer{body: string(stored(t, 9, nil, 0, record.PropKeys, "k1 k2")) + string(stored(t, 8, nil, 0, record.PropKeys, "k11"))})
	c.brokers[1].says(remoting.CodeQueryMessage, answer{body: string(stored(t, 5, nil, 0, record.PropKeys, "k2 k1"))})
	list, err := c.client.FindMessages(t.Context(), MessageQuery{Where: Where{Topic: "orders"}, Key: "k1", Begin: 3, Max: 64})
	if err != nil {
		t.Fatal(err)
	}
	var offsets []int64
	for _, m := range list {
		offsets = append(offsets, m.QueueOffset)
	}
	equal(t, "found, by time", offsets, []int64{5, 9})
	equal(t, "request", c.brokers[0].got(), []string{"QUERY_MESSAGE _UNIQUE_KEY_QUERY=false beginTimestamp=3 endTimestamp=9223372036854775807 indexType=K key=k1 maxNum=64 topic=orders"})
	if _, err := c.client.FindMessages(t.Context(), MessageQuery{Where: Where{Topic: "other"}, Key: "k1"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("messages of another topic: %v", err)
	}
}

func TestTagsCanBeLookedFor(t *testing.T) {
	c := newCluster(t, 1)
	c.say(remoting.CodeQueryMessage, answer{body: string(stored(t, 9, nil, 0, record.PropTags, "a", record.PropKeys, "x")) + string(stored(t, 8, nil, 0, record.PropKeys, "a"))})
	list, err := c.client.FindMessages(t.Context(), MessageQuery{Where: Where{Topic: "orders"}, Key: "a", Kind: ByTag, LastKey: "l"})
	if err != nil || len(list) != 1 || list[0].QueueOffset != 9 {
		t.Errorf("%v, %v", list, err)
	}
	if got := c.brokers[0].got()[0]; !strings.Contains(got, "indexType=T") || !strings.Contains(got, "lastKey=l") {
		t.Error(got)
	}
}

func TestNothingInTheIndexIsNotFoundAndAFailureIsNot(t *testing.T) {
	c := newCluster(t, 2)
	c.say(remoting.CodeQueryMessage, answer{code: remoting.RespQueryNotFound, remark: "can not find message, maybe time range not correct"})
	if _, err := c.client.FindMessages(t.Context(), MessageQuery{Where: Where{Topic: "orders"}, Key: "k"}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	c.brokers[1].says(remoting.CodeQueryMessage, answer{code: remoting.RespSystemError, remark: "broken"})
	if _, err := c.client.FindMessages(t.Context(), MessageQuery{Where: Where{Topic: "orders"}, Key: "k"}); err == nil || errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	c.brokers[1].says(remoting.CodeQueryMessage, answer{body: "no record"})
	if _, err := c.client.FindMessages(t.Context(), MessageQuery{Where: Where{Topic: "orders"}, Key: "k"}); !errors.Is(err, record.ErrTruncated) && !errors.Is(err, record.ErrDamaged) {
		t.Error(err)
	}
}

// Both kinds of id are 32 hexadecimal digits.
func TestAMessageIsFoundByEitherOfItsIDs(t *testing.T) {
	c := newCluster(t, 1)
	const unique = "7F000001000071F5BDD29DC8F6C40000"
	rec := string(stored(t, 7, []byte("x"), 0, record.PropUniqKey, unique))
	b := c.brokers[0]
	b.on(remoting.CodeViewMessageByID, func(a asked) answer {
		if a.fields["offset"] != "1007" {
			return answer{code: remoting.RespSystemError, remark: "can not find message by the offset, " + a.fields["offset"]}
		}
		return answer{body: rec}
	})
	b.on(remoting.CodeQueryMessage, func(a asked) answer {
		if a.fields["indexType"] != "U" || a.fields["_UNIQUE_KEY_QUERY"] != "true" {
			return answer{code: remoting.RespSystemError}
		}
		return answer{body: rec}
	})
	host, portText, _ := net.SplitHostPort(b.addr)
	var port int
	fmt.Sscan(portText, &port)
	offsetID := func(offset int64) string {
		h := record.Host{Port: int32(port)}
		if err := h.IP.UnmarshalText([]byte(host)); err != nil {
			t.Fatal(err)
		}
		return string(record.AppendMessageID(nil, h, offset))
	}
	for _, id := range []string{unique, offsetID(1007)} {
		m, err := c.client.ViewMessage(t.Context(), Where{Topic: "orders"}, id)
		if err != nil || m.ID != unique {
			t.Errorf("%s: %+v, %v", id, m, err)
		}
	}
	for _, id := range []string{offsetID(8), "no id at all", "7F000001000071F5BDD29DC8F6C40001"} {
		if _, err := c.client.ViewMessage(t.Context(), Where{Topic: "orders"}, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestAConsumerIsMadeToConsumeByTheBrokerThatHasTheMessage(t *testing.T) {
	c := newCluster(t, 1)
	b := c.brokers[0]
	m := &Message{OffsetID: "OID", Topic: "orders", StoreHost: b.addr}
	for body, want := range map[string]ConsumeResult{
		`{"consumeResult":"CR_LATER","order":false,"spentTimeMills":3}`:                                     "CR_LATER", // Java
		`{"order":false,"autoCommit":true,"consumeResult":0,"remark":"","spentTimeMills":0}`:                "CR_SUCCESS",
		`{"order":false,"autoCommit":true,"consumeResult":"CR_RETURN_NULL","remark":"","spentTimeMills":0}`: "CR_RETURN_NULL",
	} {
		b.says(remoting.CodeConsumeMessageDirectly, answer{body: body})
		got, err := c.client.ConsumeDirectly(t.Context(), m, "g", "x@1")
		if err != nil || got.Result != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	equal(t, "request", b.got()[0], "CONSUME_MESSAGE_DIRECTLY clientId=x@1 consumerGroup=g msgId=OID topic=orders")
	b.says(remoting.CodeConsumeMessageDirectly, answer{body: `{"consumeResult":77}`})
	if _, err := c.client.ConsumeDirectly(t.Context(), m, "g", "x@1"); err == nil {
		t.Error("an unknown result is none")
	}
}
