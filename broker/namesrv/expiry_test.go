package namesrv

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestASilentBrokerIsForgottenAfterTheTimeItAnnounced(t *testing.T) {
	c := newClock()
	n := newNamesrv(t, Options{Now: c.read})
	quick := Broker{Cluster: "c", Name: "quick", Addr: "q:1", Silence: 10 * time.Second}
	local := Broker{Cluster: "c", Name: "local", Addr: "l:1", Silence: -1}
	for _, b := range []Broker{brokerA, quick, local} {
		register(t, n, b, topics(1, b.Name, "all"))
	}
	for _, step := range []struct {
		after   time.Duration
		signs   []Broker
		brokers int
	}{
		{10 * time.Second, nil, 3},
		{time.Millisecond, nil, 2},
		{2*time.Minute - 11*time.Second, nil, 2},
		{0, []Broker{brokerA, quick}, 2}, // quick isn't registered any more
		{2 * time.Minute, nil, 2},
		{time.Millisecond, nil, 1},
		{1000 * time.Hour, nil, 1},
	} {
		c.pass(step.after)
		for _, b := range step.signs {
			n.Alive(b.Cluster, b.Addr)
		}
		n.Expire()
		if got := len(route(t, n, "all").Brokers); got != step.brokers {
			t.Errorf("%v later there are %d brokers, %d expected", step.after, got, step.brokers)
		}
	}
}

func TestRunLooksForSilentBrokersUntilItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNamesrv(t, Options{})
		register(t, n, brokerA, topics(1, "orders", "other"))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			n.Run(ctx)
		}()
		time.Sleep(2*time.Minute + 4*time.Second)
		synctest.Wait()
		if len(n.Topics()) == 0 {
			t.Error("forgotten too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(n.Topics()) != 0 {
			t.Error("not forgotten")
		}
		stop()
		<-done
	})
}

func TestEverySignOfLifeCounts(t *testing.T) {
	c := newClock()
	n := newNamesrv(t, Options{Now: c.read})
	register(t, n, brokerA, topics(1, "orders", "other"))
	p := dial(t, listen(t, n))
	for what, sign := range map[string]func(){
		"heartbeat":  func() { p.want(remoting.RespSuccess, "", remoting.CodeBrokerHeartbeat, nil, brokerA.strings()...) },
		"version":    func() { p.do(remoting.CodeQueryDataVersion, []byte(`{"counter":1}`), brokerA.strings()...) },
		"registered": func() { register(t, n, brokerA, topics(1, "orders", "other")) },
	} {
		c.pass(100 * time.Second)
		sign()
		c.pass(100 * time.Second)
		if n.Expire(); len(n.Topics()) == 0 {
			t.Fatalf("%s is no sign of life", what)
		}
	}
}

func TestTheVersionOfARegistrationTellsWhetherAnotherIsNeeded(t *testing.T) {
	n := newNamesrv(t, Options{})
	r := topics(1, "orders", "other")
	r.Version = meta.DataVersion{StateVersion: 1, Timestamp: 2, Counter: 3}
	register(t, n, brokerA, r)
	p := dial(t, listen(t, n))
	const ours = `{"stateVersion":1,"timestamp":2,"counter":3}`
	for body, changed := range map[string]string{ours: "false", `{"counter":3,timestamp:2}`: "true"} {
		resp := p.want(remoting.RespSuccess, ours, remoting.CodeQueryDataVersion, []byte(body), brokerA.strings()...)
		if got := resp.Fields.Str("changed"); got != changed {
			t.Errorf("%s: changed=%s, %s expected", body, got, changed)
		}
	}
	stranger := Broker{Cluster: "c", Name: "x", Addr: "x:1"}
	if got := p.want(remoting.RespSuccess, "", remoting.CodeQueryDataVersion, []byte(ours), stranger.strings()...).Fields.Str("changed"); got != "true" {
		t.Errorf("a broker that is unknown: changed=%s", got)
	}
	p.want(remoting.RespSystemError, "data version", remoting.CodeQueryDataVersion, []byte("{"), brokerA.strings()...)
}

func TestABrokerGoesWithItsConnection(t *testing.T) {
	n := newNamesrv(t, Options{})
	addr := listen(t, n)
	first, second := dial(t, addr), dial(t, addr)
	body, err := topics(1, "orders", "other").encode(false)
	must(t, err)
	first.want(remoting.RespSuccess, "", remoting.CodeRegisterBroker, body, brokerA.strings()...)
	second.want(remoting.RespSuccess, "", remoting.CodeRegisterBroker, body, brokerA.strings()...)
	// The broker has reconnected: the end of its former connection means nothing.
	must(t, first.Close())
	third := dial(t, addr)
	third.want(remoting.RespSuccess, "", remoting.CodeBrokerHeartbeat, nil, brokerA.strings()...)
	if len(n.Topics()) != 2 {
		t.Fatal("the end of an old connection took the broker along")
	}
	must(t, second.Close())
	eventually(t, "the broker is still there", func() bool { return len(n.Topics()) == 0 })
}

func TestAnExpiredBrokerIsDisconnected(t *testing.T) {
	c := newClock()
	n := newNamesrv(t, Options{Now: c.read})
	p := dial(t, listen(t, n))
	body, err := topics(1, "orders", "other").encode(false)
	must(t, err)
	p.want(remoting.RespSuccess, "", remoting.CodeRegisterBroker, body, append(brokerA.strings(), "heartbeatTimeoutMillis=1000")...)
	c.pass(1001 * time.Millisecond)
	n.Expire()
	select {
	case <-p.Done():
	case <-time.After(10 * time.Second):
		t.Error("the connection is still open")
	}
}

// eventually waits for what another goroutine brings about.
func eventually(t *testing.T, otherwise string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise)
		}
	}
}
