package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/internal/peer"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// TestAGantryBrokerReplacesAJavaBrokerUnderLoad is a rolling replacement: a Gantry broker joins the cluster, the Java broker loses its write
// permission, is drained and stopped. Producers go on meanwhile and see no error; consumers of every kind get every message, orderly ones in order.
func TestAGantryBrokerReplacesAJavaBrokerUnderLoad(t *testing.T) {
	if !peer.Required() && os.Getenv("GANTRY_LONG") != "1" {
		t.Skip("a minute or more: with GANTRY_REQUIRE_INTEROP=1")
	}
	j := peer.Need(t)
	four, five := needJava(t, javaClient4), needJava(t, javaClient5)
	t.Parallel()
	began := time.Now()
	step := func(what string) { t.Logf("%3.0f s: %s", time.Since(began).Seconds(), what) }
	names := j.Namesrv(t)
	// The machine may be busy: that is no reason to refuse messages.
	broker, addr := j.Broker(t, "java-a", names, "waitTimeMillsInSendQueue=10000", "osPageCacheBusyTimeOutMills=10000")
	old := &server{addr: map[string]string{"namesrv": names, "broker": addr}}
	eventually(t, "the Java broker has registered", func() bool { _, ok := routed(t, old, "TBW102"); return ok })
	topic := newTopic(t, old)
	receivers := slices.Concat(goReceivers(t, old, topic), javaReceivers(t, five, names, topic), javaReceivers(t, four, names, topic))
	senders := append(goSenders(t, old, topic, 0, 1), javaSender(t, five, names, topic, 2, 3))
	for _, s := range senders {
		s.chooses(t, "java-a")
	}
	for _, r := range receivers { // a group that came later would give the Java broker a topic, and with it the write permission back
		r.begins(t)
	}
	step("messages go through the Java broker")

	b := startBroker(t, t.TempDir(), names, "--set", "brokerName=gantry-a", "--set", "waitTimeMillsInSendQueue=10000")
	newTopic(t, &server{addr: map[string]string{"namesrv": names, "broker": b.addr["broker"]}})
	for _, s := range senders { // a slow one may go from the one broker to the other at once: with GANTRY_LONG=1 none does
		if s.learnsFast || os.Getenv("GANTRY_LONG") == "1" {
			s.chooses(t, "gantry-a", "java-a")
		}
	}
	step("messages go to both brokers")
	wiped := dial(t, names).call(t, remoting.CodeWipeWritePermOfBroker, map[string]string{"brokerName": "java-a"}, nil)
	if n, _ := strconv.Atoi(wiped.Fields.Str("wipeTopicCount")); wiped.Code != remoting.RespSuccess || n == 0 {
		t.Fatalf("the write permission is not wiped: code %d %s, %d topics", wiped.Code, wiped.Remark, n)
	}
	for _, s := range senders {
		s.chooses(t, "gantry-a")
	}
	step("nobody sends to the Java broker")
	c := dial(t, addr)
	for _, r := range receivers {
		eventually(t, r.group+" has consumed all that the Java broker has", func() bool {
			return offsets(t, c, remoting.CodeQueryConsumerOffset, topic, r.group) == offsets(t, c, remoting.CodeGetMaxOffset, topic, "")
		})
	}
	step("it is drained")
	broker.Stop(t)
	step("it has stopped")
	for _, s := range senders {
		s.sendsMore(t, 3*aRound)
	}

	sent := map[place]int64{}
	for _, s := range senders {
		s.stdin.Close()
	}
	for _, s := range senders {
		s.stop(t) // which fails if there was a message that it could not send
		s.update()
		maps.Copy(sent, s.sent)
	}
	step("the producers have stopped")
	for _, r := range receivers {
		r.sees(t, sent)
	}
	step("all is consumed")
	for _, r := range receivers {
		r.stdin.Close()
	}
	for _, r := range receivers {
		r.stop(t)
		r.update()
		if r.orderly && len(r.inverted) > 0 {
			t.Errorf("%s: %d messages out of order, the first is %+v", r.group, len(r.inverted), r.inverted[0])
		}
		t.Logf("%s: %d messages, %d came twice", r.group, len(r.seen), r.repeats)
	}
	by := map[string]int{}
	for p := range sent {
		by[p.queue.broker]++
	}
	t.Logf("%d messages sent: %v", len(sent), by)
}

// offsets adds up what a broker says of the offsets of a topic's four queues.
func offsets(t *testing.T, c caller, code int32, topic, group string) (sum int64) {
	t.Helper()
	for q := range 4 {
		r := c.call(t, code, map[string]string{"topic": topic, "queueId": itoa(q), "consumerGroup": group}, nil)
		n, err := strconv.ParseInt(r.Fields.Str("offset"), 10, 64)
		if err != nil { // the group has consumed nothing of the queue yet
			return -1
		}
		sum += n
	}
	return sum
}

// between is the pause in milliseconds that each producer makes after a message.
const between = "30"

// goSenders are two programs with a producer each. The second gives its messages keys.
func goSenders(t *testing.T, s *server, topic string, plain, keyed int64) []*sender {
	t.Helper()
	start := func(producer int64, keys int) *sender {
		return newSender(startClient(t, s, "send", "-topic", topic, "-count", "0", "-first", itoa(producer*numbersEach),
			"-keys", itoa(keys), "-retries", "2", "-interval", between+"ms", "-report", "-timeout", "10m"), producer)
	}
	return []*sender{start(plain, 0), start(keyed, orderKeys)}
}

// javaSender has two producers. The second gives its messages keys.
func javaSender(t *testing.T, c *javaClient, names, topic string, plain, keyed int64) *sender {
	t.Helper()
	cmd := c.java(t, "cases.Produce", names, topic, between, itoa(plain*numbersEach), "0", itoa(keyed*numbersEach), itoa(orderKeys))
	s := newSender(follow(t, "Produce with "+c.version, cmd), plain, keyed)
	s.learnsFast = true
	return s
}

// goReceivers are two programs with a consumer each. The second is orderly.
func goReceivers(t *testing.T, s *server, topic string) []*receiver {
	t.Helper()
	start := func(group string, orderly bool) *receiver {
		return newReceiver(startClient(t, s, "consume", "-topic", topic, "-group", group, fmt.Sprint("-orderly=", orderly),
			"-report", "-timeout", "10m"), group, orderly)
	}
	return []*receiver{start(topic+"-go-concurrent", false), start(topic+"-go-orderly", true)}
}

// javaReceivers are two consumers of one program. The second is orderly.
func javaReceivers(t *testing.T, c *javaClient, names, topic string) []*receiver {
	t.Helper()
	concurrent, orderly := topic+"-java"+c.version[:1]+"-concurrent", topic+"-java"+c.version[:1]+"-orderly"
	both := follow(t, "Consume with "+c.version, c.java(t, "cases.Consume", names, topic, concurrent, orderly))
	return []*receiver{newReceiver(both, concurrent, false), newReceiver(both, orderly, true)}
}
