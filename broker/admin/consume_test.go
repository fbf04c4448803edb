package admin

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// serves makes a broker have messages with offsets of min to max−1 in each queue, of which an answer has at most three.
func serves(t *testing.T, b *fake, min, max int64) {
	offset := func(n int64) answer { return answer{fields: map[string]string{"offset": strconv.FormatInt(n, 10)}} }
	b.says(remoting.CodeGetMinOffset, offset(min))
	b.says(remoting.CodeGetMaxOffset, offset(max))
	b.on(remoting.CodeSearchOffsetByTimestamp, func(a asked) answer {
		n, _ := strconv.ParseInt(a.fields["timestamp"], 10, 64)
		return offset(n) // message n was stored at n
	})
	b.on(remoting.CodePullMessage, func(a asked) answer {
		from, _ := strconv.ParseInt(a.fields["queueOffset"], 10, 64)
		n, _ := strconv.ParseInt(a.fields["maxMsgNums"], 10, 64)
		next := func(code int32, to int64, body string) answer {
			return answer{code: code, fields: map[string]string{"nextBeginOffset": strconv.FormatInt(to, 10)}, body: body}
		}
		switch {
		case from < min:
			return next(remoting.RespPullOffsetMoved, min, "")
		case from >= max:
			return next(remoting.RespPullNotFound, max, "")
		}
		var body []byte
		to := from
		for ; to < max && n > 0 && to < from+3; to, n = to+1, n-1 {
			body = append(body, stored(t, to, []byte("x"), 0)...)
		}
		return next(remoting.RespSuccess, to, string(body))
	})
}

func TestMessagesAreReadQueueByQueueWithinBounds(t *testing.T) {
	c := newCluster(t, 2)
	serves(t, c.brokers[0], 5, 15)
	serves(t, c.brokers[1], 0, 0)
	all := Consume{Topic: "orders", QueueID: -1, Offset: -1, Max: 100}
	read := func(change func(*Consume)) (offsets []int64) {
		w := all
		change(&w)
		if err := c.client.Consume(t.Context(), w, func(m *Message) error {
			offsets = append(offsets, m.QueueOffset)
			return nil
		}); err != nil {
			t.Error(err)
		}
		return offsets
	}
	both := read(func(*Consume) {})
	if len(both) != 20 || both[0] != 5 || both[9] != 14 || both[10] != 5 {
		t.Errorf("all: %v", both)
	}
	equal(t, "at most", read(func(w *Consume) { w.Max = 12 })[9:], []int64{14, 5, 6})
	equal(t, "one queue", read(func(w *Consume) { w.Broker, w.QueueID, w.Offset = "b0", 1, 13 }), []int64{13, 14})
	equal(t, "before the first", read(func(w *Consume) { w.Broker, w.QueueID, w.Offset, w.Max = "b0", 1, 2, 2 }), []int64{5, 6})
	equal(t, "behind the last", read(func(w *Consume) { w.Broker, w.QueueID, w.Offset = "b0", 1, 99 }), nil)
	equal(t, "by time", read(func(w *Consume) { w.Broker, w.QueueID, w.Begin, w.End = "b0", 0, 7, 9 }), []int64{7, 8})
	got := c.brokers[0].got(remoting.CodePullMessage)[0]
	if !strings.Contains(got, "commitOffset=0 consumerGroup=TOOLS_CONSUMER expressionType=TAG maxMsgNums=32") || !strings.Contains(got, "sysFlag=4") {
		t.Errorf("%s: a pull that commits, holds or has no subscription", got)
	}
	stop := errors.New("enough")
	if err := c.client.Consume(t.Context(), all, func(*Message) error { return stop }); err != stop {
		t.Error(err)
	}
	for _, w := range []Consume{{Topic: "orders", Broker: "none", QueueID: -1}, {Topic: "orders", Broker: "b0", QueueID: 7}} {
		if err := c.client.Consume(t.Context(), w, nil); !errors.Is(err, ErrNotFound) {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

func TestReadingEndsWhereABrokerGoesOnNowhere(t *testing.T) {
	c := newCluster(t, 1)
	serves(t, c.brokers[0], 0, 10)
	w := Consume{Topic: "orders", Broker: "b0", QueueID: 0, Offset: -1, Max: 100}
	for _, a := range []answer{
		{fields: map[string]string{"nextBeginOffset": "0"}, body: string(stored(t, 0, nil, 0))}, // messages, and the same place again
		{fields: map[string]string{"nextBeginOffset": "x"}},
		{fields: map[string]string{"nextBeginOffset": "1"}, body: "no record"},
		{code: remoting.RespNoPermission, remark: "no"},
	} {
		c.say(remoting.CodePullMessage, a)
		if err := c.client.Consume(t.Context(), w, func(*Message) error { return nil }); err == nil {
			t.Errorf("%+v: no error", a)
		}
	}
	for _, code := range []int32{remoting.RespPullNotFound, remoting.RespPullOffsetMoved, remoting.RespPullRetryImmediately} {
		c.say(remoting.CodePullMessage, answer{code: code, fields: map[string]string{"nextBeginOffset": "0"}})
		if err := c.client.Consume(t.Context(), w, func(*Message) error { return nil }); err != nil {
			t.Errorf("code %d: %v", code, err)
		}
	}
}
