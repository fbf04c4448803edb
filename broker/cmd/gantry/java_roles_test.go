package main

import (
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/internal/peer"
	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestAJavaBrokerServesUnderAGantryNameServer(t *testing.T) {
	j := peer.Need(t)
	names := startNamesrv(t, t.TempDir())
	broker, addr := j.Broker(t, "java-a", names.addr["namesrv"], "compressedRegister=true", "forceRegister=false")
	eventually(t, "the Java broker has registered", func() bool {
		route, ok := routed(t, names, "TBW102")
		return ok && strings.Contains(route, addr)
	})
	client := j.Client(t, names.addr["namesrv"])
	if sent := client.Ask(t, "send JavaTopic 20"); len(sent) != 20 {
		t.Errorf("%d messages sent", len(sent))
	}
	if route, ok := routed(t, names, "JavaTopic"); !ok || !strings.Contains(route, addr) {
		t.Errorf("the topic that the broker made is not known: %s", route)
	}
	if got := client.Ask(t, "read JavaTopic *"); len(got) != 20 {
		t.Errorf("%d messages read", len(got))
	}

	both := &server{addr: map[string]string{"namesrv": names.addr["namesrv"], "broker": addr}}
	topic := newTopic(t, both)
	runClient(t, both, "send", "-topic", topic, "-count", "20")
	if got := client.Ask(t, "read %s *", topic); len(got) != 20 {
		t.Errorf("of the messages of the Go client %d are read", len(got))
	}

	if out := j.Admin(t, names.addr["namesrv"], "clusterList"); !strings.Contains(out, "java-a") || !strings.Contains(out, addr) {
		t.Errorf("clusterList:\n%s", out)
	}
	if out := j.Admin(t, names.addr["namesrv"], "wipeWritePerm", "-b", "java-a"); !strings.Contains(out, "OK") {
		t.Errorf("wipeWritePerm:\n%s", out)
	}
	if route, _ := routed(t, names, topic); !strings.Contains(route, `"perm":4`) {
		t.Errorf("after wipeWritePerm: %s", route)
	}
	broker.Kill()
	eventually(t, "the killed broker is forgotten", func() bool {
		_, ok := routed(t, names, "TBW102")
		return !ok
	})
}

func TestAGantryBrokerServesUnderAJavaNameServer(t *testing.T) {
	j := peer.Need(t)
	addr := j.Namesrv(t)
	b := startBroker(t, t.TempDir(), addr, "--set", "brokerName=gantry-a")
	both := &server{addr: map[string]string{"namesrv": addr, "broker": b.addr["broker"]}}
	client := j.Client(t, addr)
	if sent := client.Ask(t, "send JavaTopic 20"); len(sent) != 20 {
		t.Errorf("%d messages sent", len(sent))
	}
	// A name server knows the topic because it was registered by itself: the next registration of all is half a minute away.
	if route, ok := routed(t, both, "JavaTopic"); !ok || !strings.Contains(route, b.addr["broker"]) {
		t.Errorf("the topic that the broker made is not known: %s", route)
	}
	if got := client.Ask(t, "read JavaTopic *"); len(got) != 20 {
		t.Errorf("%d messages read", len(got))
	}
	topic := newTopic(t, both)
	// An existing topic that changes twice in a row is taken both times.
	c := dial(t, b.addr["broker"])
	for _, queues := range []string{"5", "7"} {
		fields := map[string]string{"topic": topic, "defaultTopic": "TBW102", "readQueueNums": queues, "writeQueueNums": queues, "perm": "6", "topicFilterType": "SINGLE_TAG"}
		if r := c.call(t, remoting.CodeUpdateAndCreateTopic, fields, nil); r.Code != remoting.RespSuccess {
			t.Fatalf("code %d %s", r.Code, r.Remark)
		}
		if route, _ := routed(t, both, topic); !strings.Contains(route, `"readQueueNums":`+queues) {
			t.Errorf("after a change to %s queues: %s", queues, route)
		}
	}
	runClient(t, both, "send", "-topic", topic, "-count", "20")
	if out := j.Admin(t, addr, "clusterList"); !strings.Contains(out, "gantry-a") || !strings.Contains(out, b.addr["broker"]) {
		t.Errorf("clusterList:\n%s", out)
	}
	b.stop(t)
	if route, ok := routed(t, both, "TBW102"); ok {
		t.Errorf("the broker has stopped in order and is still known: %s", route)
	}
}
