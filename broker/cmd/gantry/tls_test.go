package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

func TestRolesSpeakTLSWithClientsAndWithEachOther(t *testing.T) {
	t.Parallel()
	names := startNamesrv(t, t.TempDir(), "--set", "tls.server.mode=enforcing")
	b := startBroker(t, t.TempDir(), names.addr["namesrv"], "--set", "tls.enable=true", "--set", "tls.server.mode=enforcing")
	for name, addr := range map[string]string{"namesrv": names.addr["namesrv"], "broker": b.addr["broker"]} {
		for encrypted, config := range map[bool]*tls.Config{true: {InsecureSkipVerify: true}, false: nil} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			answer, err := ask(ctx, remoting.Dialer{TLS: config, Logger: slog.New(slog.DiscardHandler)}, addr)
			cancel()
			if (err == nil) != encrypted {
				t.Errorf("%s, TLS %v: %v", name, encrypted, err)
			}
			if encrypted && err == nil && name == "namesrv" && answer.Code != remoting.RespSuccess {
				t.Errorf("the broker has not registered: %s", answer.Remark)
			}
		}
	}
}

// ask asks for a route. A broker answers that it doesn't know the request.
func ask(ctx context.Context, d remoting.Dialer, addr string) (*remoting.Response, error) {
	c, err := d.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r := &remoting.Request{Code: remoting.CodeGetRouteInfoByTopic}
	r.Fields.Add("topic", "TBW102")
	return c.Call(ctx, r)
}

func TestKeysOfTLSThatDoNotFitAreRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	refused(t, "tls.server.certPath", t.TempDir(), "--set", "tls.test.mode.enable=false")
	refused(t, "tls.server.mode", t.TempDir(), "--set", "tls.server.mode="+strings.Repeat("x", 3))
}
