package main

import (
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestTheGoClientCreatesATopicBySendingToIt(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := t.Name()
	runClient(t, s, "send", "-topic", topic, "-count", "16")
	if queues := runClient(t, s, "topic queues", "-topic", topic).all("queue"); len(queues) != 4 { // what the client asks for
		t.Errorf("queues %+v, expected 4", queues)
	}
	consumer(t, s, topic, topic, "-want", "16").finish(t, patience)
}

func TestNamespacesOfTheGoClientAreApart(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, space := range []string{"blue", "green"} {
		runClient(t, s, "topic create", "-topic", space+"%"+t.Name())
		runClient(t, s, "send", "-topic", t.Name(), "-namespace", space, "-count", "10", "-tags", space)
	}
	for _, space := range []string{"blue", "green"} {
		c := consumer(t, s, t.Name(), t.Name(), "-namespace", space, "-want", "10", "-report")
		c.finish(t, patience)
		for _, e := range c.all("message") {
			if e.Tag != space {
				t.Errorf("the consumer of %s got message %d of %s", space, e.Number, e.Tag)
			}
		}
	}
}

func TestAPollingConsumerGetsEachMessageOnceAndGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	for first := int64(0); first < 80; first += 40 {
		c := startClient(t, s, "poll", "-topic", topic, "-group", topic, "-want", "40")
		runClient(t, s, "send", "-topic", topic, "-first", itoa(first), "-count", "40")
		if done := c.finish(t, patience); done.Distinct != 40 || done.Duplicates != 0 {
			t.Errorf("polled %+v, expected 40 messages once", done)
		}
		for _, e := range c.all("message") {
			if e.Number < first {
				t.Errorf("message %d came again", e.Number)
			}
		}
	}
}

func TestAGoClientThatKeepsItsOffsetsBeginsWhereItIsTold(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	runClient(t, s, "send", "-topic", topic, "-count", "20")
	// The client gives the time in whole seconds.
	second := time.Now().Truncate(time.Second).Add(2 * time.Second)
	time.Sleep(time.Until(second) + 20*time.Millisecond)
	runClient(t, s, "send", "-topic", topic, "-first", "20", "-count", "20")
	atTime := consumer(t, s, topic, topic+"-time", "-broadcast", "-from", second.Format("20060102150405"), "-want", "20", "-report")
	last := consumer(t, s, topic, topic+"-last", "-broadcast", "-from", "last", "-report")
	atTime.finish(t, patience)
	for first := int64(40); len(last.all("message")) == 0; first++ { // until it has its queues
		runClient(t, s, "send", "-topic", topic, "-first", itoa(first), "-count", "1")
	}
	last.stop(t)
	for _, e := range atTime.all("message") {
		if e.Number < 20 {
			t.Errorf("the consumer that begins at a time got message %d of before", e.Number)
		}
	}
	for _, e := range last.all("message") {
		if e.Number < 40 {
			t.Errorf("the consumer that begins with the last got message %d of before", e.Number)
		}
	}
}

func TestAGoClientThatStopsIsForgottenAtOnce(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	one := consumer(t, s, topic, topic)
	broker := dial(t, s.addr["broker"])
	members := func() int32 {
		return broker.call(t, remoting.CodeGetConsumerListByGroup, map[string]string{"consumerGroup": topic}, nil).Code
	}
	eventually(t, "the member is there", func() bool { return members() == remoting.RespSuccess })
	one.stop(t)
	if code := members(); code != remoting.RespSystemError {
		t.Errorf("the list of members after the only one has left: code %d, expected %d", code, remoting.RespSystemError)
	}
}

func TestAGoClientSendsAndConsumesOverTLS(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	runClient(t, s, "send", "-topic", topic, "-count", "20", "-tls")
	consumer(t, s, topic, topic, "-want", "20", "-tls").finish(t, patience)
}

func TestRequestsOfAGoClientAreReplied(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	if done := runClient(t, s, "request", "-topic", topic, "-count", "10").last("done"); done.Sent != 10 {
		t.Errorf("%d replies, expected 10", done.Sent)
	}
}
