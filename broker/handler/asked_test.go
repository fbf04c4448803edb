package handler_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// queueName is MessageQueue.
type queueName struct {
	Topic  string `json:"topic"`
	Broker string `json:"brokerName"`
	ID     int32  `json:"queueId"`
}

// byQueue is a map keyed by MessageQueue.
type byQueue[T any] map[fastjson.Key[queueName]]T

func (m byQueue[T]) of(topic string, id int32) T {
	return m[fastjson.Key[queueName]{Of: queueName{topic, "broker-a", id}}]
}

// sells starts a broker whose topic "orders" has two messages in queue 0 and one in queue 1, of which the group "shop" has consumed one.
func sells(t testing.TB) (*fixture, *client) {
	t.Helper()
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	f.send(t, c, "orders", 0, "m0", "red", "k0")
	f.send(t, c, "orders", 0, "m1", "blue", "k1")
	f.send(t, c, "orders", 1, "m2", "red", "k2")
	c.ok(t, remoting.CodeUpdateAndCreateSubscriptionGroup, nil, []byte(`{"groupName":"shop"}`))
	f.Offsets.Commit("shop", "orders", 0, 1)
	return f, c
}

// consumer is a client that has sent a heartbeat and answers what it is asked.
func (f *fixture) consumer(t testing.TB, id, group string, answer func(*remoting.Conn, *remoting.Command)) *remoting.Client {
	t.Helper()
	d := remoting.Dialer{Logger: slog.New(slog.DiscardHandler), OnRequest: func(c *remoting.Conn, cmd *remoting.Command) {
		if cmd.Code != remoting.CodeNotifyConsumerIDsChanged {
			answer(c, cmd)
		}
	}}
	c, err := d.Dial(context.Background(), f.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := c.Call(ctx, &remoting.Request{Code: remoting.CodeHeartBeat, Body: heartbeat(id, group)})
	if err != nil || r.Code != remoting.RespSuccess {
		t.Fatal(r, err)
	}
	return c
}

func noAnswer(*remoting.Conn, *remoting.Command) {}

// contains checks that a body has the pieces of text.
func contains(t testing.TB, body []byte, pieces ...string) {
	t.Helper()
	for _, p := range pieces {
		if !strings.Contains(string(body), p) {
			t.Errorf("no %s in\n%s", p, body)
		}
	}
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s\n got %s\nwant %s", what, g, w)
	}
}
