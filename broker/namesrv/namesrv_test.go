package namesrv

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1700000000, 0)} }

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newNamesrv(t testing.TB, o Options) *Namesrv {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// listen serves n on a loopback port until the test ends.
func listen(t *testing.T, n *Namesrv) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := remoting.NewServer(n, remoting.ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // ErrServerClosed
	}()
	t.Cleanup(func() {
		must(t, s.Close())
		<-done
	})
	return l.Addr().String()
}

// peer is a client of a name server.
type peer struct {
	*remoting.Client
	t       *testing.T
	version int32
}

func dial(t *testing.T, addr string) *peer {
	t.Helper()
	c, err := remoting.Dial(t.Context(), addr)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	return &peer{Client: c, t: t}
}

// do sends a request with fields like "name=value" and returns the answer.
func (p *peer) do(code int32, body []byte, fields ...string) *remoting.Response {
	p.t.Helper()
	r := &remoting.Request{Code: code, Body: body, Version: p.version}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		r.Fields.Add(name, value)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	resp, err := p.Call(ctx, r)
	must(p.t, err)
	return resp
}

// want sends a request and checks the answer's code and text: the body of a success, the remark of anything else.
func (p *peer) want(wantCode int32, wantText string, code int32, body []byte, fields ...string) *remoting.Response {
	p.t.Helper()
	resp := p.do(code, body, fields...)
	text := resp.Remark
	if wantCode == remoting.RespSuccess {
		text = string(resp.Body)
	}
	if resp.Code != wantCode || text != wantText && (wantCode == remoting.RespSuccess || !strings.Contains(text, wantText)) {
		p.t.Errorf("request %d %q:\n got %d %s %s\nwant %d %s", code, fields, resp.Code, resp.Remark, resp.Body, wantCode, wantText)
	}
	return resp
}

func topics(queues int32, names ...string) *Registration {
	r := &Registration{Version: meta.DataVersion{Timestamp: 1, Counter: int64(queues)}}
	for _, name := range names {
		c := meta.NewTopic(name, queues)
		r.Topics = append(r.Topics, &c)
	}
	return r
}

func register(t *testing.T, n *Namesrv, b Broker, r *Registration) Registered {
	t.Helper()
	done, err := n.Register(b, r)
	must(t, err)
	return done
}

// fields are those of a broker's requests.
func (b Broker) strings() []string {
	return []string{"clusterName=" + b.Cluster, "brokerName=" + b.Name, "brokerAddr=" + b.Addr, fmt.Sprint("brokerId=", b.ID), "haServerAddr=" + b.HAAddr}
}

func crcField(body []byte) string {
	return fmt.Sprint("bodyCrc32=", crc32.ChecksumIEEE(body)&0x7fffffff)
}

func route(t *testing.T, n *Namesrv, topic string) (r struct {
	Queues  []Queues `json:"queueDatas"`
	Brokers []struct {
		Name  string           `json:"brokerName"`
		Addrs map[int64]string `json:"brokerAddrs"`
	} `json:"brokerDatas"`
}) {
	t.Helper()
	body, err := n.Route([]byte(topic), false)
	must(t, err)
	if body != nil {
		must(t, json.Unmarshal(body, &r))
	}
	return r
}

var brokerA = Broker{Cluster: "c", Name: "a", Addr: "10.0.0.1:10911", HAAddr: "10.0.0.1:10912"}

func TestARouteIsWrittenAsRocketMQWritesIt(t *testing.T) {
	n := newNamesrv(t, Options{})
	register(t, n, brokerA, topics(4, "orders", "other"))
	register(t, n, Broker{Cluster: "c", Name: "a", ID: 1, Addr: "10.0.0.2:10911"}, topics(4))
	register(t, n, Broker{Cluster: "c", Name: "b", Addr: "[::1]:10911", Zone: "z", ActingMaster: true}, topics(8, "orders", "other"))
	const format = `{"brokerDatas":[{"brokerAddrs":{%[1]s0%[1]s:"10.0.0.1:10911",%[1]s1%[1]s:"10.0.0.2:10911"},"brokerName":"a","cluster":"c","enableActingMaster":false},` +
		`{"brokerAddrs":{%[1]s0%[1]s:"[::1]:10911"},"brokerName":"b","cluster":"c","enableActingMaster":true,"zoneName":"z"}],"filterServerTable":{},` +
		`"queueDatas":[{"brokerName":"a","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4},` +
		`{"brokerName":"b","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}`
	quoted, bare := fmt.Sprintf(format, `"`), fmt.Sprintf(format, "")
	p := dial(t, listen(t, n))
	for _, c := range []struct {
		version int32
		fields  []string
		want    string
	}{
		{remoting.Version55, nil, quoted},
		{versionQuotes, nil, quoted},
		{remoting.Version49, nil, bare},
		{remoting.Version49, []string{"acceptStandardJsonOnly=true"}, quoted},
		{remoting.Version49, []string{"acceptStandardJsonOnly=false"}, bare},
		{1, nil, bare},
	} {
		p.version = c.version
		for range 2 { // the second one is kept
			p.want(remoting.RespSuccess, c.want, remoting.CodeGetRouteInfoByTopic, nil, append(c.fields, "topic=orders")...)
		}
	}
	p.want(remoting.RespTopicNotExist, "No topic route info in name server for the topic: nothing", remoting.CodeGetRouteInfoByTopic, nil, "topic=nothing")
	p.want(remoting.RespTopicNotExist, "No topic route info", remoting.CodeGetRouteInfoByTopic, nil)
}

func TestARouteFollowsItsBrokers(t *testing.T) {
	n := newNamesrv(t, Options{})
	register(t, n, brokerA, topics(4, "orders", "other"))
	route(t, n, "orders")
	// More queues.
	register(t, n, brokerA, topics(8, "orders", "other"))
	if q := route(t, n, "orders").Queues; len(q) != 1 || q[0].Read != 8 {
		t.Errorf("queues: %+v, 8 expected", q)
	}
	// Another address.
	moved := brokerA
	moved.Addr = "10.0.0.9:10911"
	register(t, n, moved, topics(8, "orders", "other"))
	if b := route(t, n, "orders").Brokers; len(b) != 1 || b[0].Addrs[0] != moved.Addr {
		t.Errorf("brokers: %+v, %s expected", b, moved.Addr)
	}
	// A second broker, which goes again.
	other := Broker{Cluster: "c", Name: "b", Addr: "10.0.0.2:10911"}
	register(t, n, other, topics(2, "orders", "new"))
	if r := route(t, n, "orders"); len(r.Queues) != 2 || len(r.Brokers) != 2 || len(route(t, n, "new").Queues) != 1 {
		t.Errorf("route: %+v", r)
	}
	n.Unregister(other)
	if r := route(t, n, "orders"); len(r.Queues) != 1 || len(r.Brokers) != 1 || len(route(t, n, "new").Queues) != 0 {
		t.Errorf("route after the second broker went: %+v", r)
	}
	n.Unregister(moved)
	if left := n.Topics(); len(left) != 0 {
		t.Errorf("topics without a broker: %q", left)
	}
}

func TestRegisteringOneTopicKeepsTheOtherRoutesEncoded(t *testing.T) {
	n := newNamesrv(t, Options{})
	register(t, n, brokerA, topics(4, "orders", "other"))
	before, err := n.Route([]byte("other"), false)
	must(t, err)
	one := topics(9, "orders")
	register(t, n, brokerA, one)
	after, err := n.Route([]byte("other"), false)
	must(t, err)
	if &before[0] != &after[0] {
		t.Error("the route of a topic that didn't change was encoded again")
	}
	if q := route(t, n, "orders").Queues; q[0].Read != 9 {
		t.Errorf("queues of the one topic: %+v, 9 expected", q)
	}
	topic := []byte("other")
	if allocs := testing.AllocsPerRun(100, func() { _, _ = n.Route(topic, false) }); allocs != 0 {
		t.Errorf("a kept route costs %v allocations", allocs)
	}
}

func TestASingleTopicIsRefusedBeforeItsBroker(t *testing.T) {
	n := newNamesrv(t, Options{})
	p := dial(t, listen(t, n))
	body, err := topics(4, "orders").encode(false)
	must(t, err)
	p.want(remoting.RespSystemError, "topic orders of broker a (id 0, 10.0.0.1:10911): the broker has not registered yet", remoting.CodeRegisterBroker, body, brokerA.strings()...)
	if len(n.Topics()) != 0 {
		t.Error("the topic is there all the same")
	}
}

func TestAReplicaLearnsItsMasterAndRegistersTopicsOnlyWithoutOne(t *testing.T) {
	n := newNamesrv(t, Options{})
	replica := Broker{Cluster: "c", Name: "a", ID: 1, Addr: "10.0.0.2:10911"}
	if got := register(t, n, replica, topics(4, "orders", "other")); got != (Registered{}) {
		t.Errorf("without a master: %+v", got)
	}
	if q := route(t, n, "orders").Queues; len(q) != 1 {
		t.Errorf("the first replica's topics: %+v", q)
	}
	register(t, n, brokerA, topics(8, "orders", "other"))
	if got := register(t, n, replica, topics(1, "orders", "other")); got != (Registered{HAAddr: brokerA.HAAddr, MasterAddr: brokerA.Addr}) {
		t.Errorf("with a master: %+v", got)
	}
	if q := route(t, n, "orders").Queues; q[0].Read != 8 {
		t.Errorf("the replica changed the master's topics: %+v", q)
	}
	// The replica becomes the master under its address.
	n.Unregister(brokerA)
	replica.ID = 0
	register(t, n, replica, topics(2, "orders", "other"))
	if b := route(t, n, "orders").Brokers; len(b[0].Addrs) != 1 || b[0].Addrs[0] != replica.Addr {
		t.Errorf("after the change of roles: %+v", b)
	}
}

func TestAnActingMasterIsReadOnly(t *testing.T) {
	n := newNamesrv(t, Options{})
	master, replica := brokerA, Broker{Cluster: "c", Name: "a", ID: 1, Addr: "10.0.0.2:10911", ActingMaster: true}
	master.ActingMaster = true
	register(t, n, master, topics(4, "orders", "other"))
	register(t, n, replica, topics(4, "orders", "other"))
	n.Unregister(master)
	if q := route(t, n, "orders").Queues; q[0].Perm != meta.PermRead {
		t.Errorf("permission without a master: %d, 4 expected", q[0].Perm)
	}
	register(t, n, replica, topics(8, "orders", "other"))
	if q := route(t, n, "orders").Queues; q[0].Perm != meta.PermRead || q[0].Read != 8 {
		t.Errorf("what the replica registered: %+v", q[0])
	}
	register(t, n, master, topics(8, "orders", "other"))
	if q := route(t, n, "orders").Queues; q[0].Perm != meta.PermRead|meta.PermWrite {
		t.Errorf("permission with the master back: %d, 6 expected", q[0].Perm)
	}
}

func TestABrokerOfAnEarlierEpochCanNotTakeAPlaceBack(t *testing.T) {
	n := newNamesrv(t, Options{})
	newer := topics(4, "orders", "other")
	newer.Version.StateVersion = 2
	register(t, n, brokerA, newer)
	old := brokerA
	old.Addr = "10.0.0.7:10911"
	register(t, n, old, topics(1, "orders", "other"))
	if b := route(t, n, "orders").Brokers; b[0].Addrs[0] != brokerA.Addr {
		t.Errorf("the place went to %s", b[0].Addrs[0])
	}
}

func TestStaticTopicsCarryTheirMapping(t *testing.T) {
	n := newNamesrv(t, Options{})
	p := dial(t, listen(t, n))
	body := []byte(`{"topicConfigSerializeWrapper":{"topicConfigTable":{"s":{"topicName":"s","readQueueNums":1,"writeQueueNums":1},"t":{}},` +
		`"topicQueueMappingInfoMap":{"s":{"bname":"a","currIdMap":{0:0,3:1},"topic":"s","totalQueues":4}},"dataVersion":{"counter":1}}}`)
	p.want(remoting.RespSuccess, "", remoting.CodeRegisterBroker, body, append(brokerA.strings(), crcField(body))...)
	got := string(p.do(remoting.CodeGetRouteInfoByTopic, nil, "topic=s").Body)
	if want := `"topicQueueMappingByBroker":{"a":{"bname":"a","currIdMap":{"0":0,"3":1},"topic":"s","totalQueues":4}}`; !strings.Contains(got, want) {
		t.Errorf("got %s\nwithout %s", got, want)
	}
}
