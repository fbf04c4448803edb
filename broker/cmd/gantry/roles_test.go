package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// routed tells whether a name server knows where a topic is, and returns the route.
func routed(t testing.TB, s *server, topic string) (string, bool) {
	t.Helper()
	r := dial(t, s.addr["namesrv"]).call(t, remoting.CodeGetRouteInfoByTopic, map[string]string{"topic": topic}, nil)
	return string(r.Body), r.Code == remoting.RespSuccess
}

// cluster is a name server and a broker, for clients.
func cluster(names, broker *server) *server {
	return &server{addr: map[string]string{"namesrv": names.addr["namesrv"], "broker": broker.addr["broker"]}}
}

func TestABrokerServesUnderNameServersOfWhichSomeAreDead(t *testing.T) {
	t.Parallel()
	one, two := startNamesrv(t, t.TempDir()), startNamesrv(t, t.TempDir())
	dead := "127.0.0.1:1"
	b := startBroker(t, t.TempDir(), strings.Join([]string{dead, one.addr["namesrv"], two.addr["namesrv"]}, ";"), "--set", "brokerName=lone")
	for _, s := range []*server{one, two} {
		if route, ok := routed(t, s, "TBW102"); !ok || !strings.Contains(route, b.addr["broker"]) || !strings.Contains(route, "lone") {
			t.Errorf("route %s", route)
		}
	}
	if !strings.Contains(b.stderr.String(), dead) {
		t.Error("nothing is said about the dead one")
	}
	topic := newTopic(t, cluster(one, b))
	runClient(t, cluster(two, b), "send", "-topic", topic, "-count", "20")
	for path, s := range map[string]*server{"/readyz": b, "/healthz": one} {
		if code, body := get(t, s, path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if _, body := get(t, one, "/metrics"); !strings.Contains(body, `gantry_namesrv_brokers{node_type="nameserver"} 1`) {
		t.Errorf("metrics of a name server:\n%s", body)
	}
	b.stop(t)
	if route, ok := routed(t, one, "TBW102"); ok {
		t.Errorf("after an orderly stop of the broker there is the route %s", route)
	}
	one.stop(t)
}

func TestANameServerMayComeLateAndForgetEverything(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	b := startBroker(t, t.TempDir(), "127.0.0.1:"+port)
	for _, how := range []string{"late", "killed and started again"} {
		names := startNamesrv(t, t.TempDir(), "--namesrv-port", port)
		eventually(t, "the broker registered with a name server that was "+how, func() bool {
			_, ok := routed(t, names, "TBW102")
			return ok
		})
		names.kill()
	}
	b.waitLog(t, "connection to a name server ended")
	b.stop(t)
}

func TestTheFastPortAnswersAsTheOther(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	host, port, _ := net.SplitHostPort(s.addr["broker"])
	var n int
	fmt.Sscan(port, &n)
	r := dial(t, net.JoinHostPort(host, itoa(n-fastBelow))).call(t, remoting.CodeGetMaxOffset, map[string]string{"topic": "TBW102", "queueId": "0"}, nil)
	if r.Code != remoting.RespSuccess || r.Fields.Str("offset") != "0" {
		t.Errorf("code %d %s, offset %s", r.Code, r.Remark, r.Fields.Str("offset"))
	}
	s.stop(t)
}

func TestABrokerConfOfJavaStartsABrokerAndEachIdleKeyIsNamed(t *testing.T) {
	t.Parallel()
	names := startNamesrv(t, t.TempDir())
	dir := t.TempDir()
	file := filepath.Join(dir, "broker.conf")
	conf := "brokerClusterName=java\nbrokerName=broker-7\nbrokerId=0\ndeleteWhen=04\nfileReservedTime=48\nbrokerRole=ASYNC_MASTER\nflushDiskType=ASYNC_FLUSH\n" +
		"flushCommitLogLeastPages=4\nsendMessageThreadPoolNums=16\nenableControllerMode=false\nnamesrvAddr=" + names.addr["namesrv"] + "\nbrokerIP1=localhost\nstorePathRootDir=" + filepath.Join(dir, "s") + "\n"
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	b := await(t, role(t, "broker", "-c", file, "--bind", "127.0.0.1", "--broker-port", "0", "--http-port", "0"))
	_, port, _ := net.SplitHostPort(b.addr["broker"])
	if route, _ := routed(t, names, "TBW102"); !strings.Contains(route, "localhost:"+port) || !strings.Contains(route, `"cluster":"java"`) || !strings.Contains(route, "broker-7") {
		t.Errorf("route %s", route)
	}
	if b.addr["store"] != filepath.Join(dir, "s") {
		t.Errorf("store %s", b.addr["store"])
	}
	for _, key := range []string{"brokerRole", "flushCommitLogLeastPages", "sendMessageThreadPoolNums", "enableControllerMode"} {
		if !strings.Contains(b.stderr.String(), "key="+key+"\n") {
			t.Errorf("no warning about %s:\n%s", key, b.stderr.String())
		}
	}
	if got := strings.Count(b.stderr.String(), "has no effect"); got != 4 {
		t.Errorf("%d warnings about keys, 4 expected:\n%s", got, b.stderr.String())
	}
}

func TestAReplicaIsRefusedRatherThanRunAsASecondMaster(t *testing.T) {
	t.Parallel()
	out, err := role(t, "broker", "--data", t.TempDir(), "--bind", "127.0.0.1", "--set", "brokerId=1").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "brokerId=1") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestTheConfigurationOfANameServerIsReadAndChanged(t *testing.T) {
	t.Parallel()
	s := startNamesrv(t, t.TempDir())
	c := dial(t, s.addr["namesrv"])
	config := func() string { return string(c.call(t, remoting.CodeGetNamesrvConfig, nil, nil).Body) }
	if got := config(); !strings.Contains(got, "\nenableAllTopicList=true\n") {
		t.Fatalf("configuration\n%s", got)
	}
	for text, want := range map[string]int32{
		"enableAllTopicList=false\n": remoting.RespSuccess, "kvConfigPath=/etc/passwd\n": remoting.RespNoPermission,
		"enableAllTopicList=perhaps\n": remoting.RespSystemError, "listenPort=1\n": remoting.RespSystemError,
	} {
		if r := c.call(t, remoting.CodeUpdateNamesrvConfig, nil, []byte(text)); r.Code != want {
			t.Errorf("%s: code %d %s, %d expected", text, r.Code, r.Remark, want)
		}
	}
	if got := config(); !strings.Contains(got, "\nenableAllTopicList=false\n") {
		t.Errorf("configuration after the change\n%s", got)
	}
	if r := c.call(t, remoting.CodeGetAllTopicListFromNameServer, nil, nil); r.Code != remoting.RespSystemError {
		t.Errorf("the list is still given: code %d", r.Code)
	}
}

func TestTheHostThatOthersAreToldIsOneThatTheyReach(t *testing.T) {
	for bind, want := range map[string]string{"127.0.0.1": "127.0.0.1", "10.1.2.3": "10.1.2.3", "mq.example.org": "mq.example.org", "::1": "::1"} {
		if got := reachable(bind, nil); got != want {
			t.Errorf("%s: %s", bind, got)
		}
	}
	outside := reachable("0.0.0.0", nil)
	if ip := net.ParseIP(outside); ip == nil || ip.IsUnspecified() {
		t.Errorf("all addresses: %s", outside)
	}
	// What leaves towards a name server on this machine would leave from the loopback interface: nobody else could use that.
	if got := reachable("0.0.0.0", []string{"no address", "127.0.0.1:9876"}); got != outside {
		t.Errorf("with a local name server: %s", got)
	}
	if from, err := outbound(net.JoinHostPort(outside, "9876")); err != nil || from.String() != outside {
		t.Errorf("towards an address of this machine: %v, %v", from, err)
	}
}
