package admin

import (
	"errors"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// twoClusters is what a name server says of two: one with a replica and with a broker that has lost its master.
const twoClusters = `{"brokerAddrTable":{
 "b":{"brokerAddrs":{1:"h:2",0:"h:1"},"brokerName":"b","cluster":"east","enableActingMaster":false},
 "a":{"brokerAddrs":{2:"h:3"},"brokerName":"a","cluster":"east"},
 "w":{"brokerAddrs":{0:"h:4"},"brokerName":"w","cluster":"west"}},
 "clusterAddrTable":{"east":["b","a"],"west":["w"]}}`

func TestATargetIsABrokerOrAClusterOrTheOnlyOne(t *testing.T) {
	f := newFake(t)
	f.says(remoting.CodeGetBrokerClusterInfo, answer{body: twoClusters})
	c := newClient(t, f.addr)
	for _, test := range []struct {
		target Target
		want   []Broker
		kind   error
		text   string
	}{
		{target: Target{Broker: "x:1"}, want: []Broker{{Addr: "x:1"}}},
		{target: Target{Broker: "b"}, want: []Broker{{"east", "b", 0, "h:1"}}},
		{target: Target{Cluster: "east"}, want: []Broker{{"east", "b", 0, "h:1"}}},
		{target: Target{Cluster: "east", Replicas: true}, want: []Broker{{"east", "a", 2, "h:3"}, {"east", "b", 0, "h:1"}, {"east", "b", 1, "h:2"}}},
		{target: Target{Broker: "a"}, kind: ErrNotFound, text: "broker a has no master"},
		{target: Target{Broker: "z"}, kind: ErrNotFound, text: `"z": there is a, b, w`},
		{target: Target{Cluster: "z"}, kind: ErrNotFound, text: `"z": there is east, west`},
		{target: Target{}, kind: ErrInput, text: "say which: east, west"},
	} {
		got, err := c.Brokers(t.Context(), test.target)
		if !errors.Is(err, test.kind) || err != nil && !strings.Contains(err.Error(), test.text) {
			t.Errorf("%+v: %v, expected %q", test.target, err, test.text)
		}
		equal(t, "brokers", got, test.want)
	}
	f.says(remoting.CodeGetBrokerClusterInfo, answer{body: `{"brokerAddrTable":{"w":{"brokerAddrs":{0:"h:4"},"brokerName":"w","cluster":"west"}},"clusterAddrTable":{"west":["w"]}}`})
	got, err := c.Brokers(t.Context(), Target{})
	if err != nil {
		t.Error(err)
	}
	equal(t, "the only cluster", got, []Broker{{"west", "w", 0, "h:4"}})
	f.says(remoting.CodeGetBrokerClusterInfo, answer{body: `{"brokerAddrTable":{},"clusterAddrTable":{}}`})
	if _, err := c.Brokers(t.Context(), Target{}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestAClusterListHasBrokersThatDontAnswer(t *testing.T) {
	c := newCluster(t, 2)
	c.brokers[0].says(remoting.CodeGetBrokerRuntimeInfo, answer{body: `{"table":{"putTps":"1.0 2.0 3.0"}}`})
	list, err := c.client.ClusterList(t.Context(), "")
	if err == nil || len(list) != 2 || list[0].Values["putTps"] != "1.0 2.0 3.0" || list[1].Values != nil || list[1].Name != "b1" {
		t.Errorf("%+v, %v", list, err)
	}
	if !strings.Contains(err.Error(), c.brokers[1].addr) {
		t.Errorf("the error doesn't name the broker: %v", err)
	}
	if _, err := c.client.ClusterList(t.Context(), "z"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
