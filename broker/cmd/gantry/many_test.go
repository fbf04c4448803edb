package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// many is how many messages of 1 KiB go through a broker: a million with GANTRY_LONG=1.
func many() int64 {
	if os.Getenv("GANTRY_LONG") == "1" {
		return 1_000_000
	}
	return 50_000
}

const manyPatience = 20 * time.Minute

func TestManyMessagesGoThroughOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	in, out := runMany(t, s, topic)
	sent, consumed := in.finish(t, manyPatience), out.finish(t, manyPatience)
	if sent.Sent != many() || sent.Failed != 0 {
		t.Errorf("sent %+v, expected %d without a failure", sent, many())
	}
	if consumed.Distinct != many() || consumed.Duplicates != 0 || consumed.Damaged != 0 {
		t.Errorf("consumed %+v, expected %d once and whole", consumed, many())
	}
	t.Logf("%d messages: sent in %.1f s, consumed in %.1f s", many(), sent.Seconds, consumed.Seconds)
	s.stop(t)
	verify(t, s)
}

// TestManyMessagesGoThroughAKilledBroker kills the broker in the middle. Producer and consumer go on when it is back. What was acknowledged
// arrives; a message whose acknowledgement got lost was sent again, and may arrive twice.
func TestManyMessagesGoThroughAKilledBroker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, dir)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	in, out := runMany(t, s, topic)
	in.await(t, "half of the messages", manyPatience, func() bool { return in.last("progress").Sent >= many()/2 })
	s.kill()
	s = start(t, dir, s.again()...)
	sent, consumed := in.finish(t, manyPatience), out.finish(t, manyPatience)
	if sent.Sent != many() || sent.Failed == 0 {
		t.Errorf("sent %+v, expected %d and some failures", sent, many())
	}
	if consumed.Distinct != many() || consumed.Damaged != 0 {
		t.Errorf("consumed %+v, expected %d whole", consumed, many())
	}
	t.Logf("%d messages: sent in %.1f s (%d tries failed), consumed in %.1f s (%d came twice)", many(), sent.Seconds, sent.Failed, consumed.Seconds, consumed.Duplicates)
	s.stop(t)
	verify(t, s)
}

// runMany starts a producer and a consumer of all messages.
func runMany(t *testing.T, s *server, topic string) (producer, consuming *client) {
	t.Helper()
	count := itoa(many())
	consuming = consumer(t, s, topic, topic, "-want", count, "-timeout", manyPatience.String())
	producer = startClient(t, s, "send", "-topic", topic, "-count", count, "-size", "1024", "-workers", "16", "-persist", "-timeout", manyPatience.String())
	return producer, consuming
}

// verify checks every record, queue and key of the store that s has left.
func verify(t *testing.T, s *server) {
	t.Helper()
	gantry, err := gantry()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(gantry, "store", "verify", s.addr["store"]).CombinedOutput(); err != nil {
		t.Errorf("gantry store verify: %v\n%s", err, out)
	}
}
