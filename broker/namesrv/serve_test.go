package namesrv

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestListsAndClusters(t *testing.T) {
	n := newNamesrv(t, Options{})
	p := dial(t, listen(t, n))
	p.want(remoting.RespSuccess, `{"topicList":[]}`, remoting.CodeGetAllTopicListFromNameServer, nil)
	p.want(remoting.RespSuccess, `{"topicList":[]}`, remoting.CodeGetSystemTopicListFromNS, nil)
	p.want(remoting.RespSuccess, `{"brokerAddrTable":{},"clusterAddrTable":{}}`, remoting.CodeGetBrokerClusterInfo, nil)

	register(t, n, brokerA, topics(4, "orders", "other"))
	register(t, n, Broker{Cluster: "d", Name: "b", Addr: "b:1"}, topics(4, "orders", "mine"))
	p.want(remoting.RespSuccess, `{"topicList":["mine","orders","other"]}`, remoting.CodeGetAllTopicListFromNameServer, nil)
	p.want(remoting.RespSuccess, `{"topicList":["mine","orders"]}`, remoting.CodeGetTopicsByCluster, nil, "cluster=d")
	p.want(remoting.RespSuccess, `{"topicList":[]}`, remoting.CodeGetTopicsByCluster, nil, "cluster=none")
	p.want(remoting.RespSuccess, `{"brokerAddr":"10.0.0.1:10911","topicList":["a","b","c","d"]}`, remoting.CodeGetSystemTopicListFromNS, nil)
	p.want(remoting.RespSuccess, `{"brokerAddrTable":{"a":{"brokerAddrs":{"0":"10.0.0.1:10911"},"brokerName":"a","cluster":"c","enableActingMaster":false},`+
		`"b":{"brokerAddrs":{"0":"b:1"},"brokerName":"b","cluster":"d","enableActingMaster":false}},"clusterAddrTable":{"c":["a"],"d":["b"]}}`, remoting.CodeGetBrokerClusterInfo, nil)
	p.want(remoting.RespSuccess, `{"brokerMemberGroup":{"brokerAddrs":{"0":"b:1"},"brokerName":"b","cluster":"d"}}`, remoting.CodeGetBrokerMemberGroup, nil, "clusterName=d", "brokerName=b")
	p.want(remoting.RespSuccess, `{"brokerMemberGroup":{"brokerAddrs":{},"brokerName":"x","cluster":"d"}}`, remoting.CodeGetBrokerMemberGroup, nil, "clusterName=d", "brokerName=x")
}

func TestListsCanBeSwitchedOff(t *testing.T) {
	p := dial(t, listen(t, newNamesrv(t, Options{Rules: Rules{NoAllTopics: true, NoTopicLists: true}})))
	p.want(remoting.RespSystemError, "enableAllTopicList is false", remoting.CodeGetAllTopicListFromNameServer, nil)
	p.want(remoting.RespSystemError, "enableTopicList is false", remoting.CodeGetTopicsByCluster, nil, "cluster=c")
}

func TestWritePermissionOfABrokerIsTakenAndGivenBack(t *testing.T) {
	n := newNamesrv(t, Options{})
	register(t, n, brokerA, topics(4, "orders", "other"))
	p := dial(t, listen(t, n))
	for _, step := range []struct {
		code  int32
		field string
		perm  int32
	}{{remoting.CodeWipeWritePermOfBroker, "wipeTopicCount", 4}, {remoting.CodeAddWritePermOfBroker, "addTopicCount", 6}} {
		if got := p.do(step.code, nil, "brokerName=a").Fields.Str(step.field); got != "2" {
			t.Errorf("%s=%s, 2 expected", step.field, got)
		}
		if q := route(t, n, "orders").Queues; q[0].Perm != step.perm {
			t.Errorf("permission %d, %d expected", q[0].Perm, step.perm)
		}
	}
	if got := p.do(remoting.CodeWipeWritePermOfBroker, nil, "brokerName=x").Fields.Str("wipeTopicCount"); got != "0" {
		t.Errorf("an unknown broker: %s topics", got)
	}
}

func TestTopicsAreAddedAndDeletedByTools(t *testing.T) {
	n := newNamesrv(t, Options{})
	register(t, n, brokerA, topics(4, "orders", "other"))
	register(t, n, Broker{Cluster: "d", Name: "b", Addr: "b:1"}, topics(4, "orders", "mine"))
	p := dial(t, listen(t, n))
	body := `{"queueDatas":[{"brokerName":"a","readQueueNums":3,"writeQueueNums":2,"perm":6},{"brokerName":"%s","perm":4}]}`
	p.want(remoting.RespSystemError, `broker "x" is unknown`, remoting.CodeRegisterTopicInNamesrv, fmt.Appendf(nil, body, "x"), "topic=new")
	p.want(remoting.RespSystemError, "bad JSON", remoting.CodeRegisterTopicInNamesrv, []byte("{"), "topic=new")
	p.want(remoting.RespTopicNotExist, "new", remoting.CodeGetRouteInfoByTopic, nil, "topic=new")
	p.want(remoting.RespSuccess, "", remoting.CodeRegisterTopicInNamesrv, fmt.Appendf(nil, body, "b"), "topic=new")
	if q := route(t, n, "new").Queues; len(q) != 2 || q[0].Read != 3 || q[0].Write != 2 || q[1].Perm != 4 {
		t.Errorf("queues %+v", q)
	}
	p.want(remoting.RespSuccess, "", remoting.CodeDeleteTopicInNamesrv, nil, "topic=orders", "clusterName=d")
	if q := route(t, n, "orders").Queues; len(q) != 1 || q[0].Broker != "a" {
		t.Errorf("after the deletion in one cluster: %+v", q)
	}
	p.want(remoting.RespSuccess, "", remoting.CodeDeleteTopicInNamesrv, nil, "topic=orders")
	p.want(remoting.RespSuccess, "", remoting.CodeDeleteTopicInNamesrv, nil, "topic=never")
	p.want(remoting.RespTopicNotExist, "orders", remoting.CodeGetRouteInfoByTopic, nil, "topic=orders")
}

func TestTopicsThatARegistrationLeavesOutGoIfThatIsChosen(t *testing.T) {
	for _, deleteMissing := range []bool{false, true} {
		n := newNamesrv(t, Options{Rules: Rules{DeleteMissing: deleteMissing}})
		register(t, n, brokerA, topics(4, "x", "y", "z"))
		register(t, n, brokerA, topics(5, "x", "y"))
		register(t, n, brokerA, topics(6, "x")) // one alone is an addition
		want := map[bool]int{false: 3, true: 2}[deleteMissing]
		if got := n.Topics(); len(got) != want {
			t.Errorf("DeleteMissing=%v: %q", deleteMissing, got)
		}
	}
}

func TestTheKeyValueTableLasts(t *testing.T) {
	var saved []byte
	var full atomic.Bool
	var mu sync.Mutex // guards saved
	o := Options{Rules: Rules{OrderInRoutes: true}, SaveKV: func(data []byte) error {
		if full.Load() {
			return errors.New("disk full")
		}
		mu.Lock()
		defer mu.Unlock()
		saved = data
		return nil
	}}
	n := newNamesrv(t, o)
	p := dial(t, listen(t, n))
	p.want(remoting.RespQueryNotFound, "No config item, Namespace: s Key: k", remoting.CodeGetKVConfig, nil, "namespace=s", "key=k")
	p.want(remoting.RespQueryNotFound, "No config item, Namespace: s", remoting.CodeGetKVListByNamespace, nil, "namespace=s")
	p.want(remoting.RespSuccess, "", remoting.CodePutKVConfig, nil, "namespace=s", "key=k", "value=v 1")
	p.want(remoting.RespSuccess, "", remoting.CodePutKVConfig, nil, "namespace=s", "key=l", "value=2")
	p.want(remoting.RespSuccess, "", remoting.CodeDeleteKVConfig, nil, "namespace=s", "key=l")
	p.want(remoting.RespSuccess, `{"table":{"k":"v 1"}}`, remoting.CodeGetKVListByNamespace, nil, "namespace=s")

	full.Store(true)
	p.want(remoting.RespSystemError, "was not saved: disk full", remoting.CodePutKVConfig, nil, "namespace=s", "key=k", "value=3")
	if got := p.do(remoting.CodeGetKVConfig, nil, "namespace=s", "key=k").Fields.Str("value"); got != "v 1" {
		t.Errorf("a value that was not saved shows: %q", got)
	}
	full.Store(false)

	register(t, n, brokerA, topics(4, "orders", "other"))
	p.do(remoting.CodeGetRouteInfoByTopic, nil, "topic=orders")
	p.want(remoting.RespSuccess, "", remoting.CodePutKVConfig, nil, "namespace=ORDER_TOPIC_CONFIG", "key=orders", "value=a:4")
	if got := route(t, n, "orders"); len(got.Queues) != 1 {
		t.Fatal(got)
	}
	body, err := n.Route([]byte("orders"), false)
	must(t, err)
	if want := `"orderTopicConf":"a:4"`; !strings.Contains(string(body), want) {
		t.Errorf("%s lacks %s", body, want)
	}
	registration, err := topics(4, "orders", "other").encode(false)
	must(t, err)
	p.want(remoting.RespSuccess, `{"table":{"orders":"a:4"}}`, remoting.CodeRegisterBroker, registration, brokerA.strings()...)

	mu.Lock()
	o.KV = saved
	mu.Unlock()
	again := dial(t, listen(t, newNamesrv(t, o)))
	if got := again.do(remoting.CodeGetKVConfig, nil, "namespace=s", "key=k").Fields.Str("value"); got != "v 1" {
		t.Errorf("after a restart: %q", got)
	}
	if _, err := New(Options{KV: []byte("{")}); err == nil {
		t.Error("a damaged table is accepted")
	}
}

func TestWhatANameServerDoesNotKnowIsRefused(t *testing.T) {
	n := newNamesrv(t, Options{Settings: func() []byte { return []byte("listenPort=9876\n") }})
	p := dial(t, listen(t, n))
	p.want(remoting.RespRequestCodeNotSupported, "request code 10 (SEND_MESSAGE)", remoting.CodeSendMessage, nil)
	p.want(remoting.RespRequestCodeNotSupported, "request code 99999", 99999, nil)
	p.want(remoting.RespSuccess, "listenPort=9876\n", remoting.CodeGetNamesrvConfig, nil)
	for code, field := range map[int32]string{
		remoting.CodeRegisterBroker: "clusterName", remoting.CodeUnregisterBroker: "clusterName", remoting.CodeBrokerHeartbeat: "clusterName",
		remoting.CodeQueryDataVersion: "clusterName", remoting.CodeGetBrokerMemberGroup: "clusterName", remoting.CodeWipeWritePermOfBroker: "brokerName",
		remoting.CodeAddWritePermOfBroker: "brokerName", remoting.CodeGetTopicsByCluster: "cluster", remoting.CodeRegisterTopicInNamesrv: "topic",
		remoting.CodeDeleteTopicInNamesrv: "topic", remoting.CodePutKVConfig: "namespace", remoting.CodeDeleteKVConfig: "namespace",
		remoting.CodeGetKVConfig: "namespace", remoting.CodeGetKVListByNamespace: "namespace",
	} {
		p.want(remoting.RespSystemError, field+" is missing", code, nil)
	}
	p.want(remoting.RespSystemError, `brokerId is "one"`, remoting.CodeUnregisterBroker, nil, "clusterName=c", "brokerName=a", "brokerAddr=a:1", "brokerId=one")
}

func TestUnregisteringOverTheWire(t *testing.T) {
	n := newNamesrv(t, Options{})
	register(t, n, brokerA, topics(4, "orders", "other"))
	p := dial(t, listen(t, n))
	p.want(remoting.RespSuccess, "", remoting.CodeUnregisterBroker, nil, brokerA.strings()...)
	p.want(remoting.RespSuccess, "", remoting.CodeUnregisterBroker, nil, brokerA.strings()...)
	if len(n.Topics()) != 0 {
		t.Error("the broker is still there")
	}
}

// TestReadersAndWritersMeet is for the race detector, and checks that no reader sees a broker half.
func TestReadersAndWritersMeet(t *testing.T) {
	n := newNamesrv(t, Options{})
	register(t, n, brokerA, topics(1, "orders", "other"))
	var wg sync.WaitGroup
	for w := range 2 {
		b := Broker{Cluster: "c", Name: fmt.Sprint("b", w), Addr: fmt.Sprint("b:", w)}
		wg.Go(func() {
			for i := range int32(200) {
				if _, err := n.Register(b, topics(1+i%3, "orders", "other")); err != nil {
					t.Error(err)
				}
				n.Expire()
				n.Unregister(b)
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range 500 {
				r := route(t, n, "orders")
				if len(r.Queues) != len(r.Brokers) || len(r.Queues) < 1 {
					t.Errorf("route %+v", r)
				}
				n.Topics()
			}
		})
	}
	wg.Wait()
}

func BenchmarkRouteOfOneOf10000Topics(b *testing.B) {
	n := newNamesrv(b, Options{})
	names := make([]string, 10000)
	for i := range names {
		names[i] = fmt.Sprint("topic-", i)
	}
	if _, err := n.Register(brokerA, topics(8, names...)); err != nil {
		b.Fatal(err)
	}
	b.Run("kept", func(b *testing.B) {
		name := []byte("topic-5000")
		for b.Loop() {
			_, _ = n.Route(name, false)
		}
	})
	b.Run("encoded", func(b *testing.B) {
		name := []byte("topic-5000")
		for b.Loop() {
			n.topics["topic-5000"].outdate()
			_, _ = n.Route(name, false)
		}
	})
	b.Run("registered-again", func(b *testing.B) {
		r := topics(8, names...)
		for b.Loop() {
			_, _ = n.Register(brokerA, r)
		}
	})
}
