package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/internal/peer"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// TestAGantryBrokerReplacesAJavaBrokerUnderLoad is a rolling replacement: a Gantry broker joins the cluster, the Java broker loses its write
// permission, is drained and stopped. Nothing that was sent is lost.
func TestAGantryBrokerReplacesAJavaBrokerUnderLoad(t *testing.T) {
	if !peer.Required() && os.Getenv("GANTRY_LONG") != "1" {
		t.Skip("two minutes: with GANTRY_REQUIRE_INTEROP=1")
	}
	j := peer.Need(t)
	t.Parallel()
	names := j.Namesrv(t)
	broker, addr := j.Broker(t, "java-a", names, "waitTimeMillsInSendQueue=5000")
	old := &server{addr: map[string]string{"namesrv": names, "broker": addr}}
	eventually(t, "the Java broker has registered", func() bool { _, ok := routed(t, old, "TBW102"); return ok })
	topic := newTopic(t, old)
	newGroup(t, old, topic, topic)

	const count, long = 6000, 5 * time.Minute
	out := consumer(t, old, topic, topic, "-want", itoa(count), "-timeout", long.String())
	in := startClient(t, old, "send", "-topic", topic, "-count", itoa(count), "-workers", "2", "-interval", "40ms", "-persist", "-timeout", long.String())
	in.await(t, "something sent", patience, func() bool { return in.last("progress").Sent > 200 })

	b := startBroker(t, t.TempDir(), names, "--set", "brokerName=gantry-a")
	both := &server{addr: map[string]string{"namesrv": names, "broker": b.addr["broker"]}}
	newTopic(t, both)
	messagesIn := func() float64 {
		_, metrics := get(t, b, "/metrics")
		for line := range strings.Lines(metrics) {
			if strings.HasPrefix(line, "rocketmq_messages_in_total{") && strings.Contains(line, `topic="`+topic+`"`) {
				n, _ := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
				return n
			}
		}
		return 0
	}
	in.await(t, "the producer sends to the new broker, too", long, func() bool { return messagesIn() > 0 })

	if said := j.Admin(t, names, "wipeWritePerm", "-b", "java-a"); !strings.Contains(said, "OK") {
		t.Fatalf("wipeWritePerm: %s", said)
	}
	c := dial(t, addr)
	sum := func(code int32, fields map[string]string) (total int64) {
		for q := range 4 {
			fields["topic"], fields["queueId"], fields["consumerGroup"] = topic, fmt.Sprint(q), topic
			r := c.call(t, code, fields, nil)
			n, err := strconv.ParseInt(r.Fields.Str("offset"), 10, 64)
			if err != nil {
				return -1
			}
			total += n
		}
		return total
	}
	last, since := int64(-1), time.Now()
	in.await(t, "nobody sends to the Java broker, which is drained", long, func() bool {
		if stored := sum(remoting.CodeGetMaxOffset, map[string]string{}); stored != last {
			last, since = stored, time.Now()
		}
		return time.Since(since) > 3*time.Second && sum(remoting.CodeQueryConsumerOffset, map[string]string{}) == last
	})
	broker.Stop(t)
	sent, consumed := in.finish(t, long), out.finish(t, long)
	if sent.Sent != count {
		t.Errorf("%d of %d messages sent", sent.Sent, count)
	}
	if consumed.Distinct != count || consumed.Damaged != 0 {
		t.Errorf("%d of %d messages arrived, %d damaged", consumed.Distinct, count, consumed.Damaged)
	}
	t.Logf("%d messages through the Java broker, %.0f through Gantry's; %d tries failed, %d came twice", last, messagesIn(), sent.Failed, consumed.Duplicates)
}
