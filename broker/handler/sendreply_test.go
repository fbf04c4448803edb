package handler_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

const replyTopic = "DefaultCluster_REPLY_TOPIC"

// asker is a producer that has sent a heartbeat and answers what it is asked.
func (f *fixture) asker(t testing.TB, id string, answer func(*remoting.Conn, *remoting.Command)) *remoting.Client {
	t.Helper()
	d := remoting.Dialer{Logger: slog.New(slog.DiscardHandler), OnRequest: answer}
	c, err := d.Dial(context.Background(), f.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	body := `{"clientID":"` + id + `","producerDataSet":[{"groupName":"askers"}],"consumerDataSet":[]}`
	r, err := c.Call(ctx, &remoting.Request{Code: remoting.CodeHeartBeat, Body: []byte(body)})
	if err != nil || r.Code != remoting.RespSuccess {
		t.Fatal(r, err)
	}
	return c
}

// replyFields are those of a reply to a client.
func replyFields(to string) remoting.Fields {
	f := sendFields(replyTopic, 0)
	props := record.AppendProperty(nil, record.PropCorrelationID, "c1")
	if to != "" {
		props = record.AppendProperty(props, record.PropReplyToClient, to)
	}
	f.Add("i", string(props))
	return f
}

func TestAReplyGoesToTheClientThatAsksAndIsStored(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	type pushed struct {
		fields remoting.Fields
		body   string
	}
	got := make(chan pushed, 10)
	f.asker(t, "asker", func(c *remoting.Conn, cmd *remoting.Command) {
		p := pushed{body: string(cmd.Body)}
		for _, x := range cmd.Fields {
			p.fields.Add(string(x.Key), string(x.Value))
		}
		got <- p
		c.Reply(cmd.Ticket(), remoting.RespSuccess, "").End()
		c.Flush()
	})
	c := f.dial(t)
	r := c.ok(t, remoting.CodeSendReplyMessageV2, replyFields("asker"), []byte("hello"))
	if n := number(t, r, "queueOffset"); n != 0 {
		t.Errorf("queue offset %d", n)
	}
	p := <-got
	if p.body != "hello" || p.fields.Str("topic") != replyTopic || p.fields.Str("producerGroup") != "PG" || p.fields.Str("bornTimestamp") != "1700000000000" {
		t.Errorf("pushed %q, %s", p.body, p.fields)
	}
	props := []byte(p.fields.Str("properties"))
	if v, _ := record.Property(props, record.PropCorrelationID); string(v) != "c1" {
		t.Errorf("properties %q", props)
	}
	if v, _ := record.Property(props, record.PropPushReplyTime); len(v) != 13 {
		t.Errorf("pushed at %q, expected ms since 1970", v)
	}
	f.arrive(t, replyTopic, 0, 0)

	// With long names, and without a body, which can't be stored.
	long := fields("producerGroup", "PG", "topic", replyTopic, "defaultTopic", "TBW102", "defaultTopicQueueNums", "4", "queueId", "0", "sysFlag", "0",
		"bornTimestamp", "1", "flag", "7", "properties", replyFields("asker").Str("i"), "reconsumeTimes", "0")
	r = c.ok(t, remoting.CodeSendReplyMessage, long, nil)
	if p = <-got; p.body != "" || p.fields.Str("flag") != "7" || r.Fields.Str("msgId") != "0" {
		t.Errorf("pushed %q, %s, answered %s", p.body, p.fields, r.Fields)
	}
}

func TestAReplyThatNobodyTakesIsAnError(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) { c.StoreReplies = false })
	f.asker(t, "sulky", func(c *remoting.Conn, cmd *remoting.Command) {
		c.Reply(cmd.Ticket(), remoting.RespSystemError, "no").End()
		c.Flush()
	})
	c := f.dial(t)
	for to, remark := range map[string]string{"": "REPLY_TO_CLIENT", "nobody": "<nobody> not found", "sulky": "sulky fail"} {
		r := c.fails(t, remoting.RespSystemError, remoting.CodeSendReplyMessageV2, replyFields(to), []byte("hello"))
		if !strings.Contains(r.Remark, remark) {
			t.Errorf("to %q: %q, expected %q in it", to, r.Remark, remark)
		}
	}
	wrong := replyFields("sulky")
	wrong.Add("b", "no such topic!")
	c.fails(t, remoting.RespInvalidParameter, remoting.CodeSendReplyMessageV2, wrong, []byte("hello"))
	if _, next := f.Store.Queue(replyTopic, 0).Bounds(); next != 0 {
		t.Errorf("%d replies are stored, expected none", next)
	}
}

func TestAClientThatHasGoneGetsNoReply(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	a := f.asker(t, "asker", func(*remoting.Conn, *remoting.Command) {})
	a.Close()
	c := f.dial(t)
	deadline := time.Now().Add(10 * time.Second)
	for {
		r := c.fails(t, remoting.RespSystemError, remoting.CodeSendReplyMessageV2, replyFields("asker"), []byte("hello"))
		if strings.Contains(r.Remark, "not found") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the client is known still: ", r.Remark)
		}
	}
}
