package main

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// TestMessagesOfAJavaProducerReachAGoConsumerOverAKill kills the broker in the middle; producer and consumer go on when it is back.
func TestMessagesOfAJavaProducerReachAGoConsumerOverAKill(t *testing.T) {
	java := needJava(t, javaClient5)
	dir := t.TempDir()
	s := start(t, dir)
	topic := newTopic(t, s)
	newGroup(t, s, topic, topic)
	count := itoa(many())
	out := consumer(t, s, topic, topic, "-want", count, "-timeout", manyPatience.String())
	in := follow(t, "Stream", java.java(t, "cases.Stream", s.addr["namesrv"], topic, count, "1024"))
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
	t.Logf("%d messages: %d tries failed, consumed in %.1f s (%d came twice)", many(), sent.Failed, consumed.Seconds, consumed.Duplicates)
	s.stop(t)
	verify(t, s)
}

// TestNothingIsLostWhileConsumersComeAndGo has eight members of a group come and go on 64 queues: for 3 minutes with GANTRY_LONG=1, else for 15 s.
func TestNothingIsLostWhileConsumersComeAndGo(t *testing.T) {
	seconds := 15
	if os.Getenv("GANTRY_LONG") == "1" {
		seconds = 180
	}
	for _, client := range []func() (*javaClient, error){javaClient4, javaClient5} {
		java := needJava(t, client)
		for _, mode := range []string{"concurrently", "orderly"} {
			t.Run(mode+" "+java.version, func(t *testing.T) { torture(t, java, mode, seconds) })
		}
	}
}

func torture(t *testing.T, java *javaClient, mode string, seconds int) {
	s := start(t, t.TempDir(), "--set", "brokerName=broker-a")
	seed := rand.Int64()
	cmd := java.java(t, "cases.Torture", s.addr["namesrv"], s.addr["broker"], "broker-a", mode, itoa(seconds), itoa(seed))
	watch := time.AfterFunc(time.Duration(seconds)*time.Second+3*time.Minute, func() { cmd.Process.Kill() })
	defer watch.Stop()
	var stderr syncBuffer
	cmd.Stderr = &stderr
	said, err := cmd.Output()
	var r struct{ Sent, Seen, Changes, Duplicates, QuietDuplicates, Late int }
	if err = errors.Join(err, json.Unmarshal(said, &r)); err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, tail(stderr.String()))
	}
	t.Logf("seed %d: %+v", seed, r)
	if r.Seen != r.Sent || r.Sent < 1000 {
		t.Errorf("%d of %d messages came", r.Seen, r.Sent)
	}
	if r.QuietDuplicates != 0 {
		t.Errorf("%d messages came twice while nobody came or went", r.QuietDuplicates)
	}
	if mode == "orderly" && r.Late != 0 {
		t.Errorf("%d messages came before an earlier one of their queue", r.Late)
	}
}
