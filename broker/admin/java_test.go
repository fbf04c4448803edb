package admin

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/internal/peer"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// javaPatience bounds each single thing that is waited for.
const javaPatience = time.Minute

// soon tries until it works, for what another process does behind its answers.
func soon(t *testing.T, what string, try func() error) {
	t.Helper()
	for end := time.Now().Add(javaPatience); ; time.Sleep(50 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not after %v: %s: %v", javaPatience, what, err)
		}
	}
}

// javaScenario is a test of everything in turn, on one broker.
type javaScenario struct {
	*testing.T
	c      *Client
	broker string
}

func TestRocketMQIsOperatedLikeGantry(t *testing.T) {
	java := peer.Need(t)
	namesrv := java.Namesrv(t)
	_, broker := java.Broker(t, "java-a", namesrv)
	s := javaScenario{t, newClient(t, namesrv), broker}
	soon(t, "the broker has registered", func() error { _, err := s.c.Brokers(t.Context(), Target{}); return err })
	s.topics()
	s.messages()
	s.groups()
	s.brokers()
	s.deletions()
}

// ok ends the test unless there is no error.
func (s javaScenario) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s javaScenario) topics() {
	ctx := s.Context()
	topic := meta.NewTopic("orders", 4)
	topic.Attributes = map[string]string{"+message.type": "NORMAL"}
	done, err := s.c.PutTopic(ctx, Target{Cluster: "DefaultCluster"}, topic)
	s.ok(err)
	equal(s.T, "brokers", done, []Broker{{"DefaultCluster", "java-a", 0, s.broker}})
	topic.Attributes = map[string]string{"+message.type": "SOMETHING"}
	if _, err := s.c.PutTopic(ctx, Target{Broker: s.broker}, topic); err == nil || errors.Is(err, ErrNotFound) {
		s.Errorf("an attribute that makes no sense: %v", err)
	}
	ordered := meta.NewTopic("ordered", 2)
	ordered.Order = true
	_, err = s.c.PutTopic(ctx, Target{Broker: s.broker}, ordered)
	s.ok(err)
	queues, err := s.c.orderConf(ctx, "ordered")
	s.ok(err)
	equal(s.T, "order", queues, map[string]string{"java-a": "2"})
	soon(s.T, "the name server knows the topics", func() error {
		_, err := s.c.Route(ctx, "ordered")
		return err
	})
	route, err := s.c.Route(ctx, "orders")
	s.ok(err)
	equal(s.T, "queues", route.Queues, []RouteQueues{{"java-a", 4, 4, 6, 0}})
	if _, err := s.c.TopicStatus(ctx, Where{Topic: "none"}); !errors.Is(err, ErrNotFound) {
		s.Error(err)
	}
}

func (s javaScenario) messages() {
	ctx := s.Context()
	orders := Where{Topic: "orders"}
	sent, err := s.c.Send(ctx, Outgoing{Topic: "orders", Body: []byte("hello"), Tags: "new", Keys: "k1 k2", Broker: "java-a", QueueID: 2})
	s.ok(err)
	if sent.Status != "SEND_OK" || sent.QueueID != 2 || sent.QueueOffset != 0 {
		s.Errorf("%+v", sent)
	}
	soon(s.T, "the message is in the index", func() error {
		_, err := s.c.FindMessages(ctx, MessageQuery{Where: orders, Key: "k2", Max: 10})
		return err
	})
	for _, id := range []string{sent.ID, sent.OffsetID} {
		m, err := s.c.ViewMessage(ctx, orders, id)
		s.ok(err)
		if m.ID != sent.ID || m.OffsetID != sent.OffsetID || m.Body != "hello" || m.Tags() != "new" || m.QueueID != 2 {
			s.Errorf("%s: %+v", id, m)
		}
	}
	if _, err := s.c.FindMessages(ctx, MessageQuery{Where: orders, Key: "k3", Max: 10}); !errors.Is(err, ErrNotFound) {
		s.Error(err)
	}
	if _, err := s.c.ViewMessage(ctx, orders, sent.OffsetID[:16]+"0000000000ABCDEF"); !errors.Is(err, ErrNotFound) {
		s.Error(err)
	}
	n := 0
	s.ok(s.c.Consume(ctx, Consume{Topic: "orders", QueueID: -1, Offset: -1, Max: 10}, func(m *Message) error {
		n++
		equal(s.T, "read", m.Body, "hello")
		return nil
	}))
	status, err := s.c.TopicStatus(ctx, orders)
	s.ok(err)
	if n != 1 || len(status.Queues) != 4 || status.Queues[2].Max != 1 || status.Queues[2].LastUpdated == 0 {
		s.Errorf("%d read; %+v", n, status)
	}
}

// groups has a client that only says that it is one.
func (s javaScenario) groups() {
	ctx := s.Context()
	g := meta.NewGroup("billing")
	g.Retry = meta.RetryPolicy{Type: meta.RetryExponential, Exponential: &meta.ExponentialRetry{Initial: 1000, Max: 5000, Multiplier: 2}}
	_, err := s.c.PutGroup(ctx, Target{}, g)
	s.ok(err)
	if _, err := s.c.Progress(ctx, ProgressQuery{Group: "billing"}); !errors.Is(err, ErrNotFound) {
		s.Errorf("a group that has not consumed anything: %v", err)
	}
	member, err := remoting.Dial(ctx, s.broker)
	s.ok(err)
	defer member.Close()
	beat := `{"clientID":"10.1.2.3@4","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"billing","messageModel":"CLUSTERING","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[],"expressionType":"TAG","subString":"*","subVersion":1,"tagsSet":[],"topic":"orders"}],"unitMode":false}],"heartbeatFingerprint":0,"producerDataSet":[{"groupName":"shop"}],"withoutSub":false}`
	_, err = member.Call(ctx, &remoting.Request{Code: remoting.CodeHeartBeat, Body: []byte(beat)})
	s.ok(err)
	s.ok(s.c.commit(ctx, s.broker, "billing", Queue{Topic: "orders", ID: 2}, 1))
	soon(s.T, "the name server knows the topic for retries", func() error { _, err := s.c.Route(ctx, retryTopic("billing")); return err })

	conn, err := s.c.ConsumerConnection(ctx, "billing", "")
	s.ok(err)
	if len(conn.Connections) != 1 || conn.Connections[0].ClientID != "10.1.2.3@4" || conn.Subscriptions["orders"].Expression != "*" || conn.Model != "CLUSTERING" {
		s.Errorf("%+v", conn)
	}
	producers, err := s.c.ProducerConnection(ctx, "shop", "orders")
	s.ok(err)
	equal(s.T, "producers", len(producers.Connections), 1)
	if _, err := s.c.ProducerConnection(ctx, "nobody", "orders"); !errors.Is(err, ErrNotFound) {
		s.Error(err)
	}
	p, err := s.c.Progress(ctx, ProgressQuery{Group: "billing", Topic: "orders"})
	s.ok(err)
	if p.Diff != 0 || len(p.Queues) != 4 || p.Queues[2].ConsumerOffset != 1 {
		s.Errorf("%+v", p)
	}
	all, err := s.c.AllProgress(ctx)
	s.ok(err)
	equal(s.T, "groups", fmt.Sprintf("%d %s %d", len(all), all[0].Group, all[0].Clients), "1 billing 1")
	uses, err := s.c.TopicUses(ctx)
	s.ok(err)
	for _, u := range uses {
		if u.Topic == "orders" {
			equal(s.T, "use", u, TopicUse{"orders", []string{"DefaultCluster"}, []string{"billing"}})
		}
	}
	offsets, err := s.c.ResetOffsets(ctx, Reset{Group: "billing", Topic: "orders", Time: 0, QueueID: -1})
	s.ok(err)
	equal(s.T, "offsets", offsets, []ResetOffset{
		{Queue{"orders", "java-a", 0}, 0}, {Queue{"orders", "java-a", 1}, 0}, {Queue{"orders", "java-a", 2}, 0}, {Queue{"orders", "java-a", 3}, 0},
	})
	_, err = s.c.ResetOffsets(ctx, Reset{Group: "billing", Topic: "orders", Broker: s.broker, QueueID: 2, Offset: -1, Time: Latest})
	s.ok(err)
	p, err = s.c.Progress(ctx, ProgressQuery{Group: "billing", Topic: "orders"})
	s.ok(err)
	equal(s.T, "behind", p.Diff, 0)
}

func (s javaScenario) brokers() {
	ctx := s.Context()
	list, err := s.c.ClusterList(ctx, "")
	s.ok(err)
	if len(list) != 1 || list[0].Values["brokerVersionDesc"] != "V5_5_0" || list[0].Values["putTps"] == "" {
		s.Errorf("%+v", list)
	}
	_, err = s.c.SetBrokerConfig(ctx, Target{Cluster: "DefaultCluster"}, "autoCreateTopicEnable", "false")
	s.ok(err)
	list, err = s.c.BrokerConfig(ctx, Target{Broker: "java-a"})
	s.ok(err)
	if len(list) != 1 || list[0].Values["autoCreateTopicEnable"] != "false" || list[0].Values["brokerName"] != "java-a" {
		s.Errorf("%+v", list)
	}
}

func (s javaScenario) deletions() {
	ctx := s.Context()
	_, err := s.c.DeleteGroup(ctx, Target{}, "billing", true)
	s.ok(err)
	_, err = s.c.DeleteTopic(ctx, "DefaultCluster", "orders")
	s.ok(err)
	for _, topic := range []string{"orders", retryTopic("billing")} {
		if _, err := s.c.Route(ctx, topic); !errors.Is(err, ErrNotFound) {
			s.Errorf("%s: %v", topic, err)
		}
	}
}
