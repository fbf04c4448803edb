package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestUpSaysInOneLineWhatListens(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	if !strings.HasPrefix(s.ready, "gantry ready ") {
		t.Errorf("ready line %q", s.ready)
	}
	for _, name := range []string{"namesrv", "broker", "http"} {
		c, err := net.Dial("tcp", s.addr[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.Close()
	}
	if want := filepath.Join(dir, "store"); s.addr["store"] != want {
		t.Errorf("store=%s, expected %s", s.addr["store"], want)
	}
	s.stop(t)
	if _, err := os.Stat(filepath.Join(dir, "store", "abort")); err == nil {
		t.Error("the abort file is there after a clean stop")
	}
}

func TestHealthReadinessAndMetricsAreServed(t *testing.T) {
	s := shared(t)
	for path, want := range map[string]string{
		"/healthz": "ok\n", "/readyz": "ready\n", "/metrics": `rocketmq_broker_permission{cluster="DefaultCluster",node_type="broker",node_id="broker-a"} 6`,
	} {
		code, body := get(t, s, path)
		if code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("GET %s: %d, expected 200 with %q in\n%s", path, code, want, body)
		}
	}
}

func get(t testing.TB, s *server, path string) (int, string) {
	t.Helper()
	r, err := http.Get("http://" + s.addr["http"] + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func TestASecondSIGTERMEndsTheProcessAtOnce(t *testing.T) {
	s := start(t, t.TempDir())
	// A client that doesn't close its side keeps the stop waiting for a while.
	c := dial(t, s.addr["broker"])
	if code := c.call(t, remoting.CodeGetMaxOffset, map[string]string{"topic": "none"}, nil).Code; code != remoting.RespTopicNotExist {
		t.Errorf("code %d", code)
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.waitLog(t, "msg=stopping")
	s.cmd.Process.Signal(syscall.SIGTERM)
	<-s.exited
	if w := s.state.Sys().(syscall.WaitStatus); !w.Signaled() || w.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v, expected by the second SIGTERM", s.state)
	}
}

func TestATakenPortIsNamedBeforeTheStoreIsTouched(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, flag := range []string{"--namesrv-port", "--broker-port", "--http-port"} {
		dir := filepath.Join(t.TempDir(), "data")
		refused(t, l.Addr().String(), dir, flag, port)
		if _, err := os.Stat(filepath.Join(dir, "store", "commitlog")); err == nil {
			t.Errorf("%s: the store was touched", flag)
		}
	}
}

func TestAStoreInUseIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	refused(t, "lock", dir)
	if code, _ := get(t, s, "/readyz"); code != http.StatusOK {
		t.Errorf("the first one is not ready any more: %d", code)
	}
}

func TestConfigurationComesFromTheFileAndFromSet(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broker.conf")
	if err := os.WriteFile(file, []byte("# as the peer has it\nbrokerName=from-file\nbrokerClusterName=c1\nnoSuchKey=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := start(t, t.TempDir(), "-c", file, "--set", "brokerName=from-set", "--advertise", "localhost")
	if _, body := get(t, s, "/metrics"); !strings.Contains(body, `cluster="c1",node_type="broker",node_id="from-set"`) {
		t.Errorf("--set doesn't win over the file:\n%s", body)
	}
	if !strings.Contains(s.stderr.String(), "noSuchKey") {
		t.Error("no warning about a key that doesn't exist")
	}
	r := dial(t, s.addr["namesrv"]).call(t, remoting.CodeGetRouteInfoByTopic, map[string]string{"topic": "TBW102"}, nil)
	_, port, _ := net.SplitHostPort(s.addr["broker"])
	if want := "localhost:" + port; r.Code != remoting.RespSuccess || !bytes.Contains(r.Body, []byte(want)) {
		t.Errorf("route: code %d, %q; expected the advertised address %s", r.Code, r.Body, want)
	}
	s.stop(t)
	refused(t, "mappedFileSizeCommitLog", t.TempDir(), "--set", "mappedFileSizeCommitLog=many")
}

// refused runs a `gantry up` that must end with exit code 1 and an error that speaks of what is wrong.
func refused(t *testing.T, what, dir string, args ...string) {
	t.Helper()
	cmd := command(t, dir, args...)
	time.AfterFunc(patience, func() { cmd.Process.Kill() })
	out, _ := cmd.CombinedOutput() // the exit code says it
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), what) {
		t.Errorf("gantry up %s: exit code %d, expected 1 and an error about %q:\n%s", strings.Join(args, " "), code, what, out)
	}
}

// TestUnknownRequestsAreAnsweredWithCode3 speaks bytes, so that nothing on this side helps.
func TestUnknownRequestsAreAnsweredWithCode3(t *testing.T) {
	s := shared(t)
	for _, role := range []string{"namesrv", "broker"} {
		c, err := net.Dial("tcp", s.addr[role])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		header := `{"code":7777,"flag":0,"language":"JAVA","opaque":42,"serializeTypeCurrentRPC":"JSON","version":500}`
		frame := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)))
		frame = binary.BigEndian.AppendUint32(frame, uint32(len(header)))
		if _, err := c.Write(append(frame, header...)); err != nil {
			t.Fatal(err)
		}
		var prefix [8]byte
		if _, err := io.ReadFull(c, prefix[:]); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, binary.BigEndian.Uint32(prefix[:])-4)
		if _, err := io.ReadFull(c, answer); err != nil {
			t.Fatal(err)
		}
		var r struct {
			Code, Opaque, Flag int
			Remark             string
		}
		if err := json.Unmarshal(answer[:binary.BigEndian.Uint32(prefix[4:])&0xFFFFFF], &r); err != nil {
			t.Fatal(err)
		}
		if r.Code != 3 || r.Opaque != 42 || r.Flag&1 == 0 || !strings.Contains(r.Remark, "7777") {
			t.Errorf("%s answered %+v", role, r)
		}
	}
}

// caller is a plain Remoting connection.
type caller struct{ c *remoting.Client }

func dial(t testing.TB, addr string) caller {
	t.Helper()
	c, err := remoting.Dial(context.Background(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return caller{c}
}

func (c caller) call(t testing.TB, code int32, fields map[string]string, body []byte) *remoting.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r := remoting.Request{Code: code, Body: body}
	for name, value := range fields {
		r.Fields.Add(name, value)
	}
	answer, err := c.c.Call(ctx, &r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func itoa[T int | int64](n T) string { return fmt.Sprint(n) }

func TestAnOpenAddressIsWarnedOf(t *testing.T) {
	for bind, open := range map[string]bool{"127.0.0.1": false, "::1": false, "localhost": false, "0.0.0.0": true, "::": true, "10.0.0.7": true, "mq.example.org": true} {
		if got := !loopback(bind); got != open {
			t.Errorf("%s: open %v, expected %v", bind, got, open)
		}
	}
	for _, e := range []encryption{{}, {require: true}, {asks: true}} {
		if e.knowsClients() {
			t.Errorf("%+v knows its clients", e)
		}
	}
	if e := (encryption{require: true, asks: true}); !e.knowsClients() {
		t.Errorf("%+v knows nobody", e)
	}
}
