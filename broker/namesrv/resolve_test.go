package namesrv

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAHostMayStandForSeveralNameServers(t *testing.T) {
	var log strings.Builder
	r := NewRegistrar(RegistrarOptions{Addrs: []string{"localhost:9876", "127.0.0.1:9876", "127.0.0.2:9877"}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	got := r.resolve(t.Context(), nil)
	if !slices.Contains(got, "127.0.0.1:9876") && !slices.Contains(got, "[::1]:9876") || !slices.Contains(got, "127.0.0.2:9877") {
		t.Errorf("got %v", got)
	}
	if len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("twice: %v", got)
	}
	r.o.Addrs = []string{"no port"}
	if again := r.resolve(t.Context(), got); !slices.Equal(again, got) || !strings.Contains(log.String(), "no port") {
		t.Errorf("a failed look-up led to %v: %s", again, &log)
	}
}

func TestNameServersAreLookedUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNetwork(t)
		s := w.start("127.0.0.2:1")
		r, _ := w.registrar(RegistrarOptions{Addrs: []string{"127.0.0.1:1"}, Resolve: time.Minute})
		r.Start(brokerA, newTable("orders", "other"))
		defer r.Close()
		r.SetAddrs([]string{"127.0.0.2:1"})
		synctest.Wait()
		if len(s.names.Topics()) != 2 {
			t.Fatal("the name server wasn't told")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(s.names.Topics()) != 0 {
			t.Error("a name server that is none any more still knows the broker")
		}
	})
}
