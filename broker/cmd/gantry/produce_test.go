package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

func TestTheGoClientCreatesAndDeletesATopic(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	queues := runClient(t, s, "topic queues", "-topic", topic).all("queue")
	if len(queues) != 4 {
		t.Fatalf("queues %+v, expected 4", queues)
	}
	listed := func() bool {
		for _, e := range runClient(t, s, "topic list").all("topic") {
			if e.Topic == topic {
				return true
			}
		}
		return false
	}
	if !listed() {
		t.Error("the name server doesn't list the topic")
	}
	runClient(t, s, "send", "-topic", topic, "-count", "8")
	runClient(t, s, "topic delete", "-topic", topic)
	if listed() {
		t.Error("the name server lists the topic after its deletion")
	}
	newTopic(t, s)
	for q, messages := range stored(t, s, topic) {
		if len(messages) != 0 {
			t.Errorf("queue %d of the topic's next life has %d messages of the last one", q, len(messages))
		}
	}
}

func TestEveryWayOfSendingStoresEachMessageOnce(t *testing.T) {
	for _, mode := range []string{"sync", "async", "oneway", "batch"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := shared(t)
			topic := newTopic(t, s)
			const count = 200
			send := runClient(t, s, "send", "-topic", topic, "-count", itoa(count), "-mode", mode, "-workers", "4", "-tags", "a,b", "-report")
			if sent := send.last("done").Sent; sent != count {
				t.Fatalf("%d messages sent, expected %d", sent, count)
			}
			seen := map[int64]event{}
			eventually(t, "all messages stored", func() bool {
				seen = map[int64]event{}
				for _, queue := range stored(t, s, topic) {
					for _, e := range queue {
						if old, twice := seen[e.Number]; twice {
							t.Fatalf("message %d is stored twice: %+v, %+v", e.Number, old, e)
						}
						if want := []string{"a", "b"}[e.Number%2]; e.Tag != want {
							t.Fatalf("message %d has the tag %q, expected %q", e.Number, e.Tag, want)
						}
						seen[e.Number] = e
					}
				}
				return len(seen) >= count || mode != "oneway"
			})
			for n := range int64(count) {
				if _, ok := seen[n]; !ok {
					t.Errorf("message %d is missing", n)
				}
			}
			for _, ack := range send.all("sent") {
				if e := seen[ack.Number]; e.Queue != ack.Queue || e.QueueOffset != ack.QueueOffset {
					t.Errorf("message %d was acknowledged at %d/%d and stands at %d/%d", ack.Number, ack.Queue, ack.QueueOffset, e.Queue, e.QueueOffset)
				}
			}
		})
	}
}

// eventually tries until ok, for what no event tells.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after %v: %s", patience, what)
		}
	}
}

func TestBodiesThatTheClientCompressesComeBackWhole(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	runClient(t, s, "send", "-topic", topic, "-count", "20", "-size", "100000")
	consumer(t, s, topic, topic, "-want", "20").finish(t, patience)
}

func TestAMessageIsFoundByIDByKeyAndByUniqueKey(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	sent := runClient(t, s, "send", "-topic", topic, "-count", "3", "-report").all("sent")
	broker := dial(t, s.addr["broker"])
	check := func(how string, r *remoting.Response, want event) {
		t.Helper()
		var m record.Record
		if r.Code != remoting.RespSuccess {
			t.Fatalf("%s: code %d, %s", how, r.Code, r.Remark)
		}
		if err := record.Decode(r.Body, &m); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		unique, _ := record.Property(m.Properties, record.PropUniqKey)
		if string(unique) != want.MsgID || string(m.Topic) != topic || m.QueueOffset != want.QueueOffset {
			t.Errorf("%s found %s at %s/%d/%d, expected %s", how, unique, m.Topic, m.QueueID, m.QueueOffset, want.MsgID)
		}
		if int(m.Size) != len(r.Body) {
			t.Errorf("%s found %d bytes, of which the first record has %d", how, len(r.Body), m.Size)
		}
	}
	for _, e := range sent {
		_, off, err := record.ParseMessageID(e.OffsetMsgID)
		if err != nil {
			t.Fatal(err)
		}
		check("the id", broker.call(t, remoting.CodeViewMessageByID, map[string]string{"offset": itoa(off), "topic": topic}, nil), e)
		query := map[string]string{"topic": topic, "key": "k" + itoa(e.Number), "maxNum": "10", "beginTimestamp": "0", "endTimestamp": itoa(time.Now().Add(time.Hour).UnixMilli())}
		eventually(t, "the key in the index", func() bool {
			return broker.call(t, remoting.CodeQueryMessage, query, nil).Code == remoting.RespSuccess
		})
		check("the key", broker.call(t, remoting.CodeQueryMessage, query, nil), e)
		query["key"], query["_UNIQUE_KEY_QUERY"] = e.MsgID, "true"
		check("the unique key", broker.call(t, remoting.CodeQueryMessage, query, nil), e)
	}
	r := broker.call(t, remoting.CodeViewMessageByID, map[string]string{"offset": "999999999999", "topic": topic}, nil)
	if r.Code != remoting.RespSystemError {
		t.Errorf("an id of no message: code %d, expected %d", r.Code, remoting.RespSystemError)
	}
}

func TestTracesOfTheClientAreStoredAndFound(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	sent := runClient(t, s, "send", "-topic", topic, "-count", "3", "-trace", "-report", "-interval", "300ms").all("sent")
	broker := dial(t, s.addr["broker"])
	query := map[string]string{"topic": "RMQ_SYS_TRACE_TOPIC", "key": sent[0].MsgID, "maxNum": "10", "beginTimestamp": "0", "endTimestamp": itoa(time.Now().Add(time.Hour).UnixMilli())}
	var r *remoting.Response
	eventually(t, "a trace of the message", func() bool {
		r = broker.call(t, remoting.CodeQueryMessage, query, nil)
		return r.Code == remoting.RespSuccess
	})
	if !bytes.Contains(r.Body, []byte(sent[0].MsgID)) || !bytes.Contains(r.Body, []byte(topic)) {
		t.Errorf("the trace doesn't speak of message %s of %s: %q", sent[0].MsgID, topic, r.Body)
	}
}
