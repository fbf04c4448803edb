package main

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestAPushConsumerGetsTheTagsItAskedFor(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	c := consumer(t, s, topic, topic, "-tags", "a || c", "-report")
	runClient(t, s, "send", "-topic", topic, "-count", "90", "-tags", "a,b,c")
	c.await(t, "60 messages", patience, func() bool { return c.last("progress").Distinct >= 60 })
	done := c.stop(t)
	if done.Distinct != 60 || done.Duplicates != 0 || done.Damaged != 0 {
		t.Errorf("consumed %+v, expected 60 messages once", done)
	}
	for _, e := range c.all("message") {
		if e.Tag != "a" && e.Tag != "c" {
			t.Errorf("message %d with tag %q was delivered", e.Number, e.Tag)
		}
	}
}

func TestAnOrderlyConsumerSeesEachQueueInItsOrder(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	runClient(t, s, "send", "-topic", topic, "-count", "100", "-queue", "-2")
	// One message is refused twice: the rest of its queue waits for it.
	c := consumer(t, s, topic, topic, "-orderly", "-want", "100", "-report", "-refuse", "42", "-refusals", "2")
	runClient(t, s, "send", "-topic", topic, "-first", "100", "-count", "20", "-queue", "-2")
	c.finish(t, patience)
	next := map[int]int64{}
	refused := 0
	for _, e := range c.all("message") {
		if e.Number == 42 {
			if refused++; refused < 3 {
				continue
			}
		}
		if e.QueueOffset != next[e.Queue] {
			t.Fatalf("queue %d: offset %d was delivered, expected %d", e.Queue, e.QueueOffset, next[e.Queue])
		}
		next[e.Queue]++
	}
	if refused != 3 {
		t.Errorf("message 42 was delivered %d times, expected 3", refused)
	}
}

func TestBroadcastReachesEveryConsumer(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	one := consumer(t, s, topic, topic, "-broadcast", "-want", "50")
	two := consumer(t, s, topic, topic, "-broadcast", "-want", "50")
	runClient(t, s, "send", "-topic", topic, "-count", "50")
	one.finish(t, patience)
	two.finish(t, patience)
}

func TestARefusedMessageComesAgainAndIsCounted(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	c := consumer(t, s, topic, topic, "-refuse", "7", "-refusals", "3", "-want", "20", "-report")
	runClient(t, s, "send", "-topic", topic, "-count", "20")
	c.finish(t, patience)
	var reconsumed []int32
	for _, e := range c.all("message") {
		if e.Number == 7 {
			if e.Topic != topic {
				t.Errorf("the retry shows the topic %s, expected %s", e.Topic, topic)
			}
			reconsumed = append(reconsumed, e.Reconsumed)
		}
	}
	if want := []int32{0, 1, 2, 3}; !slices.Equal(reconsumed, want) {
		t.Errorf("reconsume times %v, expected %v", reconsumed, want)
	}
}

func TestAMessageThatIsAlwaysRefusedBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	c := consumer(t, s, topic, topic, "-refuse", "3", "-refusals", "99", "-max-reconsume", "2", "-report")
	runClient(t, s, "send", "-topic", topic, "-count", "5")
	dead := "%DLQ%" + topic
	eventually(t, "the dead letter", func() bool {
		route := dial(t, s.addr["namesrv"]).call(t, remoting.CodeGetRouteInfoByTopic, map[string]string{"topic": dead}, nil)
		return route.Code == remoting.RespSuccess
	})
	var letters []event
	eventually(t, "the dead letter in its queue", func() bool {
		letters = pullAll(t, s, dead, 0)
		return len(letters) > 0
	})
	c.stop(t)
	if len(letters) != 1 || letters[0].Number != 3 || letters[0].Reconsumed != 3 {
		t.Errorf("dead letters %+v, expected message 3 after its third try", letters)
	}
	tries := 0
	for _, e := range c.all("message") {
		if e.Number == 3 {
			tries++
		}
	}
	if tries != 3 {
		t.Errorf("the message was tried %d times, expected 3", tries)
	}
}

func TestConsumersShareTheQueuesAndTakeOverFromOneThatLeaves(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	one := consumer(t, s, topic, topic, "-report")
	two := consumer(t, s, topic, topic, "-report")
	queues := func(c *client, from int) map[int]bool {
		m := map[int]bool{}
		for _, e := range c.all("message")[from:] {
			m[e.Queue] = true
		}
		return m
	}
	// Until the newcomer has its share, a message may reach either.
	first := int64(0)
	round := func() (ofOne, ofTwo map[int]bool) {
		n1, n2 := len(one.all("message")), len(two.all("message"))
		runClient(t, s, "send", "-topic", topic, "-first", itoa(first), "-count", "40")
		first += 40
		eventually(t, "all messages consumed", func() bool {
			return one.last("progress").Distinct+two.last("progress").Distinct >= first
		})
		return queues(one, n1), queues(two, n2)
	}
	eventually(t, "each has two queues", func() bool {
		a, b := round()
		for q := range a {
			if b[q] {
				return false
			}
		}
		return len(a) == 2 && len(b) == 2
	})
	before := one.stop(t)
	n := len(two.all("message"))
	runClient(t, s, "send", "-topic", topic, "-first", itoa(first), "-count", "40")
	first += 40
	eventually(t, "the other one has taken over", func() bool {
		return before.Distinct+two.last("progress").Distinct >= first
	})
	if got := queues(two, n); len(got) != 4 {
		t.Errorf("after the first has left, the second consumes the queues %v", got)
	}
	two.stop(t)
}

func TestOffsetsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir)
	topic := newTopic(t, s)
	runClient(t, s, "send", "-topic", topic, "-count", "100")
	consumer(t, s, topic, topic, "-want", "100").finish(t, patience)
	s.stop(t)

	s = start(t, dir)
	runClient(t, s, "send", "-topic", topic, "-first", "100", "-count", "10")
	c := consumer(t, s, topic, topic, "-want", "10", "-report")
	c.finish(t, patience)
	for _, e := range c.all("message") {
		if e.Number < 100 {
			t.Errorf("message %d comes again after the restart", e.Number)
		}
	}
	s.stop(t)
}

func TestAnOldGroupGoesOnAndANewOneStartsAtTheFirstMessage(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	runClient(t, s, "send", "-topic", topic, "-count", "40")
	consumer(t, s, topic, topic+"-first", "-want", "40", "-from", "first").finish(t, patience)
	// Nothing of the topic has been deleted yet: as with the peer, a new group starts at its beginning even if it asks for the end.
	consumer(t, s, topic, topic+"-last", "-want", "40", "-from", "last").finish(t, patience)
	runClient(t, s, "send", "-topic", topic, "-first", "40", "-count", "10")
	c := consumer(t, s, topic, topic+"-first", "-want", "10", "-from", "first", "-report")
	c.finish(t, patience)
	if e := c.all("message")[0]; e.Number < 40 {
		t.Errorf("message %d comes again to a group that has consumed it", e.Number)
	}
}

func TestAPullStartsAtATime(t *testing.T) {
	t.Parallel()
	s := shared(t)
	topic := newTopic(t, s)
	runClient(t, s, "send", "-topic", topic, "-count", "5", "-queue", "1")
	time.Sleep(5 * time.Millisecond) // store times are in ms
	between := time.Now().UnixMilli()
	time.Sleep(5 * time.Millisecond)
	runClient(t, s, "send", "-topic", topic, "-first", "5", "-count", "5", "-queue", "1")
	got := runClient(t, s, "pull", "-topic", topic, "-queue", "1", "-time", itoa(between)).all("message")
	if len(got) != 5 || got[0].Number != 5 {
		t.Errorf("pull from the time between two sends gave %+v", got)
	}
}

// TestAWaitingConsumerGetsAMessageWithinMilliseconds would take seconds a message if long polls were looked after by a timer.
func TestAWaitingConsumerGetsAMessageWithinMilliseconds(t *testing.T) {
	s := start(t, t.TempDir())
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	c := consumer(t, s, topic, topic, "-want", "50", "-report")
	eventually(t, "pulls of four queues and the group's retries wait", func() bool {
		_, body := get(t, s, "/metrics")
		return regexp.MustCompile(`(?m)^gantry_held_pulls\S* 5$`).MatchString(body)
	})
	sent := runClient(t, s, "send", "-topic", topic, "-count", "50", "-interval", "10ms", "-report").all("sent")
	c.finish(t, patience)
	arrived := map[int64]time.Duration{}
	for _, e := range c.all("message") {
		arrived[e.Number] = time.Duration(e.Micros) * time.Microsecond
	}
	// A slow disk delays storing. What is looked at is how long after its acknowledgement a message arrives.
	var took []time.Duration
	for _, e := range sent {
		took = append(took, arrived[e.Number]-time.Duration(e.Micros)*time.Microsecond)
	}
	slices.Sort(took)
	t.Logf("from the acknowledgement to the consumer: median %v, 90%% %v, longest %v", took[25], took[45], took[49])
	if took[25] > 50*time.Millisecond {
		t.Errorf("median %v", took[25])
	}
}
