package handler_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/broker/config"
	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestASendIsAnsweredWithThePlaceOfTheMessage(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	long := fields("producerGroup", "PG", "topic", "orders", "defaultTopic", meta.DefaultTopic, "defaultTopicQueueNums", "4", "queueId", "2", "sysFlag", "0",
		"bornTimestamp", "1700000000000", "flag", "9", "properties", "", "reconsumeTimes", "0", "unitMode", "false", "batch", "false")
	for i, test := range []struct {
		code int32
		f    remoting.Fields
	}{{remoting.CodeSendMessageV2, sendFields("orders", 2)}, {remoting.CodeSendMessage, long}} {
		r := c.ok(t, test.code, test.f, []byte("book"))
		host, off, err := record.ParseMessageID(r.Fields.Str("msgId"))
		if err != nil || host.IP.String() != "127.0.0.1" || int64(host.Port) != f.config.ListenPort {
			t.Errorf("message id %s: %v %v", r.Fields.Str("msgId"), host, err)
		}
		if q, n := number(t, r, "queueId"), number(t, r, "queueOffset"); q != 2 || n != int64(i) {
			t.Errorf("message %d is at offset %d of queue %d", i, n, q)
		}
		if id := r.Fields.Str("transactionId"); i == 0 && id != "k1" || i == 1 && len(id) != 32 {
			t.Errorf("transaction id %q", id)
		}
		if r.Fields.Str("MSG_REGION") != "DefaultRegion" || r.Fields.Str("TRACE_ON") != "true" {
			t.Errorf("fields %s", r.Fields)
		}
		stored, err := f.Store.Record(off, nil)
		if err != nil {
			t.Fatal(err)
		}
		rec := records(t, stored)[0]
		if string(rec.Body) != "book" || rec.BornTimestamp != 1700000000000 || rec.BornHost.IP.String() != "127.0.0.1" || rec.Flag != int32(9*i) {
			t.Errorf("stored %+v", rec)
		}
	}
}

func TestABatchIsAnsweredWithTheIDsOfItsMessages(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	var body []byte
	for _, s := range []string{"one", "two", "three"} {
		body = binary.BigEndian.AppendUint32(body, uint32(22+len(s)))
		body = append(body, make([]byte, 12)...)
		body = binary.BigEndian.AppendUint32(body, uint32(len(s)))
		body = append(append(body, s...), 0, 0)
	}
	sf := sendFields("orders", 0)
	for i, code := range []int32{remoting.CodeSendBatchMessage, remoting.CodeSendMessageV2} {
		sf.Add("m", "true")
		r := c.ok(t, code, sf, body)
		ids := strings.Split(r.Fields.Str("msgId"), ",")
		if len(ids) != 3 || len(slices.Compact(ids)) != 3 || number(t, r, "queueOffset") != int64(3*i) {
			t.Errorf("fields %s", r.Fields)
		}
	}
	r := c.ok(t, remoting.CodeSendBatchMessage, sendFields("batches", 0), body)
	if ids := r.Fields.Str("msgId"); strings.Contains(ids, ",") {
		t.Errorf("an inner batch has ids %s", ids)
	}
}

func TestAnInnerBatchIsAnsweredWithItsID(t *testing.T) {
	f := start(t, vfs.NewMem(), nil)
	c := f.dial(t)
	body := append([]byte{0, 0, 0, 23, 15: 0, 19: 1}, 'x', 0, 0)
	for _, topic := range []string{"batches", "orders"} {
		r := c.ok(t, remoting.CodeSendBatchMessage, sendFields(topic, 0), body)
		batch, transaction := r.Fields.Str("batchUniqId"), r.Fields.Str("transactionId")
		if want := map[string]string{"batches": "k1"}[topic]; batch != want || transaction != "k1" {
			t.Errorf("%s: batch id %q, expected %q; transaction id %q", topic, batch, want, transaction)
		}
	}
}

// With synchronous flush, requests are answered when their memory belongs to others.
func TestALateAnswerHasTheIDOfItsOwnMessage(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) { c.FlushDisk = config.SyncFlush })
	nc := dialRaw(t, f)
	const requests = 200
	go func() {
		for i := range requests {
			sf := sendFields("orders", 0)
			sf.Add("i", string(record.AppendProperty(nil, record.PropUniqKey, fmt.Sprintf("id-%04d", i))))
			nc.Write(frame(remoting.CodeSendMessageV2, int32(i), 0, sf, []byte("x")))
		}
	}()
	for range requests {
		if a := readAnswer(t, nc); a.Code != remoting.RespSuccess || a.Fields["transactionId"] != fmt.Sprintf("id-%04d", a.Opaque) {
			t.Fatalf("%+v", a)
		}
	}
}

func TestRefusedSendsHaveTheCodeThatClientsGoBy(t *testing.T) {
	f := start(t, vfs.NewMem(), func(c *config.Config) { c.AutoCreateGroup = false })
	c := f.dial(t)
	for name, test := range map[string]struct {
		pairs []string
		body  string
		code  int32
	}{
		"no such topic":         {[]string{"b", "new", "c", "nothing"}, "x", remoting.RespTopicNotExist},
		"no topic at all":       {[]string{"b", ""}, "x", remoting.RespInvalidParameter},
		"a topic of the broker": {[]string{"b", meta.ScheduleTopic}, "x", remoting.RespNoPermission},
		"no such queue":         {[]string{"e", "4"}, "x", remoting.RespInvalidParameter},
		"an empty body":         {nil, "", remoting.RespMessageIllegal},
		"any delay":             {[]string{"i", "TIMER_DELAY_SEC\x013\x02"}, "x", remoting.RespRequestCodeNotSupported},
		"a retry of nobody":     {[]string{"b", "%RETRY%nobody", "e", "0"}, "x", remoting.RespSubscriptionGroupNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.fails(t, test.code, remoting.CodeSendMessageV2, append(sendFields("orders", 0), fields(test.pairs...)...), []byte(test.body))
			if r.Remark == "" {
				t.Error("the remark is empty")
			}
		})
	}
	if n := f.Handler.Stats().Refused.Load(); n != 7 {
		t.Errorf("%d refusals were counted", n)
	}
}

func TestAFullDiskIsServiceNotAvailable(t *testing.T) {
	mem := vfs.NewMem()
	f := start(t, mem, func(c *config.Config) { c.SegmentBytes = 64 << 10 })
	c := f.dial(t)
	mem.SetCapacity(1)
	body := make([]byte, 60<<10)
	for range 10 {
		if r := c.call(t, remoting.CodeSendMessageV2, sendFields("orders", 0), body); r.Code != remoting.RespSuccess {
			if r.Code != remoting.RespServiceNotAvailable {
				t.Errorf("answer %d %s", r.Code, r.Remark)
			}
			mem.SetCapacity(1 << 30)
			c.ok(t, remoting.CodeSendMessageV2, sendFields("orders", 0), body)
			return
		}
	}
	t.Error("a full disk took everything")
}

// slowDisk makes the flushes of the log wait, from the call of slow until that of free. A test defers free behind start, so
// that the broker can be closed whatever happens.
func slowDisk(mem vfs.FS) (_ vfs.FS, slow, free func()) {
	var on atomic.Bool
	gate := make(chan struct{})
	return vfs.Fault(mem, func(op vfs.Op) error {
		if on.Load() && op.Kind == vfs.OpDatasync && strings.Contains(op.Name, "commitlog/") {
			<-gate
		}
		return nil
	}), func() { on.Store(true) }, sync.OnceFunc(func() { close(gate) })
}

func TestAFlushThatIsLateIsAnsweredWithThePlaceOfTheMessage(t *testing.T) {
	disk, slow, free := slowDisk(vfs.NewMem())
	f := start(t, disk, func(c *config.Config) {
		c.FlushDisk, c.SyncFlushTimeout = config.SyncFlush, time.Millisecond
	})
	defer free()
	slow()
	r := f.dial(t).fails(t, remoting.RespFlushDiskTimeout, remoting.CodeSendMessageV2, sendFields("orders", 1), []byte("book"))
	if r.Fields.Str("msgId") == "" || number(t, r, "queueId") != 1 || number(t, r, "queueOffset") != 0 {
		t.Errorf("fields %s", r.Fields)
	}
	if n := f.Handler.Stats().Put.Total().Messages; n != 1 {
		t.Errorf("%d messages came in", n)
	}
}

func TestRequestsOfOneReadAreServedInTheirOrder(t *testing.T) {
	disk, slow, free := slowDisk(vfs.NewMem())
	f := start(t, disk, func(c *config.Config) {
		c.FlushDisk, c.SyncFlushTimeout = config.SyncFlush, time.Hour
	})
	defer free()
	slow()
	nc := dialRaw(t, f)
	var all []byte
	for _, code := range []int32{remoting.CodeSendMessageV2, remoting.CodeSendMessageV2, 9999, remoting.CodeSendMessageV2, remoting.CodeGetMaxOffset, remoting.CodeSendMessageV2} {
		f := sendFields("orders", 0)
		if code == remoting.CodeGetMaxOffset {
			f = fields("topic", "orders", "queueId", "0")
		}
		all = append(all, frame(code, int32(len(all)), 0, f, []byte("x"))...)
	}
	if _, err := nc.Write(all); err != nil {
		t.Fatal(err)
	}
	// What waits for no flush doesn't wait for those who do.
	first, second := readAnswer(t, nc), readAnswer(t, nc)
	if first.Code != remoting.RespRequestCodeNotSupported || second.Fields["offset"] != "0" {
		t.Errorf("first answers %+v and %+v", first, second)
	}
	free()
	seen := map[string]int32{}
	for range 4 {
		a := readAnswer(t, nc)
		if a.Code != remoting.RespSuccess {
			t.Fatalf("%+v", a)
		}
		seen[a.Fields["queueOffset"]] = a.Opaque
	}
	for i := range 3 {
		if seen[strconv.Itoa(i)] >= seen[strconv.Itoa(i+1)] {
			t.Errorf("the messages were stored in another order: %v", seen)
		}
	}
}

type answer struct {
	Code, Opaque, Flag int32
	Remark             string
	Fields             map[string]string `json:"extFields"`
}

func dialRaw(t testing.TB, f *fixture) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(60 * time.Second))
	return nc
}

func readAnswer(t testing.TB, r io.Reader) (a answer) {
	t.Helper()
	a, err := tryAnswer(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func tryAnswer(r io.Reader) (a answer, err error) {
	var prefix [8]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return a, err
	}
	b := make([]byte, binary.BigEndian.Uint32(prefix[:])-4)
	if _, err := io.ReadFull(r, b); err != nil {
		return a, err
	}
	n := binary.BigEndian.Uint32(prefix[4:]) & 0xffffff
	if int(n) > len(b) {
		return a, errors.New("header beyond the frame")
	}
	if err := json.Unmarshal(b[:n], &a); err != nil {
		return a, fmt.Errorf("%w in %q", err, b[:n])
	}
	return a, nil
}

func TestSendsOverTheWireAllocateNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	f := start(t, vfs.OS(), func(c *config.Config) { c.StoreDir, c.SegmentBytes = filepath.Join(t.TempDir(), "store"), 8<<20 })
	nc := dialRaw(t, f)
	const together = 64
	var requests []byte
	for range together {
		requests = append(requests, frame(remoting.CodeSendMessageV2, 7, 0, sendFields("orders", 1), make([]byte, 100))...)
	}
	exchange := exchanger(t, nc, requests, together)
	for range 20 {
		exchange()
	}
	// What is left is the dispatcher's, once per batch, and that of a collection that empties the pools.
	if n := testing.AllocsPerRun(100, exchange) / together; n > 0.05 {
		t.Errorf("%.3f allocations per message", n)
	}
}

// exchanger returns a function that sends the requests and reads as many answers.
func exchanger(t testing.TB, nc net.Conn, requests []byte, together int) func() {
	answers := make([]byte, 4<<20)
	return func() {
		if _, err := nc.Write(requests); err != nil {
			t.Fatal(err)
		}
		for end, at, n := 0, 0, 0; n < together; {
			got, err := nc.Read(answers[end:])
			if err != nil {
				t.Fatal(err)
			}
			for end += got; end-at >= 4; n++ {
				size := 4 + int(binary.BigEndian.Uint32(answers[at:]))
				if end-at < size {
					break
				}
				at += size
			}
		}
	}
}
