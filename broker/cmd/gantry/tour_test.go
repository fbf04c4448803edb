package main

import (
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestTheTourOfTheReadme runs the program and the commands that the README shows, on the ports that it names.
func TestTheTourOfTheReadme(t *testing.T) {
	path := program(t, tour)
	for _, port := range []string{"9876", "10911"} {
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Skipf("the tour uses fixed ports: %v", err)
		}
		l.Close()
	}
	dir := t.TempDir()
	s := start(t, dir, "--namesrv-port", "9876", "--broker-port", "10911")
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i := range 10 {
		if line := "received  sight " + strconv.Itoa(i) + "\n"; !strings.Contains(string(out), line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
	if _, body := get(t, s, "/metrics"); !regexp.MustCompile(`(?m)^rocketmq_messages_in_total\S* 10$`).MatchString(body) {
		t.Errorf("the metrics don't say that 10 messages came:\n%s", body)
	}
	s.stop(t)
	gantry, err := gantry()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"stats"}, {"dump", "--topic", "tour"}, {"verify"}} {
		args = append([]string{"store", args[0], s.addr["store"]}, args[1:]...)
		if out, err := exec.Command(gantry, args...).CombinedOutput(); err != nil {
			t.Errorf("gantry %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
