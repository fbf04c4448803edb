package admin

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// asked is a request that a fake server got.
type asked struct {
	code   int32
	fields map[string]string
	body   string
}

// String is what most tests compare: the code's name and the fields, sorted.
func (a asked) String() string {
	text := remoting.RequestName(a.code)
	for _, name := range slices.Sorted(maps.Keys(a.fields)) {
		text += " " + name + "=" + a.fields[name]
	}
	if a.body != "" {
		text += " | " + a.body
	}
	return text
}

// answer is what a fake server says.
type answer struct {
	code   int32
	remark string
	fields map[string]string
	body   string
}

// fake is a server that answers as it is told to, and remembers what it was asked. What it wasn't told about it refuses as unknown.
type fake struct {
	addr string

	mu      sync.Mutex // guards what follows
	answers map[int32]func(asked) answer
	log     []asked
	conns   map[*remoting.Conn]bool
}

func newFake(t *testing.T) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{addr: l.Addr().String(), answers: map[int32]func(asked) answer{}, conns: map[*remoting.Conn]bool{}}
	s := remoting.NewServer(f, remoting.ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(l) // ends with the test, when Shutdown makes it
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.Shutdown(ctx)
		<-done
	})
	return f
}

// on says how to answer a code.
func (f *fake) on(code int32, do func(asked) answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[code] = do
}

// says is on with the same answer each time.
func (f *fake) says(code int32, a answer) { f.on(code, func(asked) answer { return a }) }

// got are the requests so far with one of the codes; without codes, all.
func (f *fake) got(codes ...int32) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, a := range f.log {
		if len(codes) == 0 || slices.Contains(codes, a.code) {
			all = append(all, a.String())
		}
	}
	return all
}

// first is a copy of the first request with a code.
func (f *fake) first(t *testing.T, code int32) asked {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.log {
		if a.code == code {
			a.fields = maps.Clone(a.fields)
			return a
		}
	}
	t.Fatalf("%s was never asked", remoting.RequestName(code))
	return asked{}
}

// hangUp ends the connections of the first request and returns how many requests there were.
func (f *fake) hangUp() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.log) == 1 {
		for c := range f.conns {
			c.Close()
		}
	}
	return len(f.log)
}

func (f *fake) Serve(c *remoting.Conn, cmds []remoting.Command) {
	for i := range cmds {
		a := asked{code: cmds[i].Code, fields: map[string]string{}, body: string(cmds[i].Body)}
		for _, field := range cmds[i].Fields {
			a.fields[string(field.Key)] = string(field.Value)
		}
		f.mu.Lock()
		f.log = append(f.log, a)
		f.conns[c] = true
		do := f.answers[a.code]
		f.mu.Unlock()
		r := answer{code: remoting.RespRequestCodeNotSupported, remark: "not told"}
		if do != nil {
			r = do(a)
		}
		w := c.Reply(cmds[i].Ticket(), r.code, r.remark)
		for name, value := range r.fields {
			w.Str(name, value)
		}
		w.Body([]byte(r.body))
		w.End()
	}
}

func (f *fake) Closed(*remoting.Conn) {}

// cluster is a name server and brokers b0, b1, … of the cluster "c", which have all topics that aren't declared missing.
type cluster struct {
	names   *fake
	brokers []*fake
	client  *Client

	mu      sync.Mutex // guards missing
	missing map[string]bool
}

// miss makes a topic have no route.
func (c *cluster) miss(topic string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missing[topic] = true
}

func (c *cluster) misses(topic string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.missing[topic]
}

func newCluster(t *testing.T, brokers int) *cluster {
	t.Helper()
	c := &cluster{names: newFake(t), missing: map[string]bool{}}
	var sets, queues, names []string
	for i := range brokers {
		b := newFake(t)
		c.brokers = append(c.brokers, b)
		name := fmt.Sprintf("b%d", i)
		sets = append(sets, fmt.Sprintf(`{"brokerAddrs":{0:"%s"},"brokerName":"%s","cluster":"c","enableActingMaster":false}`, b.addr, name))
		queues = append(queues, fmt.Sprintf(`{"brokerName":"%s","perm":6,"readQueueNums":2,"topicSysFlag":0,"writeQueueNums":2}`, name))
		names = append(names, `"`+name+`"`)
	}
	slices.Reverse(sets) // whoever wants an order makes it
	c.names.on(remoting.CodeGetRouteInfoByTopic, func(a asked) answer {
		if c.misses(a.fields["topic"]) {
			return answer{code: remoting.RespTopicNotExist, remark: "No topic route info in name server for the topic: " + a.fields["topic"]}
		}
		return answer{body: `{"brokerDatas":[` + strings.Join(sets, ",") + `],"filterServerTable":{},"queueDatas":[` + strings.Join(queues, ",") + `]}`}
	})
	table := make([]string, len(sets))
	for i, name := range names {
		table[i] = name + ":" + sets[len(sets)-1-i]
	}
	c.names.says(remoting.CodeGetBrokerClusterInfo, answer{body: `{"brokerAddrTable":{` + strings.Join(table, ",") + `},"clusterAddrTable":{"c":[` + strings.Join(names, ",") + `]}}`})
	c.client = newClient(t, c.names.addr)
	return c
}

// say makes all brokers give an answer.
func (c *cluster) say(code int32, a answer) {
	for _, b := range c.brokers {
		b.says(code, a)
	}
}

func newClient(t *testing.T, namesrvs ...string) *Client {
	t.Helper()
	c := New(Options{Namesrvs: namesrvs})
	t.Cleanup(func() { c.Close() })
	return c
}

// refusing is an address where nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
