package handler_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-mq/gantry/broker"
	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/namesrv"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/remoting/fastjson"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a broker on an in-memory store with the topics "orders" (4 queues) and "batches" (1 queue of inner batches).
type fixture struct {
	*broker.Broker
	config *config.Config
	addr   string
	log    *logLines
}

// logLines collects what is logged.
type logLines struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func small() *config.Config {
	c := config.Default()
	c.BrokerName, c.BrokerHost, c.StoreDir = "broker-a", "127.0.0.1", "store"
	c.SegmentBytes, c.QueueFileBytes, c.BatchQueueFileBytes, c.IndexSlots, c.IndexEntries = 16<<20, 20*1000, 46*1000, 1000, 4000
	return c
}

func start(t testing.TB, fsys vfs.FS, edit func(*config.Config)) *fixture {
	t.Helper()
	f := &fixture{config: small(), log: new(logLines)}
	if edit != nil {
		edit(f.config)
	}
	var err error
	f.Broker, err = broker.Open(broker.Options{
		Config: f.config, ConfigFile: "broker.conf", FS: fsys, Now: time.Now, Logger: slog.New(slog.NewTextHandler(f.log, nil)),
		Registry: nowhere{},
	})
	if err != nil {
		t.Fatal(err)
	}
	batches := meta.NewTopic("batches", 1)
	batches.Attributes = map[string]string{meta.AttrQueueType: "BatchCQ"}
	for _, c := range []meta.TopicConfig{meta.NewTopic("orders", 4), batches} {
		if _, err := f.Topics.Put(c, f.Store.Log.Max()); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	f.Serve(l)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		f.Close(ctx) // of no effect if the test has stopped it
		if t.Failed() {
			t.Log(f.log)
		}
	})
	return f
}

// nowhere is where the broker registers.
type nowhere struct{}

func (nowhere) Start(namesrv.Broker, namesrv.Topics) {}
func (nowhere) Changed(...string)                    {}
func (nowhere) Close()                               {}

// client is a connection that notes what the broker asks it.
type client struct {
	*remoting.Client
	told chan string // groups whose consumers changed
}

func (f *fixture) dial(t testing.TB) *client {
	t.Helper()
	c := &client{told: make(chan string, 100)}
	d := remoting.Dialer{Logger: slog.New(slog.DiscardHandler), OnRequest: func(_ *remoting.Conn, cmd *remoting.Command) {
		if cmd.Code == remoting.CodeNotifyConsumerIDsChanged {
			c.told <- cmd.Fields.Str("consumerGroup")
		}
	}}
	var err error
	if c.Client, err = d.Dial(context.Background(), f.addr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func fields(pairs ...string) (f remoting.Fields) {
	for i := 0; i < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f
}

// call sends a request and returns the answer, whatever its code.
func (c *client) call(t testing.TB, code int32, f remoting.Fields, body []byte) *remoting.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := c.Call(ctx, &remoting.Request{Code: code, Fields: f, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ok is call for a request that must succeed.
func (c *client) ok(t testing.TB, code int32, f remoting.Fields, body []byte) *remoting.Response {
	t.Helper()
	r := c.call(t, code, f, body)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

// fails is call for a request that must be answered with that code.
func (c *client) fails(t testing.TB, want int32, code int32, f remoting.Fields, body []byte) *remoting.Response {
	t.Helper()
	r := c.call(t, code, f, body)
	if r.Code != want {
		t.Fatalf("answer %s (%d) %q, expected %s", remoting.ResponseName(r.Code), r.Code, r.Remark, remoting.ResponseName(want))
	}
	return r
}

// number is a field of an answer that holds a number.
func number(t testing.TB, r *remoting.Response, name string) int64 {
	t.Helper()
	n, err := r.Fields.Int64(name, -1<<62)
	if err != nil || n == -1<<62 {
		t.Fatalf("field %s: %v in %s", name, err, r.Fields)
	}
	return n
}

func sendFields(topic string, queue int) remoting.Fields {
	props := record.AppendProperty(nil, record.PropUniqKey, "k1")
	return fields("a", "PG", "b", topic, "c", meta.DefaultTopic, "d", "4", "e", strconv.Itoa(queue), "f", "0", "g", "1700000000000", "h", "0", "i", string(props), "j", "0", "k", "false", "m", "false")
}

// send sends a message with tags and keys, waits until it can be read, and returns the answer.
func (f *fixture) send(t testing.TB, c *client, topic string, queue int, body, tags, keys string) *remoting.Response {
	t.Helper()
	sf := sendFields(topic, queue)
	props := record.AppendProperty(nil, record.PropUniqKey, body+"-key")
	if tags != "" {
		props = record.AppendProperty(props, record.PropTags, tags)
	}
	if keys != "" {
		props = record.AppendProperty(props, record.PropKeys, keys)
	}
	sf.Add("i", string(props))
	r := c.ok(t, remoting.CodeSendMessageV2, sf, []byte(body))
	f.arrive(t, topic, queue, number(t, r, "queueOffset"))
	return r
}

// arrive waits until a queue has a message of that offset.
func (f *fixture) arrive(t testing.TB, topic string, queue int, queueOffset int64) {
	t.Helper()
	here := make(chan struct{})
	a := store.Arrival{From: queueOffset, Wake: func(*store.Arrival) { close(here) }}
	if !f.Store.Queue(topic, int32(queue)).Await(&a) {
		return
	}
	select {
	case <-here:
	case <-time.After(10 * time.Second):
		t.Fatalf("queue offset %d of %s/%d didn't arrive", queueOffset, topic, queue)
	}
}

// records are the messages in a body.
func records(t testing.TB, b []byte) (all []record.Record) {
	t.Helper()
	for len(b) > 0 {
		var r record.Record
		if err := record.Decode(b, &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
		b = b[r.Size:]
	}
	return all
}

// bodyOf reads the JSON body of an answer.
func bodyOf[T any](t testing.TB, r *remoting.Response) (v T) {
	t.Helper()
	if err := fastjson.Unmarshal(r.Body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func jsonBody(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frame is a request with a JSON header as it goes over the wire.
func frame(code, opaque, flag int32, f remoting.Fields, body []byte) []byte {
	return frameOf(remoting.Version55, code, opaque, flag, f, body)
}

// frameOf is frame of a client of another version.
func frameOf(version, code, opaque, flag int32, f remoting.Fields, body []byte) []byte {
	ext := map[string]string{}
	for _, x := range f {
		ext[string(x.Key)] = string(x.Value)
	}
	header, err := json.Marshal(map[string]any{
		"code": code, "language": "GO", "version": version, "opaque": opaque, "flag": flag, "extFields": ext, "serializeTypeCurrentRPC": "JSON",
	})
	if err != nil {
		panic(err) // strings and numbers
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(header)))
	return append(append(b, header...), body...)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func (f *fixture) stop(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := f.Close(ctx); err != nil {
		t.Fatal(err)
	}
}
