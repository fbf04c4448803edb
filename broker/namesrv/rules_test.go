package namesrv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestTopicsOfUnitsAreListed(t *testing.T) {
	n := newNamesrv(t, Options{})
	r := topics(1, "plain", "unit", "sub", "both")
	for i, flag := range []int32{0, flagUnit, flagUnitSub, flagUnit | flagUnitSub} {
		r.Topics[i].SysFlag = flag
	}
	register(t, n, brokerA, r)
	p := dial(t, listen(t, n))
	p.want(remoting.RespSuccess, `{"topicList":["both","unit"]}`, remoting.CodeGetUnitTopicList, nil)
	p.want(remoting.RespSuccess, `{"topicList":["both","sub"]}`, remoting.CodeGetHasUnitSubTopicList, nil)
	p.want(remoting.RespSuccess, `{"topicList":["sub"]}`, remoting.CodeGetHasUnitSubUnUnitTopicList, nil)
}

func TestAClientOfAZoneGetsItsBrokersAndThoseWithoutAMaster(t *testing.T) {
	n := newNamesrv(t, Options{})
	for _, b := range []Broker{
		{Cluster: "c", Name: "here", Addr: "1:1", Zone: "Z"}, {Cluster: "c", Name: "there", Addr: "2:1", Zone: "y"},
		{Cluster: "c", Name: "orphan", ID: 1, Addr: "3:1", Zone: "y"},
	} {
		register(t, n, b, topics(1, "orders", "other"))
	}
	p := dial(t, listen(t, n))
	names := func(fields ...string) string {
		t.Helper()
		body := p.do(remoting.CodeGetRouteInfoByTopic, nil, append(fields, "topic=orders")...).Body
		var found []string
		for _, b := range []string{"here", "there", "orphan"} {
			if got := strings.Count(string(body), `"brokerName":"`+b+`"`); got == 2 { // its queues and its addresses
				found = append(found, b)
			} else if got != 0 {
				t.Errorf("%s is half there: %s", b, body)
			}
		}
		return strings.Join(found, " ")
	}
	for want, fields := range map[string][]string{
		"here orphan":       {"__ZONE_MODE=true", "__ZONE_NAME=z"},
		"here there orphan": {"__ZONE_MODE=true", "__ZONE_NAME= "},
		"orphan":            {"__ZONE_MODE=true", "__ZONE_NAME=none"},
	} {
		if got := names(fields...); got != want {
			t.Errorf("%v: brokers %s, %s expected", fields, got, want)
		}
	}
	if got := names("__ZONE_NAME=z"); got != "here there orphan" {
		t.Errorf("without zone mode: %s", got)
	}
}

func TestAReplicaStandsInForItsMasterInRoutesIfThatIsAllowed(t *testing.T) {
	for _, c := range []struct {
		rule, broker bool
		topic        string
		want         int64
	}{
		{true, true, "orders", 0}, {false, true, "orders", 2}, {true, false, "orders", 2}, {true, true, memberTopics + "a", 2},
	} {
		n := newNamesrv(t, Options{Rules: Rules{ActingMaster: c.rule}})
		master := brokerA
		master.ActingMaster = c.broker
		replica := Broker{Cluster: "c", Name: "a", ID: 2, Addr: "r:1", ActingMaster: c.broker}
		register(t, n, master, topics(1, c.topic, "other"))
		register(t, n, replica, topics(1, c.topic, "other"))
		n.Unregister(master)
		if got := slices.Collect(maps.Keys(route(t, n, c.topic).Brokers[0].Addrs)); !slices.Equal(got, []int64{c.want}) {
			t.Errorf("%+v: ids %v", c, got)
		}
		register(t, n, master, topics(2, c.topic, "other"))
		if got := route(t, n, c.topic).Brokers[0].Addrs; len(got) != 2 || got[0] != master.Addr {
			t.Errorf("%+v: with the master back: %v", c, got)
		}
	}
}

func TestRoutesAreRefusedForAWhileAfterTheStartIfThatIsChosen(t *testing.T) {
	c := newClock()
	n := newNamesrv(t, Options{Now: c.read, Rules: Rules{Wait: 45 * time.Second}})
	register(t, n, brokerA, topics(1, "orders", "other"))
	p := dial(t, listen(t, n))
	p.want(remoting.RespSystemError, "not ready", remoting.CodeGetRouteInfoByTopic, nil, "topic=orders")
	c.pass(45 * time.Second)
	if resp := p.do(remoting.CodeGetRouteInfoByTopic, nil, "topic=orders"); resp.Code != remoting.RespSuccess {
		t.Error(resp.Code, resp.Remark)
	}
}

// member is a broker's process that notes what a name server tells it.
type member struct{ told chan string }

func (m member) Serve(_ *remoting.Conn, cmds []remoting.Command) {
	for i := range cmds {
		f := cmds[i].Fields
		m.told <- fmt.Sprint(cmds[i].Code, " ", f.Str("minBrokerId"), f.Str("minBrokerAddr"), " offline", f.Str("offlineBrokerAddr"), " ha", f.Str("haBrokerAddr"))
	}
}
func (member) Closed(*remoting.Conn) {}

func TestProcessesOfABrokerAreToldWhenTheLowestIDChanges(t *testing.T) {
	n := newNamesrv(t, Options{Rules: Rules{NotifyMinID: true}})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-done })
	m := member{make(chan string, 10)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := remoting.NewServer(m, remoting.ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	serving := make(chan struct{})
	go func() {
		defer close(serving)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() { must(t, s.Close()); <-serving })
	told := func(want string) {
		t.Helper()
		select {
		case got := <-m.told:
			if got != want {
				t.Errorf("told %q, %q expected", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("not told %q", want)
		}
	}
	replica := Broker{Cluster: "c", Name: "a", ID: 2, Addr: l.Addr().String(), ActingMaster: true}
	master := Broker{Cluster: "c", Name: "a", Addr: "127.0.0.1:1", HAAddr: "h:1", ActingMaster: true}
	register(t, n, replica, topics(1, "orders", "other"))
	register(t, n, master, topics(1, "orders", "other"))
	told("905 0" + master.Addr + " offline hah:1")
	n.Unregister(master)
	told("905 2" + replica.Addr + " offline" + master.Addr + " ha")
}

func TestAChangeOfTheConfigurationIsTheOwnersBusiness(t *testing.T) {
	refused := errors.New("listenPort is fixed")
	var n *Namesrv
	n = newNamesrv(t, Options{Update: func(b []byte) error {
		switch string(b) {
		case "kvConfigPath=x":
			return fmt.Errorf("kvConfigPath: %w", ErrForbidden)
		case "listenPort=1":
			return refused
		}
		n.SetRules(Rules{NoAllTopics: true})
		return nil
	}})
	p := dial(t, listen(t, n))
	p.want(remoting.RespNoPermission, "kvConfigPath", remoting.CodeUpdateNamesrvConfig, []byte("kvConfigPath=x"))
	p.want(remoting.RespSystemError, "listenPort is fixed", remoting.CodeUpdateNamesrvConfig, []byte("listenPort=1"))
	p.want(remoting.RespSuccess, `{"topicList":[]}`, remoting.CodeGetAllTopicListFromNameServer, nil)
	p.want(remoting.RespSuccess, "", remoting.CodeUpdateNamesrvConfig, []byte("enableAllTopicList=false"))
	p.want(remoting.RespSystemError, "enableAllTopicList", remoting.CodeGetAllTopicListFromNameServer, nil)
	dial(t, listen(t, newNamesrv(t, Options{}))).want(remoting.RespNoPermission, "", remoting.CodeUpdateNamesrvConfig, nil)
}

func TestTwoBrokersOfOneNameTakeTurnsAndTheSurvivorComesBack(t *testing.T) {
	var log strings.Builder
	n := newNamesrv(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	rival := brokerA
	rival.Addr = "10.0.0.9:10911"
	r := topics(1, "orders", "other")
	register(t, n, brokerA, r)
	register(t, n, rival, r)
	if got := route(t, n, "orders").Brokers[0].Addrs[0]; got != rival.Addr {
		t.Errorf("the later registration doesn't have the place: %s", got)
	}
	if !strings.Contains(log.String(), "two brokers claim one place") {
		t.Error("nothing was said about it")
	}
	n.Unregister(rival)
	if _, known := n.Alive(brokerA.Cluster, brokerA.Addr); known {
		t.Error("the survivor is told that its registration is there")
	}
	register(t, n, brokerA, r)
	if got := route(t, n, "orders"); len(got.Queues) != 1 || got.Brokers[0].Addrs[0] != brokerA.Addr {
		t.Errorf("the survivor isn't back: %+v", got)
	}
}

func TestAllRoutesOf10000TopicsAreAnsweredWithinASecond(t *testing.T) {
	n := newNamesrv(t, Options{})
	table := newTable()
	for i := range 10000 {
		table.put(fmt.Sprint("topic-", i), 4)
	}
	l := NewLocal(n, time.Hour)
	l.Start(brokerA, table)
	defer l.Close()
	began := time.Now()
	for i := range 10000 { // a change of one is not a registration of all
		table.put(fmt.Sprint("topic-", i), 5)
		l.Changed(fmt.Sprint("topic-", i))
	}
	changed := time.Since(began)
	p := dial(t, listen(t, n))
	began = time.Now()
	for i := range 10000 {
		if resp := p.do(remoting.CodeGetRouteInfoByTopic, nil, fmt.Sprint("topic=topic-", i)); resp.Code != remoting.RespSuccess || !strings.Contains(string(resp.Body), `"readQueueNums":5`) {
			t.Fatal(resp.Code, resp.Remark, string(resp.Body))
		}
	}
	t.Logf("10000 changes in %v, 10000 routes one after the other in %v", changed, time.Since(began))
	if routes := time.Since(began); !raceEnabled && (changed > time.Second || routes > 5*time.Second) { // with room for a busy machine
		t.Errorf("10000 changes took %v, 10000 routes %v", changed, routes)
	}
}

var _ Topics = (*meta.Topics)(nil)
