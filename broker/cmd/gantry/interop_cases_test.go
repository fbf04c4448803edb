package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"strings"
	"testing"
	"time"
)

var javaCases = flag.String("java-cases", "", "run only the cases of RocketMQ's Java clients that match this regular expression")

// fastLevels are delay levels that a test can wait for.
const fastLevels = "messageDelayLevel=1s 2s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s"

func TestJavaClient4Cases(t *testing.T) { runJavaCases(t, needJava(t, javaClient4)) }

func TestJavaClient5Cases(t *testing.T) { runJavaCases(t, needJava(t, javaClient5)) }

// runJavaCases runs the cases of .ci/interop/java/cases in one Java process against a server of their own. Each is a subtest.
func runJavaCases(t *testing.T, c *javaClient) {
	s := start(t, t.TempDir(), "--set", fastLevels, "--set", "brokerName=broker-a")
	cmd := c.java(t, "cases.Suite", s.addr["namesrv"], s.addr["broker"], "broker-a", *javaCases)
	var stderr syncBuffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watch := time.AfterFunc(5*time.Minute, func() { cmd.Process.Kill() })
	defer func() {
		watch.Stop()
		cmd.Process.Kill()
		cmd.Wait() // each case has said how it ended
	}()

	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	next := func(into any) {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the Java process has ended before it was done: %v\n%s", lines.Err(), stderr.String())
		}
		if err := json.Unmarshal(lines.Bytes(), into); err != nil {
			t.Fatalf("the Java process says %q: %v", lines.Text(), err)
		}
	}
	var first struct {
		Client string
		Cases  []string
	}
	next(&first)
	if got := strings.TrimPrefix(strings.ReplaceAll(first.Client, "_", "."), "V"); got != c.version {
		t.Fatalf("the client calls itself %s, expected %s", got, c.version)
	}
	for range first.Cases {
		var result struct {
			Case, Error string
			Millis      int64
		}
		next(&result)
		t.Run(result.Case, func(t *testing.T) {
			t.Logf("%d ms", result.Millis)
			if result.Error != "" {
				t.Error(result.Error)
			}
		})
	}
}
