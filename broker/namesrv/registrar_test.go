package namesrv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

func newRegistrar(t *testing.T) (*Registrar, *strings.Builder) {
	var log strings.Builder
	r := NewRegistrar(RegistrarOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	t.Cleanup(r.Close)
	return r, &log
}

// deadAddr is an address at which nobody listens.
func deadAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

func TestABrokerRegistersWithAllNameServersThatLive(t *testing.T) {
	one, two := newNamesrv(t, Options{}), newNamesrv(t, Options{})
	addrs := []string{listen(t, one), deadAddr(t), listen(t, two)}
	r, log := newRegistrar(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := r.Register(ctx, addrs, brokerA, topics(4, "orders", "other")); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*Namesrv{one, two} {
		if rt := route(t, n, "orders"); len(rt.Queues) != 1 || rt.Brokers[0].Addrs[0] != brokerA.Addr {
			t.Errorf("route %+v", rt)
		}
	}
	if !strings.Contains(log.String(), addrs[1]) {
		t.Errorf("nothing was said about the dead one: %s", log)
	}
	replica := Broker{Cluster: "c", Name: "a", ID: 1, Addr: "r:1", Zone: "z", Silence: time.Hour}
	got, err := r.Register(ctx, addrs, replica, topics(4, "orders", "other"))
	if want := (Registered{HAAddr: brokerA.HAAddr, MasterAddr: brokerA.Addr}); err != nil || got != want {
		t.Errorf("the replica was told %+v (%v), %+v expected", got, err, want)
	}
	must(t, r.Unregister(ctx, addrs, brokerA))
	if rt := route(t, one, "orders"); len(rt.Brokers[0].Addrs) != 1 {
		t.Errorf("after unregistering: %+v", rt)
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if l := one.live[address{"c", "r:1"}]; l.silence != time.Hour || one.brokers["a"].zone != "z" {
		t.Errorf("silence %v, zone %q", l.silence, one.brokers["a"].zone)
	}
}

func TestWithoutANameServerRegisteringFailsAndNamesEach(t *testing.T) {
	r, _ := newRegistrar(t)
	dead := []string{deadAddr(t), deadAddr(t)}
	_, err := r.Register(t.Context(), dead, brokerA, topics(4, "orders", "other"))
	if !errors.Is(err, ErrNoNamesrv) || !strings.Contains(err.Error(), dead[0]) || !strings.Contains(err.Error(), dead[1]) {
		t.Error(err)
	}
	if _, err := r.Register(t.Context(), nil, brokerA, topics(4)); !errors.Is(err, ErrNoNamesrv) {
		t.Error(err)
	}
	refusing := listen(t, newNamesrv(t, Options{}))
	_, err = r.Register(t.Context(), []string{refusing}, brokerA, topics(4, "alone"))
	var code *remoting.CodeError
	if !errors.Is(err, ErrNoNamesrv) || !errors.As(err, &code) || code.Code != remoting.RespSystemError {
		t.Error(err)
	}
}

func TestARegistrarReconnectsAndLetsGo(t *testing.T) {
	n := newNamesrv(t, Options{})
	addr := listen(t, n)
	r, _ := newRegistrar(t)
	registered := func() {
		t.Helper()
		if _, err := r.Register(t.Context(), []string{addr}, brokerA, topics(4, "orders", "other")); err != nil {
			t.Fatal(err)
		}
		if len(n.Topics()) != 2 {
			t.Fatal("the name server doesn't know the broker")
		}
	}
	forgotten := func(otherwise string) {
		t.Helper()
		eventually(t, otherwise, func() bool { return len(n.Topics()) == 0 })
	}
	registered()
	client := r.links[addr].client
	registered()
	if r.links[addr].client != client {
		t.Error("a second connection for the second registration")
	}
	must(t, client.Close())
	forgotten("the broker outlives its connection")
	registered()
	_, err := r.Register(t.Context(), []string{listen(t, newNamesrv(t, Options{}))}, brokerA, topics(4, "orders", "other"))
	must(t, err)
	forgotten("the connection to a name server that is no longer listed is still open")
	registered()
	r.Close()
	forgotten("the broker outlives its registrar")
}

func TestALargeRegistrationGoesOutCompressed(t *testing.T) {
	n := newNamesrv(t, Options{})
	r, _ := newRegistrar(t)
	names := make([]string, 10000)
	for i := range names {
		names[i] = fmt.Sprintf("topic-%d", i)
	}
	reg := topics(4, names...)
	plain, err := reg.encode(false)
	must(t, err)
	if len(plain) < compressFrom {
		t.Fatalf("%d bytes aren't large", len(plain))
	}
	_, err = r.Register(t.Context(), []string{listen(t, n)}, brokerA, reg)
	must(t, err)
	if got := len(n.Topics()); got != len(names) {
		t.Errorf("%d topics arrived, %d expected", got, len(names))
	}
}
