package handler_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
	"github.com/gantry-mq/gantry/commitlog/record"
)

type connection struct {
	ID       string `json:"clientId"`
	Addr     string `json:"clientAddr"`
	Language string `json:"language"`
	Version  int32  `json:"version"`
}

func TestConsumersAreShownAsTheyIntroducedThemselves(t *testing.T) {
	f, c := sells(t)
	c.fails(t, remoting.RespConsumerNotOnline, remoting.CodeGetConsumerConnectionList, fields("consumerGroup", "shop"), nil)
	f.consumer(t, "a", "shop", noAnswer)
	body := bodyOf[struct {
		Connections   []connection `json:"connectionSet"`
		Subscriptions map[string]struct {
			Expression string `json:"subString"`
		} `json:"subscriptionTable"`
		Type  string `json:"consumeType"`
		Model string `json:"messageModel"`
		From  string `json:"consumeFromWhere"`
	}](t, c.ok(t, remoting.CodeGetConsumerConnectionList, fields("consumerGroup", "shop"), nil))
	if body.Type != "CONSUME_PASSIVELY" || body.Model != "CLUSTERING" || body.From != "CONSUME_FROM_LAST_OFFSET" || body.Subscriptions["orders"].Expression != "*" {
		t.Errorf("%+v", body)
	}
	if len(body.Connections) != 1 || body.Connections[0].ID != "a" || body.Connections[0].Version != remoting.Version55 || !strings.HasPrefix(body.Connections[0].Addr, "127.0.0.1:") {
		t.Errorf("%+v", body.Connections)
	}
	contains(t, c.ok(t, remoting.CodeQuerySubscriptionByConsumer, fields("group", "shop", "topic", "orders"), nil).Body, `"subString":"*"`, `"tagsSet":[]`)
	equal(t, "no subscription", string(c.ok(t, remoting.CodeQuerySubscriptionByConsumer, fields("group", "shop", "topic", "none"), nil).Body), `{"group":"shop","topic":"none"}`)
}

func TestProducersAreListed(t *testing.T) {
	_, c := sells(t)
	r := c.fails(t, remoting.RespSystemError, remoting.CodeGetProducerConnectionList, fields("producerGroup", "p"), nil)
	equal(t, "remark", r.Remark, "the producer group[p] not exist")
	c.ok(t, remoting.CodeHeartBeat, nil, []byte(`{"clientID":"me","producerDataSet":[{"groupName":"p"}]}`))
	body := bodyOf[struct {
		Connections []connection `json:"connectionSet"`
	}](t, c.ok(t, remoting.CodeGetProducerConnectionList, fields("producerGroup", "p"), nil))
	if len(body.Connections) != 1 || body.Connections[0].ID != "me" {
		t.Errorf("%+v", body)
	}
	contains(t, c.ok(t, remoting.CodeGetAllProducerInfo, nil, nil).Body, `{"data":{"p":[{"clientId":"me","remoteIP":"127.0.0.1:`)
}

func TestRunningInfoIsTheConsumersOwnAnswer(t *testing.T) {
	f, c := sells(t)
	c.fails(t, remoting.RespSystemError, remoting.CodeGetConsumerRunningInfo, fields("consumerGroup", "shop", "clientId", "a"), nil)
	f.consumer(t, "a", "shop", func(conn *remoting.Conn, cmd *remoting.Command) {
		w := conn.Reply(cmd.Ticket(), 77, "remark of "+cmd.Fields.Str("clientId"))
		w.Str("jstack", cmd.Fields.Str("jstackEnable"))
		w.Body([]byte("the body"))
		w.End()
	})
	r := c.fails(t, 77, remoting.CodeGetConsumerRunningInfo, fields("consumerGroup", "shop", "clientId", "a", "jstackEnable", "true"), nil)
	if r.Remark != "remark of a" || r.Fields.Str("jstack") != "true" || string(r.Body) != "the body" {
		t.Errorf("%q %s %q", r.Remark, r.Fields, r.Body)
	}
}

func TestAConsumerMayAskForItself(t *testing.T) {
	f, _ := sells(t)
	a := f.consumer(t, "a", "shop", func(conn *remoting.Conn, cmd *remoting.Command) { conn.Reply(cmd.Ticket(), 0, "here").End() })
	c := &client{Client: a}
	if r := c.ok(t, remoting.CodeGetConsumerRunningInfo, fields("consumerGroup", "shop", "clientId", "a"), nil); r.Remark != "here" {
		t.Errorf("%q", r.Remark)
	}
}

func TestAMessageIsGivenToTheConsumerThatIsNamed(t *testing.T) {
	f, c := sells(t)
	sent := f.send(t, c, "orders", 2, "direct", "red", "k9")
	f.consumer(t, "a", "shop", func(conn *remoting.Conn, cmd *remoting.Command) {
		var r record.Record
		if err := record.Decode(cmd.Body, &r); err != nil {
			conn.Reply(cmd.Ticket(), 1, err.Error()).End()
			return
		}
		w := conn.Reply(cmd.Ticket(), 0, cmd.Fields.Str("brokerName")+" "+string(r.Body)+" "+cmd.Fields.Str("topicSysFlag")+cmd.Fields.Str("groupSysFlag"))
		w.End()
	})
	id, _, _ := strings.Cut(sent.Fields.Str("msgId"), ",")
	r := c.ok(t, remoting.CodeConsumeMessageDirectly, fields("consumerGroup", "shop", "clientId", "a", "topic", "orders", "msgId", id), nil)
	equal(t, "answer", r.Remark, "broker-a direct 00")
	c.fails(t, remoting.RespInvalidParameter, remoting.CodeConsumeMessageDirectly, fields("consumerGroup", "shop", "clientId", "a", "msgId", "zz"), nil)
	c.fails(t, remoting.RespSystemError, remoting.CodeConsumeMessageDirectly, fields("consumerGroup", "shop", "clientId", "a", "msgId", "7F00000100002A9F00000000000000FF"), nil)
}

func TestTheStatusOfAGroupIsThatOfThoseWhoAnswer(t *testing.T) {
	f, c := sells(t)
	c.fails(t, remoting.RespSystemError, remoting.CodeInvokeBrokerToGetConsumerStatus, fields("topic", "orders", "group", "shop"), nil)
	for id, body := range map[string]string{
		"a": `{"messageQueueTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:5}}`,
		"b": `{"messageQueueTable":{}}`, "c": `nonsense`,
	} {
		f.consumer(t, id, "shop", func(conn *remoting.Conn, cmd *remoting.Command) {
			w := conn.Reply(cmd.Ticket(), 0, "")
			w.Body([]byte(body))
			w.End()
		})
	}
	type status struct {
		Consumers map[string]map[fastjson.Key[queueName]]int64 `json:"consumerTable"`
	}
	all := bodyOf[status](t, c.ok(t, remoting.CodeInvokeBrokerToGetConsumerStatus, fields("topic", "orders", "group", "shop"), nil)).Consumers
	if len(all) != 2 || byQueue[int64](all["a"]).of("orders", 0) != 5 {
		t.Errorf("%v", all)
	}
	one := bodyOf[status](t, c.ok(t, remoting.CodeInvokeBrokerToGetConsumerStatus, fields("topic", "orders", "group", "shop", "clientAddr", "b"), nil)).Consumers
	if _, ok := one["b"]; !ok || len(one) != 1 {
		t.Errorf("%v", one)
	}
}

func TestAConsumerThatGoesInsteadOfAnsweringIsReported(t *testing.T) {
	f, c := sells(t)
	f.consumer(t, "a", "shop", func(conn *remoting.Conn, _ *remoting.Command) { conn.Close() })
	began := time.Now()
	r := c.fails(t, remoting.RespSystemError, remoting.CodeGetConsumerRunningInfo, fields("consumerGroup", "shop", "clientId", "a"), nil)
	if !strings.HasPrefix(r.Remark, "invoke consumer <shop> <a> Exception: ") || time.Since(began) > 5*time.Second {
		t.Errorf("%q after %v", r.Remark, time.Since(began))
	}
}
