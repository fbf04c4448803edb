package main

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestADelayedMessageArrivesWhenItsLevelIsOver(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	c := consumer(t, s, topic, topic, "-want", "30", "-report")
	runClient(t, s, "send", "-topic", topic, "-count", "20", "-delay", "1", "-interval", "5ms")
	runClient(t, s, "send", "-topic", topic, "-first", "20", "-count", "10", "-delay", "2")
	c.finish(t, patience)
	var over []time.Duration
	for _, e := range c.all("message") {
		wait := time.Second
		if e.Number >= 20 {
			wait = 2 * time.Second
		}
		took := time.Duration(e.Micros)*time.Microsecond - wait
		if over = append(over, took); took < -time.Millisecond { // the store's clock counts whole ones
			t.Errorf("message %d arrived %v early", e.Number, -took)
		}
	}
	slices.Sort(over)
	t.Logf("later than due: median %v, longest %v", over[len(over)/2], over[len(over)-1])
	if over[len(over)/2] > 300*time.Millisecond {
		t.Errorf("half of the messages are late by more than %v", over[len(over)/2])
	}
}

// TestAGroupsPolicyDelaysItsRetries: its first wait is over a second, and the level with two is the first that is as long.
func TestAGroupsPolicyDelaysItsRetries(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	group := `{"groupName":"` + topic + `","groupRetryPolicy":{"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":1500,"max":1500,"multiplier":2}}}`
	r := dial(t, s.addr["broker"]).call(t, remoting.CodeUpdateAndCreateSubscriptionGroup, nil, []byte(group))
	if r.Code != remoting.RespSuccess {
		t.Fatalf("group: %d %s", r.Code, r.Remark)
	}
	newGroup(t, s, topic, topic)
	c := consumer(t, s, topic, topic, "-refuse", "0", "-refusals", "1", "-want", "1", "-report")
	runClient(t, s, "send", "-topic", topic)
	c.finish(t, patience)
	tries := c.all("message")
	if len(tries) != 2 || tries[1].Reconsumed != 1 {
		t.Fatalf("tries %+v", tries)
	}
	if between := time.Duration(tries[1].Micros-tries[0].Micros) * time.Microsecond; between < 1990*time.Millisecond || between > 5*time.Second {
		t.Errorf("the retry came after %v, expected 2s", between)
	}
}

func TestAKilledServerDeliversWhatWaitedOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir, "--set", "messageDelayLevel=1s 3s")
	topic := newTopic(t, s)
	runClient(t, s, "send", "-topic", topic, "-count", "50", "-delay", "2", "-queue", "-2")
	runClient(t, s, "send", "-topic", topic, "-first", "50", "-count", "50", "-delay", "1", "-queue", "-2")
	eventually(t, "the messages of level 1", func() bool {
		_, body := get(t, s, "/metrics")
		return metric(t, body, "gantry_delayed_messages_delivered_total") >= 50
	})
	s.kill()
	<-s.exited
	s = start(t, dir, "--set", "messageDelayLevel=1s 3s")
	eventually(t, "the messages of level 2", func() bool {
		_, body := get(t, s, "/metrics")
		return metric(t, body, "gantry_delayed_messages") == 0
	})
	seen := map[int64]int{}
	for _, queue := range stored(t, s, topic) {
		for _, e := range queue {
			seen[e.Number]++
		}
	}
	for n := range int64(100) {
		if seen[n] != 1 {
			t.Errorf("message %d was delivered %d times", n, seen[n])
		}
	}
	s.stop(t)
}

// metric is the sum of a metric's series.
func metric(t testing.TB, body, name string) (sum float64) {
	t.Helper()
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, name); ok && (rest[0] == '{' || rest[0] == ' ') {
			n, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}
