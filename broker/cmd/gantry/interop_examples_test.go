package main

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// example is one of the examples that come with RocketMQ's Java client.
type example struct {
	class string // in org.apache.rocketmq.example, and its arguments
	says  string // what shows that it works
	times int    // how often it says so; an example that ends by itself has said it by then
	ends  bool
	fixed bool // it looks for its name server at port 9876
}

// exampleRounds are what runs at the same time, in their order. Consumers of one group are not in the same round: the examples like one name
// for the groups of different consumers.
var exampleRounds = [][]example{{
	{class: "quickstart.Producer", says: "sendStatus=SEND_OK", times: 1000, ends: true},
	{class: "ordermessage.Producer", says: "sendStatus=SEND_OK", times: 100, ends: true},
	{class: "simple.Producer", says: "sendStatus=SEND_OK", times: 128, ends: true},
	{class: "simple.AsyncProducer", says: " OK ", times: 100, ends: true},
	{class: "simple.OnewayProducer", ends: true, fixed: true},
	{class: "tracemessage.TraceProducer", says: "sendStatus=SEND_OK", times: 128, ends: true},
	{class: "batch.SimpleBatchProducer", says: "sendStatus=SEND_OK", times: 1},
	{class: "batch.SplitBatchProducer", says: "sendStatus=SEND_OK", times: 8},
	{class: "filter.TagFilterProducer", says: "sendStatus=SEND_OK", times: 60, ends: true},
	{class: "schedule.ScheduledMessageProducer", says: "sendStatus=SEND_OK", times: 100, ends: true},
	{class: "namespace.ProducerWithNamespace", says: "send success", times: 100, ends: true, fixed: true},
	{class: "operation.Producer -g producers -t TopicTest1 -a TagA -k key -c 20", says: "sendStatus=SEND_OK", times: 20, ends: true},
}, {
	{class: "quickstart.Consumer", says: "Receive New Messages", times: 1000},
	{class: "ordermessage.Consumer", says: "Receive New Messages", times: 20},
	{class: "broadcast.PushConsumer", says: "Receive New Messages", times: 100},
	{class: "simple.PushConsumer", says: "Receive New Messages", times: 1000},
	{class: "simple.PullScheduleService", says: "pullStatus=FOUND", times: 4},
	{class: "simple.LitePullConsumerSubscribe", says: "MessageExt [", times: 1000},
	{class: "simple.LitePullConsumerAssign", says: "MessageExt [", times: 100},
	{class: "tracemessage.TracePushConsumer", says: "Receive New Messages", times: 100},
	{class: "schedule.ScheduledMessageConsumer", says: "Receive message", times: 100},
	{class: "namespace.PushConsumerWithNamespace", says: "Msg topic is:NAMESPACE_TOPIC", times: 100, fixed: true},
	{class: "operation.Consumer -g consumers -t TopicTest1 -s TagA -f false", says: "MessageExt [", times: 20},
}, {
	{class: "filter.TagFilterConsumer", says: "Receive New Messages", times: 40},
	{class: "namespace.PullConsumerWithNamespace", says: "pullStatus=FOUND", times: 1, fixed: true},
}, {
	{class: "simple.LitePullConsumerAssignWithSubExpression", says: "MessageExt [", times: 100},
}}

// TestTheExamplesOfTheJavaClientRun runs them as they come, by their names in the jar.
func TestTheExamplesOfTheJavaClientRun(t *testing.T) {
	c := needJava(t, javaExamples5)
	// Most look for the name server where a property says, some at its own port.
	port, fixed := "0", false
	if l, err := net.Listen("tcp", "127.0.0.1:9876"); err == nil {
		l.Close()
		port, fixed = "9876", true
	}
	s := start(t, t.TempDir(), "--namesrv-port", port, "--set", "messageDelayLevel=1s 2s 1s", "--set", "brokerName=broker-a")
	for _, round := range exampleRounds {
		t.Run("round", func(t *testing.T) {
			for _, e := range round {
				t.Run(strings.Fields(e.class)[0], func(t *testing.T) {
					t.Parallel()
					if e.fixed && !fixed {
						t.Skip("port 9876 is taken")
					}
					e.run(t, c, s)
				})
			}
		})
	}
}

// run tries more than once: an example gives up if an answer takes 3 s, which a busy machine may need.
func (e example) run(t *testing.T, c *javaClient, s *server) {
	for try := range 3 {
		err := e.try(t, c, s)
		if err == nil {
			return
		}
		if try == 2 || !strings.Contains(strings.ToLower(err.Error()), "timeout") {
			t.Fatal(err)
		}
		t.Log("again, after a timeout of its own")
	}
}

func (e example) try(t *testing.T, c *javaClient, s *server) error {
	args := append([]string{"-Drocketmq.namesrv.addr=" + s.addr["namesrv"]}, strings.Fields("org.apache.rocketmq.example."+e.class)...)
	cmd := c.java(t, args...)
	var out syncBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	}
	over := time.After(2 * patience)
	tick := time.NewTicker(50 * time.Millisecond) // for the output of another process
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if said := e.said(&out); !e.ends || err != nil || said < e.times {
				return fmt.Errorf("it ended with %v and said %q %d times, expected %d:\n%s", err, e.says, said, e.times, tail(out.String()))
			}
			return nil
		case <-tick.C:
			if !e.ends && e.said(&out) >= e.times {
				stop()
				return nil
			}
			if strings.Contains(out.String(), "Exception in thread \"main\"") { // and other threads keep it alive
				stop()
				return fmt.Errorf("it failed:\n%s", tail(out.String()))
			}
		case <-over:
			stop()
			return fmt.Errorf("after %v it has said %q %d times, expected %d:\n%s", 2*patience, e.says, e.said(&out), e.times, tail(out.String()))
		}
	}
}

func (e example) said(out *syncBuffer) int { return strings.Count(out.String(), e.says) }

// tail is the end of a text that may be long.
func tail(text string) string { return text[max(0, len(text)-3000):] }
