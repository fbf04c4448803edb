package namesrv

import (
	"encoding/json"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
)

// caught hands the connection of the first request to a test.
type caught struct{ conn chan *remoting.Conn }

func (h caught) Serve(c *remoting.Conn, _ []remoting.Command) { h.conn <- c }
func (h caught) Closed(*remoting.Conn)                        {}

// someConn returns a connection as a handler sees it.
func someConn(f *testing.F) *remoting.Conn {
	quiet := slog.New(slog.DiscardHandler)
	h := caught{make(chan *remoting.Conn, 1)}
	s := remoting.NewServer(h, remoting.ServerOptions{Logger: quiet})
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(&oneConn{conns: []net.Conn{theirs}})
	}()
	c := remoting.Dialer{Logger: quiet}.Client(ours)
	f.Cleanup(func() {
		_ = c.Close()
		_ = s.Close()
		<-done
	})
	if err := c.Oneway(&remoting.Request{Code: 1}); err != nil {
		f.Fatal(err)
	}
	return <-h.conn
}

// FuzzRequest sends two requests to a name server that knows a broker. Whatever they are, they get an answer, and routes and lists
// stay readable.
func FuzzRequest(f *testing.F) {
	conn := someConn(f)
	body, err := topics(4, "orders", "other").encode(false)
	if err != nil {
		f.Fatal(err)
	}
	self := strings.Join(brokerA.strings(), "\n")
	f.Add(remoting.CodeRegisterBroker, self, body, remoting.CodeGetBrokerClusterInfo, "", []byte(nil))
	f.Add(remoting.CodeRegisterBroker, self+"\nenableActingMaster=true\nbrokerId=3\nheartbeatTimeoutMillis=-1\n__ZONE_NAME=z", body, remoting.CodeUnregisterBroker, self, []byte(nil))
	f.Add(remoting.CodeRegisterTopicInNamesrv, "topic=orders", []byte(`{"queueDatas":[{"brokerName":"a","perm":-1}]}`), remoting.CodeWipeWritePermOfBroker, "brokerName=a", []byte(nil))
	f.Add(remoting.CodeQueryDataVersion, self, []byte(`{"counter":3,timestamp:2}`), remoting.CodeBrokerHeartbeat, self, []byte(nil))
	f.Add(remoting.CodePutKVConfig, "namespace="+orderNamespace+"\nkey=orders\nvalue=\xff\"", []byte(nil), remoting.CodeGetKVListByNamespace, "namespace="+orderNamespace, []byte(nil))
	f.Add(remoting.CodeDeleteTopicInNamesrv, "topic=orders\nclusterName=c", []byte(nil), remoting.CodeGetTopicsByCluster, "cluster=c", []byte(nil))
	f.Add(remoting.CodeUpdateNamesrvConfig, "", []byte("a=b"), remoting.CodeGetUnitTopicList, "", []byte(nil))
	f.Fuzz(func(t *testing.T, code1 int32, fields1 string, body1 []byte, code2 int32, fields2 string, body2 []byte) {
		n, err := New(Options{Logger: slog.New(slog.DiscardHandler), Rules: Rules{ActingMaster: true, NotifyMinID: true, OrderInRoutes: true, DeleteMissing: true}})
		if err != nil {
			t.Fatal(err)
		}
		register(t, n, brokerA, topics(4, "orders", "other"))
		for _, r := range []struct {
			code   int32
			fields string
			body   []byte
		}{{code1, fields1, body1}, {code2, fields2, body2}} {
			cmd := &remoting.Command{Code: r.code, Version: remoting.Version55, Body: r.body}
			for line := range strings.SplitSeq(r.fields, "\n") {
				name, value, _ := strings.Cut(line, "=")
				cmd.Fields.Add(name, value)
			}
			if a := n.answer(conn, cmd); a.code != remoting.RespSuccess && a.remark == "" {
				t.Errorf("code %d: refused with %d and no remark", r.code, a.code)
			}
			if _, err := n.routeFor([]byte("orders"), cmd); err != nil {
				t.Error(err)
			}
		}
		n.Expire()
		for _, topic := range n.Topics() {
			for _, ids := range []fastjson.Integers{fastjson.QuotedIntegers, fastjson.BareIntegers} {
				b, err := n.Route([]byte(topic), ids)
				if err != nil || b == nil {
					t.Fatalf("no route of %q (%v)", topic, err)
				}
				var r struct {
					Brokers []struct {
						Addrs map[int64]string `json:"brokerAddrs"`
					} `json:"brokerDatas"`
				}
				if err := fastjson.Unmarshal(b, &r); err != nil || len(r.Brokers) == 0 {
					t.Fatalf("route of %q: %v\n%s", topic, err, b)
				}
			}
		}
		if b, err := n.Clusters(); err != nil || !json.Valid(b) {
			t.Fatalf("%v %s", err, b)
		}
	})
}
